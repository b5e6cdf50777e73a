"""Runs one of the compared servers in its own process, pinned to a core."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.bench.gateway_data import CREDIT_LIMITS
from tools.bench.registry import GATEWAY, ROOT, Peer

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
START_WITHIN = 60


class ServerFailed(Exception):
    """The server did not start, or ended. The message has the end of its output."""


class Server:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.port = process, port

    def cpu_seconds(self) -> float:
        """Returns the CPU time of the process, all threads, in nanosecond steps (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def other_cpu_seconds(self) -> float:
        """Returns the CPU time that all other processes have used on the server's core, from /proc/stat."""
        lines = Path("/proc/stat").read_text().splitlines()
        line = next(text for text in lines if text.startswith(f"cpu{SERVER_CORE} "))
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
        ticks = user + nice + system + interrupts + soft_interrupts + stolen
        return ticks / os.sysconf("SC_CLK_TCK") - self.cpu_seconds()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(peer: Peer, database: Path, log: Path) -> Iterator[Server]:
    """Runs the server over this database. Its output goes to the file `log`. Raises ServerFailed."""
    port = free_port()
    command = [*peer.command, "--port", str(port), "--database", str(database)]
    settings = {"NODE_ENV": "production"}
    if peer.name == GATEWAY:
        settings |= gateway_settings(f"sqlite:///{database}", database.parent)
        command = gateway_command(port)
    with serving(command, settings, port, log, core=SERVER_CORE) as server:
        yield server


def gateway_command(port: int, *options: str) -> list[str]:
    """Returns the command that serves the gateway."""
    return [sys.executable, "-m", "gateway", "serve", "--port", str(port), *options]


def gateway_settings(database_url: str, state_directory: Path) -> dict[str, str]:
    """Returns the environment variables of the gateway over data of `gateway_data`."""
    return {
        "GATEWAY_STATE_DIRECTORY": str(state_directory),
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_CREDIT_LIMITS": CREDIT_LIMITS,
    }


@contextmanager
def serving(
    command: Sequence[str], settings: Mapping[str, str], port: int, log: Path, *, core: int | None
) -> Iterator[Server]:
    """Runs a server by its command, with these environment variables, on one core or on all. Its output goes to the
    file `log`. Raises ServerFailed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "PYTHON"))}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env={**environment, **settings}, stdout=output, stderr=output)
    if core is not None and len(CORES) > 1:
        os.sched_setaffinity(process.pid, {core})  # before it starts any thread
    try:
        _wait_until_ready(process, port, log)
        yield Server(process, port)
        if process.poll() is not None:
            raise ServerFailed(f"The server ended: {_end(log)}")
    finally:
        _end_process(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerFailed(f"The server did not start: {_end(log)}")
        time.sleep(0.02)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-1_500:].strip() or "it printed nothing"
