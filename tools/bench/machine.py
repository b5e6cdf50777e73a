"""The machine and the versions of everything that was measured."""

import json
import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.bench.registry import GATEWAY, NODE, PYTHON, Peer

_VERSIONS = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


def describe(folder: Path) -> dict[str, Any]:
    """Returns processor, cores, kernel, versions of Python, SQLite and Node.js, and the disk's rate of fdatasync. The
    rate is measured in `folder`."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "node": _output("node", "--version"),
        "fdatasync_per_second": round(fdatasync_rate(folder)),
    }


def fdatasync_rate(folder: Path, seconds: float = 1.0) -> float:
    """Returns how often per second 4 KiB can be appended to a file and flushed to the disk."""
    file, block = folder / "fdatasync", bytes(4096)
    handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    try:
        count, began = 0, time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            os.write(handle, block)
            os.fdatasync(handle)
            count += 1
        return count / (now - began)
    finally:
        os.close(handle)
        file.unlink()


def versions(peers: Iterable[Peer]) -> dict[str, dict[str, str]]:
    """Returns the versions of each server's packages."""
    found = {}
    for peer in peers:
        if peer.name == GATEWAY:
            found[peer.name] = {name: version(name) for name in peer.packages}
        elif peer.needs == PYTHON:
            found[peer.name] = json.loads(_output(str(PYTHON), "-c", _VERSIONS, *peer.packages) or "{}")
        else:
            files = {name: NODE / "node_modules" / name / "package.json" for name in peer.packages}
            found[peer.name] = {name: str(json.loads(file.read_text())["version"]) for name, file in files.items()}
    return found


def sentence(machine: Mapping[str, Any]) -> str:
    """Returns the description as one sentence."""
    node = f", Node.js {machine['node']}" if machine["node"] else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, SQLite"
        f" {machine['sqlite']}{node}. The disk makes {machine['fdatasync_per_second']:,} fdatasync per second."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
