"""The middleware of all routes. It does all its work in one class, because each further middleware takes part in every
message of a request and its response."""

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.deadline import Deadline, Deadlines
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger, logging_with
from gateway.store.outages import code_member
from gateway.web.errors import Errors

REQUEST_ID = "x-request-id"
LARGEST_BODY = 1024 * 1024
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_MOST_DIGITS = 20  # Python refuses to read numbers of some thousand digits
_log = get_logger(__name__)

_Header = tuple[bytes, bytes]


class RequestMiddleware:
    """Gives each request an id, a deadline and a limit for its body, and each response the id and security headers.
    Handles unexpected exceptions.

    * The id is in scope["state"]["request_id"] and in the logs. It is the client's X-Request-ID if that has 8 to 64
      letters, digits, dots, hyphens or underscores, else a new one.
    * The deadline begins with the last byte of the body.
    * A body over one MiB gets 413, by its Content-Length or while it is read.
    * The security headers are the strictest, except for headers that the response already has.
    * An unexpected exception gets 500 without details. Its type and the request id are logged.
    """

    def __init__(self, app: ASGIApp, *, ids: Ids, errors: Errors, deadlines: Deadlines, https: bool) -> None:
        self._app, self._ids, self._errors, self._deadlines = app, ids, errors, deadlines
        self._headers: list[_Header] = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
            *([(b"strict-transport-security", b"max-age=31536000")] if https else []),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get(REQUEST_ID, "")
        identifier = sent if _ACCEPTED_ID.fullmatch(sent) else self._ids.new("req")
        scope.setdefault("state", {})["request_id"] = identifier
        added = [*self._headers, (REQUEST_ID.encode(), identifier.encode())]
        with logging_with(request_id=identifier):
            exchange = _Exchange(receive, send, headers.get("content-length", ""), added)
            try:
                with self._deadlines.running() as deadline:
                    exchange.deadline = deadline
                    await self._app(scope, exchange.receive, exchange.send)
            except ClientDisconnect:
                return
            except Exception as error:  # noqa: BLE001  # its text may contain secrets: log the type only
                names = {"error": type(error).__name__, **code_member(error)}
                _log.error("request_failed", path=scope["path"], **names)
                if exchange.has_begun:
                    raise ConnectionAbortedError("the response has already begun") from None
                await self._errors.build_response(Request(scope), 500)(scope, receive, exchange.send)


class _Exchange:
    """The messages of one request and its response. `added` are headers for the response, `has_begun` is whether it has
    begun."""

    def __init__(self, receive: Receive, send: Send, content_length: str, added: list[_Header]) -> None:
        self._receive, self._send, self._added = receive, send, added
        self._announced = int(content_length[:_MOST_DIGITS]) if content_length.isdecimal() else 0
        self._read = 0
        self.deadline: Deadline | None = None
        self.has_begun = False

    async def receive(self) -> Message:
        """Returns the next message of the request. Raises HTTPException (413) if its body is too large."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if max(self._read, self._announced) > LARGEST_BODY:
            raise HTTPException(413)
        if self.deadline is not None and message["type"] == "http.request" and not message.get("more_body", False):
            self.deadline.restart()
        return message

    async def send(self, message: Message) -> None:
        """Sends a message of the response."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            own = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(each for each in self._added if each[0] not in own)]
        await self._send(message)
