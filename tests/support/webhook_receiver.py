"""The webhook receivers of docs/examples: as processes, or changed and in this process."""

import importlib.util
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.kit.clock import wall_clock
from gateway.kit.http import HttpClient
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.certification.session import Limits, Session
from tests.support.checkout import ROOT
from tests.support.outgoing import LOOPBACK

EXAMPLE = ROOT / "docs/examples/webhook_receiver.py"
_spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
assert _spec is not None
assert _spec.loader is not None
example: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)

SECRET = new_secret()


def session_with(url: str, *, secret: str = SECRET, limits: Limits | None = None, effects: bool = True) -> Session:
    """A session with the receiver at `url`, which has its list of effects beside it."""
    effects_url = f"{url.rpartition('/')[0]}/effects" if effects else None
    return Session(HttpClient(LOOPBACK), url, secret, wall_clock, limits or Limits(), effects_url)


@contextmanager
def serving(receiver: Any, handler: type[Any] | None = None) -> Iterator[str]:
    """Serves a receiver of the example in this process, and returns its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler or example.handler_of(receiver))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/webhooks"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=20)


class ReceiverProcess:
    """A receiver as a process. Use it as a context manager. After `kill` it can be started again."""

    def __init__(self, command: Sequence[str], secrets: Sequence[str]) -> None:
        self._command, self._secrets = command, secrets
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> Self:
        """Starts the process, and waits until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=self._environment)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the receiver did not start"
        return self

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Runs a process that does not start to listen."""
        return subprocess.run(
            self._command, env=self._environment, capture_output=True, text=True, timeout=30, check=False
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "WEBHOOK_SECRETS": " ".join(self._secrets)}

    def kill(self) -> None:
        """Ends the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=20)
            self._process = None

    def session(self, secret: str = SECRET) -> Session:
        """A session with it."""
        return session_with(self.url, secret=secret)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


MakeReceiver = Callable[..., ReceiverProcess]
"""Returns a receiver with these secrets that was not started."""


def state_files(folder: Path) -> bytes:
    """The content of all files of a receiver."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
