"""Connects Starlette and Authlib: takes parsed requests, returns plain responses.

Each request gets its own `Server` with one unit of work, on a thread of the container's queue. An OAuth error is a
result of the unit, which therefore commits: reuse detection revokes tokens and then refuses. An unexpected exception
rolls back.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.requests import Request
from starlette.responses import Response

from gateway.kit import json
from gateway.kit.clock import WallTime
from gateway.kit.logging import get_logger
from gateway.kit.outage import RETRY_AFTER, Outage, outage_log
from gateway.oauth.request_parsing import ParsedRequest, UnreadableRequest, route_path
from gateway.services.container import Container
from gateway.store.outages import code_member

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Parsed = TypeVar("Parsed", bound=ParsedRequest)
_log = get_logger(__name__)


@dataclass(slots=True)
class OAuthResponse:
    """The response to a request. `location` can be set, because Authlib adds RFC 9207's `iss` to it."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    @classmethod
    def build(cls, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> "OAuthResponse":
        """The response of Authlib's triple, with headers that forbid caching."""
        return cls(status, body, {**dict(headers), **NO_STORE})


class AuthlibRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A parsed request in the form that Authlib reads. It has a form and no query."""

    def __init__(self, parsed: ParsedRequest, issuer: str) -> None:
        # Authlib rejects http addresses here, outside its own error handling. The settings already decide which
        # transport is allowed (live: https only), so Authlib always gets an https address.
        super().__init__("POST", f"https://{urlsplit(issuer).netloc}{parsed.path}", headers={})
        self.parsed = parsed
        self.payload = BasicOAuth2Payload(dict(parsed.form))

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        data: dict[str, str] = self.payload.data
        return data


def error_response(status: int, code: str, description: str) -> OAuthResponse:
    """An OAuth error response (RFC 6749 section 5.2) made outside Authlib."""
    return OAuthResponse(status, {"error": code, "error_description": description}, dict(NO_STORE))


class Endpoint(Generic[Parsed]):
    """A Starlette endpoint. `parse` reads the request on the event loop, `perform` handles it as a job of the queue."""

    def __init__(
        self,
        container: Container,
        perform: Callable[[Parsed], OAuthResponse],
        parse: Callable[[Request, WallTime], Awaitable[Parsed]],
    ) -> None:
        self._clock, self._jobs = container.clock, container.client_requests
        self._perform, self._parse = perform, parse

    async def respond(self, request: Request) -> Response:
        """The response as JSON: 400, 413 or 415 for an unreadable request, 503 during an outage, 500 without details
        for a failure."""
        try:
            parsed = await self._parse(request, self._clock())
        except UnreadableRequest as refused:
            return _build_response(error_response(refused.status, "invalid_request", refused.message))
        try:
            response = await self._jobs.run(partial(self._perform, parsed))
        except Outage as outage:
            outage_log.report(outage, route_path(request), request_id=getattr(request.state, "request_id", None))
            response = error_response(503, "temporarily_unavailable", "The server cannot be used now. Try again later.")
            response.headers["Retry-After"] = str(RETRY_AFTER)
        except Exception as error:  # noqa: BLE001  # its text may hold secrets: log type and code only
            request_id = getattr(request.state, "request_id", None)
            names = {"error": type(error).__name__, **code_member(error)}
            _log.error("oauth_failed", path=parsed.path, request_id=request_id, **names)
            response = error_response(500, "server_error", "The request could not be processed. Try again.")
        return _build_response(response)


def _build_response(response: OAuthResponse) -> Response:
    if response.status == HTTPStatus.NO_CONTENT:
        return Response(status_code=response.status, headers=response.headers)
    content = json.encode(response.body)
    return Response(content, status_code=response.status, headers=response.headers, media_type="application/json")
