"""Error responses: pages for persons, JSON for programs. They contain no stack trace, secret or personal data."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.kit.limits import TooManyAttempts
from gateway.kit.outage import RETRY_AFTER, Outage, outage_log
from gateway.oauth.request_parsing import route_path
from gateway.web.rendering import Renderer
from gateway.web.site.redirects import ACCOUNT, PARTNER_SIGN_IN, request_login, see_other
from gateway.web.texts import msgid

PAGES = (
    "/",
    "/login",
    "/logout",
    "/invitation",
    "/account",
    "/oauth/authorize",
    "/device",
    "/device/done",
    "/partners",
)
_TITLES = {
    400: msgid("This did not work"),
    403: msgid("This is not allowed"),
    404: msgid("Page not found"),
    405: msgid("This did not work"),
    413: msgid("This is too large"),
    415: msgid("This did not work"),
    429: msgid("Too many attempts"),
    500: msgid("Something went wrong on our side"),
    503: msgid("This is not available right now"),
}
_TEXTS = {
    404: msgid("The address may be wrong, or the page no longer exists."),
    413: msgid("You sent more than this page accepts."),
    429: msgid("Please wait a while, then try again."),
    500: msgid("This is not your fault. Please try again in a moment."),
    503: msgid("This is not your fault. Please try again in a moment."),
}
_DEFAULT_TEXT = msgid("Please go back and try again.")


class PageError(Exception):
    """A page cannot be shown, or a form cannot be accepted. `message` is a msgid. With a `csrf_token` the error page
    has a sign-out button. `retry_after` is in seconds. `address` is the page to which the language links lead, by
    default that of the request, or of the account page after a form."""

    def __init__(
        self,
        status: int,
        message: str,
        csrf_token: str | None = None,
        retry_after: int | None = None,
        address: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.csrf_token, self.retry_after = status, message, csrf_token, retry_after
        self.address = address


class SignedOut(Exception):
    """A form was sent without a live session of a person, for example after it has expired. Nothing has been done."""

    def __init__(self, form: dict[str, str]) -> None:
        super().__init__("no live session")
        self.form = form


class PartnerSignedOut(Exception):
    """A page of a partner was opened, or a form was sent, without a live session of a partner. Nothing was done."""


class Errors:
    """Builds error responses as a page or as JSON, whichever the caller reads."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def handlers(self) -> dict[Any, Callable[[Request, Exception], Any]]:
        """The exception handlers of the application, by the class of the exception."""
        return {
            PageError: self.page_error,
            SignedOut: self.signed_out,
            PartnerSignedOut: self.partner_signed_out,
            HTTPException: self.http_error,
            TooManyAttempts: self.too_many,
            Outage: self.outage,
        }

    async def page_error(self, request: Request, error: Exception) -> Response:
        """Handler of PageError."""
        assert isinstance(error, PageError)
        response = self.build_response(request, error.status, error.message, error.csrf_token, error.address)
        return _with_retry_after(response, error.retry_after)

    async def signed_out(self, request: Request, _: Exception) -> Response:
        """Handler of SignedOut: 303 to the login page, which leads to the account page."""
        return request_login(request, ACCOUNT)

    async def partner_signed_out(self, request: Request, _: Exception) -> Response:
        """Handler of PartnerSignedOut: 303 to the page that says how a partner signs in."""
        return see_other(PARTNER_SIGN_IN)

    async def too_many(self, request: Request, error: Exception) -> Response:
        """Handler of TooManyAttempts: 429 (RFC 6585 section 4)."""
        assert isinstance(error, TooManyAttempts)
        return _with_retry_after(self.build_response(request, 429), error.retry_after)

    async def outage(self, request: Request, error: Exception) -> Response:
        """Handler of Outage: 503. A request that cannot be counted is refused."""
        assert isinstance(error, Outage)
        outage_log.report(error, route_path(request), request_id=request_id(request))
        return _with_retry_after(self.build_response(request, 503), RETRY_AFTER)

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Handler of Starlette's HTTPException: unknown addresses, wrong methods, bodies that are too large."""
        assert isinstance(error, HTTPException)
        response = self.build_response(request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    def build_response(
        self,
        request: Request,
        status: int,
        message: str | None = None,
        csrf_token: str | None = None,
        address: str | None = None,
    ) -> Response:
        """A page for a browser, JSON of RFC 6749 for a client of /oauth, else JSON in the form of GraphQL errors."""
        if not _is_for_persons(request):
            return _json(request, status)
        return self._renderer.page(
            request,
            "site/error.html",
            status,
            address=address or (None if request.method in {"GET", "HEAD"} else ACCOUNT),
            title=_TITLES.get(status, _TITLES[500 if status >= 500 else 400]),
            message=message or _TEXTS.get(status, _DEFAULT_TEXT),
            request_id=request_id(request),
            csrf_token=csrf_token,
            is_for_engineers=request.scope["path"].startswith(("/partners/", "/docs/")),
        )


def _with_retry_after(response: Response, seconds: int | None) -> Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def request_id(request: Request) -> str:
    """The id that the middleware set, "" without it."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _is_for_persons(request: Request) -> bool:
    path = request.scope["path"]
    if path in PAGES or path.startswith(("/account/", "/partners/")):
        return True
    for_programs = path.startswith(("/oauth/", "/graphql", "/webhooks/", "/.well-known/"))
    return not for_programs and "text/html" in request.headers.get("accept", "")


def _json(request: Request, status: int) -> JSONResponse:
    path, phrase = request.scope["path"], HTTPStatus(status).phrase
    headers = {"Cache-Control": "no-store"}
    if path.startswith("/oauth/"):
        code = "temporarily_unavailable" if status in {429, 503} else "invalid_request"
        code = "server_error" if status == 500 else code
        return JSONResponse({"error": code, "error_description": phrase}, status, headers)
    codes = {404: "NOT_FOUND", 503: "UNAVAILABLE"}
    code = codes.get(status, "INTERNAL_SERVER_ERROR" if status >= 500 else "BAD_REQUEST")
    extensions = {"code": code, "requestId": request_id(request)}
    return JSONResponse({"errors": [{"message": phrase, "extensions": extensions}]}, status, headers)
