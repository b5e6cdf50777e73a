"""Requests as a server receives them: bytes in path, query, headers and body that no client library would send."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message

Headers = Sequence[tuple[bytes, bytes]]


@dataclass
class RawResponse:
    """A response, and the CPU seconds that it took."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    seconds: float = 0.0

    def header(self, name: bytes) -> bytes | None:
        """The last header of this name."""
        return dict(self.headers).get(name)


class RawClient:
    """Calls an ASGI application in one event loop, without an HTTP parser in between."""

    def __init__(self, application: ASGIApp, portal: BlockingPortal) -> None:
        self._application, self._portal = application, portal

    def send(
        self, method: str, path: bytes, query: bytes = b"", headers: Headers = (), body: bytes = b""
    ) -> RawResponse:
        """Returns the response to one request."""
        response = RawResponse()
        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            return next(received, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status, response.headers = message["status"], list(message["headers"])
            response.body += message.get("body", b"")

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in headers],
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000),
            "state": {},
        }
        began = time.process_time()
        self._portal.call(self._application, scope, receive, send)
        response.seconds = time.process_time() - began
        return response


@contextmanager
def raw_client(application: ASGIApp) -> Iterator[RawClient]:
    """A client whose event loop ends with the block."""
    with start_blocking_portal() as portal:
        yield RawClient(application, portal)
