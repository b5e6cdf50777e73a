"""Errors at the edge: pages for people, JSON for programs. Never a stack trace, a secret or personal data."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.kit.limits import TooManyAttempts
from gateway.kit.logging import get_logger
from gateway.kit.valkey import SharedStateDown
from gateway.web.rendering import Renderer
from gateway.web.texts import msgid

PAGES = ("/login", "/logout", "/account", "/oauth/authorize", "/device", "/device/done")
_TITLES = {
    400: msgid("This cannot be done"),
    403: msgid("This is not allowed"),
    404: msgid("There is nothing here"),
    405: msgid("This cannot be done"),
    413: msgid("That was too much"),
    415: msgid("This cannot be done"),
    429: msgid("That was too often"),
    500: msgid("Something went wrong on our side"),
    503: msgid("Something is out of reach on our side"),
}
_TEXTS = {
    404: msgid("The address may be mistyped, or what stood here is gone."),
    413: msgid("What was sent is larger than this page takes."),
    429: msgid("Please wait a while, then try again."),
    500: msgid("It is not your doing. Please try again in a moment."),
    503: msgid("It is not your doing. Please try again in a moment."),
}
_BREATH = 5
"""Seconds after which a server in need is worth another try."""

_log = get_logger(__name__)
_ANY = msgid("Please go back and try again.")


class PageError(Exception):
    """A page cannot be shown or a form not be taken. `message` is a msgid; `csrf_token` offers signing out;
    `retry_after` is in seconds."""

    def __init__(
        self, status: int, message: str, csrf_token: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.csrf_token, self.retry_after = status, message, csrf_token, retry_after


class Errors:
    """Answers errors in the form that the caller reads."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def handlers(self) -> dict[Any, Callable[[Request, Exception], Any]]:
        """The exception handlers of the application, by the class of the exception."""
        return {
            PageError: self.page_error,
            HTTPException: self.http_error,
            TooManyAttempts: self.too_many,
            SharedStateDown: self.out_of_reach,
        }

    async def page_error(self, request: Request, error: Exception) -> Response:
        """Handler of PageError."""
        assert isinstance(error, PageError)
        response = self.answer(request, error.status, error.message, error.csrf_token)
        return _later(response, error.retry_after)

    async def too_many(self, request: Request, error: Exception) -> Response:
        """Handler of TooManyAttempts: 429 (RFC 6585 section 4)."""
        assert isinstance(error, TooManyAttempts)
        return _later(self.answer(request, 429), error.retry_after)

    async def out_of_reach(self, request: Request, _: Exception) -> Response:
        """Handler of SharedStateDown: 503. What cannot be counted is not let through."""
        _log.error("shared_state_down", path=request.url.path)
        return _later(self.answer(request, 503), _BREATH)

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Handler of Starlette's HTTPException: unknown addresses, wrong methods, bodies that are too large."""
        assert isinstance(error, HTTPException)
        response = self.answer(request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    def answer(
        self, request: Request, status: int, message: str | None = None, csrf_token: str | None = None
    ) -> Response:
        """A page for a person's browser, RFC 6749 JSON below /oauth, GraphQL's shape at /graphql, JSON elsewhere."""
        if not _for_people(request):
            return _json(request, status)
        return self._renderer.page(
            request,
            "site/error.html",
            status,
            title=_TITLES.get(status, _TITLES[500 if status >= 500 else 400]),
            message=message or _TEXTS.get(status, _ANY),
            request_id=request_id(request),
            csrf_token=csrf_token,
        )


def _later(response: Response, seconds: int | None) -> Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def request_id(request: Request) -> str:
    """The id that the RequestId middleware gave, "" without it."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _for_people(request: Request) -> bool:
    path = request.url.path
    if path in PAGES or path.startswith("/account/"):
        return True
    machine = path.startswith(("/oauth/", "/graphql", "/.well-known/"))
    return not machine and "text/html" in request.headers.get("accept", "")


def _json(request: Request, status: int) -> JSONResponse:
    path, phrase = request.url.path, HTTPStatus(status).phrase
    headers = {"Cache-Control": "no-store"}
    if path.startswith("/oauth/"):
        code = "temporarily_unavailable" if status in {429, 503} else "invalid_request"
        code = "server_error" if status == 500 else code
        return JSONResponse({"error": code, "error_description": phrase}, status, headers)
    code = "INTERNAL_SERVER_ERROR" if status >= 500 else {404: "NOT_FOUND"}.get(status, "BAD_REQUEST")
    extensions = {"code": code, "requestId": request_id(request)}
    return JSONResponse({"errors": [{"message": phrase, "extensions": extensions}]}, status, headers)
