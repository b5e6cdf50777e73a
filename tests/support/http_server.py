"""The HTTP server in this process, with a small application, and raw connections to it."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.kit.deadline import Deadlines
from gateway.web.http_server import Server
from tests.fixtures.settings import sandbox_settings

WAIT = 20.0
"""Seconds after which a test fails that waits for the server."""


class RunningServer:
    """The server with these settings. Use it as a context manager. `bodies` has the bodies that the application has
    read; `disconnected` is set if a client disconnects before its body is complete; `/held` is answered after
    `release`."""

    def __init__(self, **settings: Any) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.disconnected, self._released = threading.Event(), threading.Event()
        routes = [
            Route("/", self._answer, methods=["GET", "POST"]),
            Route("/unread", self._ignore_body, methods=["POST"]),
            Route("/large", self._answer_large),
            Route("/held", self._hold),
        ]
        self.server = Server(Starlette(routes=routes), sandbox_settings(**settings), Deadlines(60))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.server.should_exit = True
        self._thread.join(timeout=WAIT)
        assert not self._thread.is_alive()

    def release(self) -> None:
        self._released.set()

    def connect(self) -> "RawConnection":
        return RawConnection(socket.create_connection(self.address, timeout=WAIT))

    async def _answer(self, request: Request) -> Response:
        self.headers.append(list(request.headers.raw))
        try:
            self.bodies.append(await request.body())
        except ClientDisconnect:
            self.disconnected.set()
            raise
        return PlainTextResponse("ok")

    async def _ignore_body(self, _: Request) -> Response:
        return PlainTextResponse("not needed", 404)

    async def _answer_large(self, _: Request) -> Response:
        return PlainTextResponse(b"x" * (32 * 1024 * 1024))

    def _hold(self, _: Request) -> Response:
        assert self._released.wait(WAIT)
        return PlainTextResponse("held")


class RawConnection:
    """A connection on which a test sends any bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_until_refused(self, data: bytes, *, most: int) -> int:
        """Sends `data` again and again until the server stops reading. Returns the bytes that were sent, at most
        `most`."""
        sent = 0
        with suppress(OSError):
            self._socket.settimeout(0.5)
            while sent < most:
                sent += self._socket.send(data)
        self._socket.settimeout(WAIT)
        return sent

    def status(self) -> int:
        """Reads one response with a Content-Length and returns its status. 0 if the connection was closed."""
        while b"\r\n\r\n" not in self._received:
            if not self._receive():
                return 0
        head, _, rest = self._received.partition(b"\r\n\r\n")
        (length,) = (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        while len(rest) < length and self._receive():
            rest = self._received.partition(b"\r\n\r\n")[2]
        self._received = rest[length:]
        return int(head.split(b" ", 2)[1])

    def is_closed(self) -> bool:
        """Waits until the server closes the connection. False if it has not after WAIT seconds."""
        try:
            while self._receive():
                pass
        except TimeoutError:
            return False
        return True

    def was_reset_unread(self, is_gone: Callable[[], bool]) -> bool:
        """Waits until `is_gone` holds, without reading anything. Whether the rest of the response is missing."""
        wait_until(is_gone)
        self.is_closed()
        return len(self._received) < 32 * 1024 * 1024

    def _receive(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        self._received += data
        return bool(data)


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds. Fails after WAIT seconds."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
