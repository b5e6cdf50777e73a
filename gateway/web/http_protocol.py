"""HTTP/1.1 with limits for what a client may send and for how long it may take.

uvicorn keeps whatever a client sends until the request is complete, and waits for it without an end. Here a header that
is too large is refused before it is kept, and a connection that waits for its client has a time limit.
"""

import asyncio
from enum import Enum
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.web.connections import CLOSE_CONNECTION, Connections

LARGEST_HEADER = 64 * 1024
"""Bytes of the request line and all header fields."""

MOST_FIELDS = 100
LONGEST_TARGET = 8 * 1024
"""Bytes of the request target. RFC 9112 section 3 recommends at least 8000."""

LARGEST_BODY = 1024 * 1024
"""Bytes of a body as it is sent, with the framing of its chunks and with its trailer. Endpoints accept less."""

_LINGER = 2.0
"""Seconds in which the client can read a refusal before the connection is closed."""

_MOST_DISCARDED = 1024 * 1024
_TEXTS = {
    400: "The request is not valid HTTP/1.1.",
    408: "The request took too long.",
    413: f"The body may have at most {LARGEST_BODY} bytes, with its framing.",
    414: f"The request target may have at most {LONGEST_TARGET} bytes.",
    431: f"The header may have at most {LARGEST_HEADER} bytes and {MOST_FIELDS} fields.",
    503: "The server has too many connections. Try again later.",
}


class _Part(Enum):
    """What a connection waits for, or receives."""

    FIRST = "the first request"
    NEXT = "the next request"
    HEADER = "the rest of a header"
    BODY = "the rest of a body"
    RESPONSE = "the response"
    END = "the end of the connection"


class _Refused(Exception):
    """The request cannot be accepted. `status` is the status of the response."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class LimitedProtocol(HttpToolsProtocol):
    """One connection. A refused one gets a response of this class, because no application has its request yet:
    400, 408, 413, 414 or 431 (RFC 9110 section 15.5, RFC 6585 section 5)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        open_connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open, self._limits = open_connections, open_connections.limits
        self.cycle: Any  # the newest request, None before the first one
        self._part, self._due = _Part.FIRST, 0.0
        self._received = self._fields = self._begun = self._discarded = 0
        self._reads = True
        self._unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for(_Part.FIRST, self._limits.header)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            if not self._reads or self.transport.is_closing():
                self._discard(len(data) - start)
                return
            # The parser gets no more of a header than may be accepted.
            size = LARGEST_HEADER - (self._received if self._part is _Part.HEADER else 0)
            try:
                self._feed(data[start : start + size])
            except _Refused as refused:
                self._refuse(refused.status)
            except httptools.HttpParserError as error:
                cause = error.__context__
                self._refuse(cause.status if isinstance(cause, _Refused) else 400)
            start += size

    def _feed(self, piece: bytes) -> None:
        part, self._begun = self._part, 0
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # no other protocol is spoken; the request is answered as any other
            self._reads = self.cycle.keep_alive = False
            return
        headers = self._begun + (part is _Part.HEADER)
        if self._part is _Part.HEADER and part is not _Part.BODY and headers == 1:
            # Otherwise it is not known how much of the piece belongs to the last of several messages.
            self._received += len(piece)
            if self._received >= LARGEST_HEADER:
                raise _Refused(431)
        elif self._part is _Part.BODY and part is _Part.BODY and not headers:
            self._received += len(piece)
            if self._received > LARGEST_BODY:
                raise _Refused(413)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._received = self._fields = 0
        self._begun += 1
        if self._part is _Part.FIRST:
            self._part = _Part.HEADER  # its time has begun with the connection
        else:
            self._wait_for(_Part.HEADER, self._limits.header)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_TARGET:
            raise _Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._part is not _Part.HEADER:
            return  # a field of a trailer, which nothing reads
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise _Refused(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.scope["extensions"] = {CLOSE_CONNECTION: self._close_unanswered}  # type: ignore[dict-item]  # a function
        self._received = 0
        self._wait_for(_Part.BODY, self._limits.body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self.cycle.response_complete:  # the response did not need the body
            self._wait_for(_Part.NEXT, self._limits.idle)
        else:
            self._part = _Part.RESPONSE
            self._open.begin_request(self)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if self._part is _Part.BODY:  # nothing was read meanwhile
                self._wait_for(_Part.BODY, self._limits.body)
            return
        self._open.end_request(self)
        if self._part is _Part.RESPONSE:
            self._wait_for(_Part.NEXT, self._limits.idle)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_since = None

    def check_time(self, now: float) -> None:
        """Ends the connection if its client has sent or read too slowly."""
        if self._unread_since is None and self.transport.is_closing():
            self._unread_since = now  # the rest of a response
        if self._unread_since is not None and now >= self._unread_since + self._limits.reading:
            self.transport.abort()
        elif self._part is not _Part.RESPONSE and now >= self._due:
            if self._part in {_Part.HEADER, _Part.BODY}:
                self._refuse(408)
            else:
                self.transport.close()

    def evict(self) -> None:
        self.transport.abort()

    def _close_unanswered(self) -> None:
        """Closes the connection without a response to its request."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self.transport.close()

    def refuse_new(self) -> None:
        self._write(503)
        self.transport.close()

    def shutdown(self) -> None:
        """Closes the connection, or lets a complete request be answered first."""
        if self._part is _Part.RESPONSE:
            super().shutdown()
        elif self.cycle is not None and not self.cycle.response_complete and self._part is not _Part.BODY:
            super().shutdown()  # the next header has begun meanwhile
        else:
            self.transport.close()

    def _wait_for(self, part: _Part, seconds: float) -> None:
        self._part, self._due = part, self.loop.time() + seconds

    def _refuse(self, status: int) -> None:
        """Sends a response if none has begun, and ends the connection."""
        cycle, part = self.cycle, self._part
        if part is _Part.END or self.transport.is_closing():
            return
        self._part, self._reads = _Part.END, False
        is_answering = cycle is not None and not cycle.response_complete
        if self.pipeline or (is_answering and part is _Part.BODY and cycle.response_started):
            self.transport.abort()
        elif is_answering and part is not _Part.BODY:
            cycle.keep_alive = False  # an earlier request is answered first, then the connection is closed
            self._due = self.loop.time() + self._limits.reading + self._limits.idle
        elif is_answering or part is not _Part.BODY:
            if is_answering:
                cycle.disconnected = True
                cycle.message_event.set()
            self._write(status)
            self._linger()
        else:
            self._linger()  # the response was sent before the end of the body

    def _write(self, status: int) -> None:
        text = _TEXTS[status].encode()
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        lines = [STATUS_LINE[status], *(name + b": " + value + b"\r\n" for name, value in fields), b"\r\n", text]
        self.transport.write(b"".join(lines))

    def _linger(self) -> None:
        """Closes the connection in a moment. If it were closed at once while the client sends, the client could not
        read the response (RFC 9112 section 9.6)."""
        self._reads = False
        self._wait_for(_Part.END, _LINGER)
        self._open.close_first(self)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _MOST_DISCARDED and not self.transport.is_closing():
            self.flow.pause_reading()
