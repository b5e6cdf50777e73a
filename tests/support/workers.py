"""A server of several workers in processes of its own: `gateway serve --workers N` over PostgreSQL and Valkey."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.support.processes import children_of
from tests.support.server import INTERPRETER, STARTS_WITHIN, Sandbox, free_port


class Workers(Sandbox):
    """The server of a sandbox over a migrated database, with two workers. `exit_code` is that of the parent, once it
    has ended."""

    def __init__(self, database_url: str, folder: Path, valkey_url: str, **settings: str) -> None:
        port = free_port()
        shared = {"valkey_url": valkey_url, "issuer": f"http://127.0.0.1:{port}"}
        super().__init__(database_url, folder, port, **shared, **settings)
        self.exit_code: int | None = None

    def start(self) -> Self:
        """Starts the server and waits until its workers serve."""
        self.folder.mkdir(exist_ok=True)
        command = [*(self.python or INTERPRETER), "-m", "gateway", "serve", "--port", str(self._port), "--workers", "2"]
        with (self.folder / "server.out").open("wb") as out, (self.folder / "server.log").open("wb") as log:
            parent = subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        self._process = parent
        deadline = time.monotonic() + STARTS_WITHIN
        while len(self.printed) < 2:
            if parent.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the workers did not start: {self.log[-2000:]}")
            time.sleep(0.02)
        return self

    @property
    def pid(self) -> int:
        """The parent of the workers."""
        assert self._process is not None
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The workers that run."""
        return sorted(children_of(self.pid))

    @property
    def printed(self) -> list[str]:
        """The lines on standard output since the last start."""
        return (self.folder / "server.out").read_text().splitlines()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log since the last start with this event. Each line of the log is a JSON object."""
        lines = [json.loads(line) for line in self.log.splitlines()]
        return [line for line in lines if line["event"] == name]

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        super()._end(number)
        self.exit_code = process.returncode if process is not None else self.exit_code


@contextmanager
def seeded_workers(database_url: str, folder: Path, valkey_url: str, **settings: str) -> Iterator[Workers]:
    """A server of two workers over the data of a new sandbox, with its credentials. `database_url` is empty."""
    folder.mkdir()
    server = Workers(database_url, folder, valkey_url, **settings)
    with Sandbox(database_url, folder, server._port, valkey_url=valkey_url, **settings) as seed:
        server.credentials = seed.credentials
    with server:
        yield server
