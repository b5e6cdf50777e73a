"""A live sandbox in a process of its own, started as an operator starts one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support import secrets

STARTS_WITHIN = 60.0


def bare_environment() -> dict[str, str]:
    """This process's environment without any of the gateway's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}


class Sandbox:
    """`gateway sandbox up` over `database_url`, its state in `folder`. Use it as a context manager; after `kill` it
    can be started again over the same data. `settings` are further ones, by name; `packages` is a folder of further
    installed packages. `python` starts it: this process's own, unless it is set to another environment's."""

    def __init__(self, database_url: str, folder: Path, port: int = 0, packages: str = "", **settings: str) -> None:
        self.database_url, self.folder, self._port = database_url, folder, port
        self.packages = {"PYTHONPATH": packages} if packages else {}
        self.python: tuple[str, ...] = (sys.executable,)
        self._environment = {
            **bare_environment(),
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_STATE_DIRECTORY": str(folder),
            # At this level a library that logs what it handles would be found out.
            "GATEWAY_LOG_LEVEL": "DEBUG",
            **{f"GATEWAY_{name.upper()}": value for name, value in settings.items()},
            **self.packages,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.credentials: dict[str, Any] = {}

    def start(self) -> Self:
        """Starts the server and waits for its credentials."""
        file = self.folder / "credentials.json"
        file.unlink(missing_ok=True)
        command = [*self.python, "-m", "gateway", "sandbox", "up", "--port", str(self._port)]
        with (self.folder / "server.out").open("ab") as out, (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--credentials", str(file)], env=self._environment, stdout=out, stderr=log
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the sandbox did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)
        self.credentials = json.loads(file.read_text())
        return self

    def kill(self) -> None:
        """Ends the server with SIGKILL: nothing it still holds can be written."""
        self._end(signal.SIGKILL)

    def interrupt(self) -> None:
        """Ends the server with Ctrl-C."""
        self._end(signal.SIGINT)

    def stop(self) -> None:
        """Ends the server as a supervisor does."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=20)
            self._process = None
            found = secrets.find_secrets(self.log)
            if found:
                raise AssertionError(f"the server's log holds secrets: {found}")

    @property
    def output(self) -> str:
        """All that the server has printed."""
        return (self.folder / "server.out").read_text() + self.log

    @property
    def log(self) -> str:
        """What the server has logged, on standard error."""
        return (self.folder / "server.log").read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
