"""The middleware of all routes: request ids, security headers, limits of body and time, and unexpected errors."""

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.deadline import Deadlines
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.container import Container
from gateway.store.outages import code_member
from gateway.web.errors import Errors

REQUEST_ID = "x-request-id"
LARGEST_BODY = 1024 * 1024
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_log = get_logger(__name__)


def middleware(container: Container, errors: Errors) -> list[Middleware]:
    """The middleware of the application, outermost first."""
    return [
        Middleware(RequestId, ids=container.ids),
        Middleware(SecurityHeaders, https=container.settings.issuer.startswith("https")),
        Middleware(Failures, errors=errors),
        Middleware(BodyLimit),
        Middleware(RequestDeadline, deadlines=container.deadlines),
    ]


class RequestDeadline:
    """Gives each request a deadline, which begins with the last byte of its body."""

    def __init__(self, app: ASGIApp, deadlines: Deadlines) -> None:
        self._app, self._deadlines = app, deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def receive_and_restart() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                deadline.restart()
            return message

        with self._deadlines.running() as deadline:
            await self._app(scope, receive_and_restart, send)


class RequestId:
    """Sets the request id in scope["state"]["request_id"], the logs and the response. Uses the client's X-Request-ID if
    it has 8 to 64 letters, digits, dots, hyphens or underscores, else a new id."""

    def __init__(self, app: ASGIApp, ids: Ids) -> None:
        self._app, self._ids = app, ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(REQUEST_ID, "")
        identifier = sent if _ACCEPTED_ID.fullmatch(sent) else self._ids.new("req")
        scope.setdefault("state", {})["request_id"] = identifier

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = identifier
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=identifier):
            await self._app(scope, receive, send_with_id)


class SecurityHeaders:
    """Adds the strictest security headers to every response, except for headers that the response already has."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
            *([(b"strict-transport-security", b"max-age=31536000")] if https else []),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in self._headers if each[0] not in own)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Failures:
    """Handles unexpected exceptions: logs their type and the request id, and sends 500 without details."""

    def __init__(self, app: ASGIApp, errors: Errors) -> None:
        self._app, self._errors = app, errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  # its text may contain secrets: log the type only
            names = {"error": type(error).__name__, **code_member(error)}
            _log.error("request_failed", path=scope["path"], **names)
            if started:
                raise ConnectionAbortedError("the response has already begun") from None
            await self._errors.build_response(Request(scope), 500)(scope, receive, send)


class BodyLimit:
    """Refuses bodies over one MiB with 413, by their Content-Length or while it reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY or (announced.isdecimal() and int(announced) > LARGEST_BODY):
                raise HTTPException(413)
            return message

        await self._app(scope, receive_limited, send)
