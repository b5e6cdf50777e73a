"""A local HTTP server with any response, byte by byte, with or without TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

Responder = Callable[[bytes], Iterable[bytes]]
"""Takes the head and body of a request as received. Returns the pieces of the response."""


def http_response(
    body: bytes = b"", status: int = 200, headers: Iterable[tuple[str, str]] = (), *, sized: bool = True
) -> bytes:
    """An HTTP response. If `sized`, it has a Content-Length, otherwise it ends with the connection."""
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers)]
    lines += [f"Content-Length: {len(body)}"] if sized else ["Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class LocalServer:
    """Use it as a context manager. `requests` has the received requests. Each connection has its own thread, gets at
    most `exchanges` responses, and is closed then, or if a response has no pieces."""

    def __init__(self, respond: Responder, *, context: ssl.SSLContext | None = None, exchanges: int = 1) -> None:
        self._respond, self._context, self._exchanges = respond, context, exchanges
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http{'s' if self._context else ''}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=20)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        with suppress(OSError), connection:
            if self._context is None:
                self._handle(connection)
            else:
                with self._context.wrap_socket(connection, server_side=True) as wrapped:
                    self._handle(wrapped)

    def _handle(self, connection: socket.socket) -> None:
        for _ in range(self._exchanges):
            if not self._respond_once(connection):
                return

    def _respond_once(self, connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65536)
            if not received:
                return False
            request += received
        head, _, body = request.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < int(lengths[0].split(b":")[1]):
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        sent = 0
        for piece in self._respond(self.requests[-1]):
            connection.sendall(piece)
            sent += len(piece)
        return sent > 0
