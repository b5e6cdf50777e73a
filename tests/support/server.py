"""A live sandbox in its own process, started by the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx2

from tests.support import secrets
from tests.support.command_line import COMMANDS
from tests.support.processes import send

INTERPRETER = (sys.executable,)
STARTS_WITHIN = 60.0
COMPILATION = "GATEWAY_QUERY_COMPILATION"
"""The variable that a run of all tests may set: they pass with compiled operations and without."""


def free_port() -> int:
    """A port of this machine that nothing listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_until_ready(address: str, process: "subprocess.Popen[Any]") -> None:
    """Waits until the server that the process runs at this address can serve. Raises AssertionError if it does not
    start."""
    deadline = time.monotonic() + STARTS_WITHIN
    while not _is_ready(address):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def bare_environment() -> dict[str, str]:
    """The environment of this process without the GATEWAY_ variables, except for COMPILATION."""
    return {name: value for name, value in os.environ.items() if name == COMPILATION or not name.startswith("GATEWAY_")}


class HasCredentials(Protocol):
    """A sandbox or one of its partners: has the document of credentials.json."""

    credentials: dict[str, Any]


class ForkedServer:
    """A server that was forked from the loaded command line, with the methods of Popen that a sandbox needs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Returns the exit code, None while the server runs."""
        if self.returncode is None:
            self.returncode = COMMANDS.poll(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Waits until the server has ended and returns its exit code. Raises TimeoutExpired after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"server {self.pid}", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server, unless it has ended."""
        if self.poll() is None:
            send(self.pid, number)


class Sandbox:
    """`gateway sandbox up` over `database_url` with its state in `folder`. Use it as a context manager. After `kill` it
    can be started again with the same data. `settings` are further settings by name, `packages` is a folder with
    further installed packages. `python` is the interpreter command that starts the server. By default it is empty: the
    server is forked from a process that has loaded the application, because loading takes longer than most tests."""

    def __init__(self, database_url: str, folder: Path, port: int = 0, packages: str = "", **settings: str) -> None:
        self.database_url, self.folder, self._port = database_url, folder, port
        self.packages = {"PYTHONPATH": packages} if packages else {}
        self.python: tuple[str, ...] = ()
        self._environment = {
            **bare_environment(),
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_STATE_DIRECTORY": str(folder),
            # DEBUG also shows what libraries log, so that a logged secret is detected.
            "GATEWAY_LOG_LEVEL": "DEBUG",
            **{f"GATEWAY_{name.upper()}": value for name, value in settings.items()},
            **self.packages,
        }
        self._process: subprocess.Popen[bytes] | ForkedServer | None = None
        self.credentials: dict[str, Any] = {}

    def start(self) -> Self:
        """Starts the server and waits for its credentials."""
        file = self.folder / "credentials.json"
        file.unlink(missing_ok=True)
        process = self._launch("--port", str(self._port), "--credentials", str(file), log="server.log")
        deadline = time.monotonic() + STARTS_WITHIN
        while not file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the sandbox did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)
        self.credentials = json.loads(file.read_text())
        return self

    def run_demo(self) -> str:
        """Starts the server with the demo, waits until it has printed everything, stops it, and returns the output."""
        begin = len(self._printed)
        self._launch("--port", "0", "--demo", log="server.out")
        deadline = time.monotonic() + STARTS_WITHIN
        while "overdue@" not in self._printed[begin:] and time.monotonic() < deadline:
            time.sleep(0.05)
        output = self._printed[begin:]
        self.stop()
        return output

    def _launch(self, *options: str, log: str) -> subprocess.Popen[bytes] | ForkedServer:
        """Starts the server with these options, and its standard error in the file `log` of its folder."""
        arguments, files = ["sandbox", "up", *options], (self.folder / "server.out", self.folder / log)
        if not self.python:
            self._process = ForkedServer(COMMANDS.start(arguments, self._environment, *files))
            return self._process
        with files[0].open("ab") as out, files[1].open("ab") as err:
            command = [*self.python, "-m", "gateway", *arguments]
            self._process = subprocess.Popen(command, env=self._environment, stdout=out, stderr=err)
        return self._process

    def kill(self) -> None:
        """Ends the server with SIGKILL: data that it has not written is lost."""
        self._end(signal.SIGKILL)

    def interrupt(self) -> None:
        """Ends the server with Ctrl-C."""
        self._end(signal.SIGINT)

    def stop(self) -> None:
        """Ends the server with SIGTERM, as a supervisor does."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=20)
            self._process = None
            leaked = secrets.find_secrets(self.log)
            if leaked:
                raise AssertionError(f"the server's log holds secrets: {leaked}")

    @property
    def output(self) -> str:
        """Standard output and standard error of the server."""
        return self._printed + self.log

    @property
    def _printed(self) -> str:
        return (self.folder / "server.out").read_text()

    @property
    def log(self) -> str:
        """The server's log (its standard error)."""
        return (self.folder / "server.log").read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
