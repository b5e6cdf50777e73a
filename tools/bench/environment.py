"""Installs what the compared servers need below `.bench`: a virtual environment from the hashed lock, and npm packages.

An installation is kept until a file it depends on changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tools.bench.registry import NODE, PEERS, PYTHON, STATE

NODE_FILES = PEERS / "node"
LOCK = PEERS / "requirements.lock"
_HEADERS = Path("/usr/include/node/node.h")
"""Installed with Node.js by Debian. better-sqlite3 is then compiled without downloading headers."""


class InstallationFailed(Exception):
    """The command printed why."""


def install_python() -> None:
    """Makes `.bench/python` from the lock file. Raises InstallationFailed."""
    stamp, wanted = STATE / "python" / "lock.sha256", _fingerprint(LOCK)
    if _is(stamp, wanted):
        return
    print("Creating .bench/python (once, about a minute) ...", file=sys.stderr)
    shutil.rmtree(STATE / "python", ignore_errors=True)
    venv.create(STATE / "python", with_pip=False)
    options = ("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))
    pip = (sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "-qq", "--disable-pip-version-check")
    _run([*pip, "--no-input", *options], STATE, PIP_ROOT_USER_ACTION="ignore")
    stamp.write_text(wanted)


def install_node() -> str | None:
    """Makes `.bench/node`. Returns None, or a sentence that says why the servers for Node.js are skipped. Raises
    InstallationFailed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js is not installed."
    if not (NODE_FILES / "package-lock.json").exists():
        return "tools/bench/peers/node has no package-lock.json."
    NODE.mkdir(parents=True, exist_ok=True)
    shutil.copy(PEERS / "peer.graphql", STATE)
    shutil.copytree(NODE_FILES, NODE, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    stamp, wanted = NODE / "lock.sha256", _fingerprint(NODE / "package-lock.json", NODE / "package.json") + version
    if not _is(stamp, wanted):
        print("Installing npm packages in .bench/node (once, some minutes) ...", file=sys.stderr)
        shutil.rmtree(NODE / "node_modules", ignore_errors=True)
        variables = {"npm_config_build_from_source": "true"}
        if _HEADERS.exists():
            variables["npm_config_nodedir"] = "/usr"
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], NODE, **variables)
        stamp.write_text(wanted)
    return None


_STANDARD_ERROR = 2
"""The file descriptor: `sys.stderr` may be an object without one."""


def _run(command: list[str], folder: Path, **variables: str) -> None:
    environment = {**os.environ, **variables}
    if subprocess.run(command, check=False, cwd=folder, env=environment, stdout=_STANDARD_ERROR).returncode:
        raise InstallationFailed(f"{command[0]} failed; see the lines above.")


def _fingerprint(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files) + sys.version.encode()).hexdigest()


def _is(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted
