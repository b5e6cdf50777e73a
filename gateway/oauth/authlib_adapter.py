"""Between Starlette and Authlib: parsed requests go in, plain answers come out.

Each request gets a `Server` of its own around one unit of work, on a worker thread. An OAuth error is the result of its
unit, which therefore commits (reuse detection revokes first and refuses then); an unexpected exception rolls back.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.kit.clock import WallClock, WallTime
from gateway.kit.logging import get_logger
from gateway.oauth.request_parsing import ParsedRequest, UnreadableRequest

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Parsed = TypeVar("Parsed", bound=ParsedRequest)
_log = get_logger(__name__)


@dataclass(slots=True)
class Answer:
    """The answer to a request. `location` can be written: RFC 9207's `iss` is added there."""

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
    def build(cls, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> "Answer":
        """From Authlib's triple. Answers of this server are never stored."""
        return cls(status, body, {**dict(headers), **NO_STORE})


class AuthlibRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A parsed request as Authlib reads it: it has a form and nothing else."""

    def __init__(self, parsed: ParsedRequest, issuer: str) -> None:
        # Authlib refuses http addresses here, outside its own error handling. Which transport will do is settled by
        # the settings (live: https only), so it is always told https.
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


def error_answer(status: int, code: str, description: str) -> Answer:
    """An OAuth error (RFC 6749 section 5.2) made outside Authlib."""
    return Answer(status, {"error": code, "error_description": description}, dict(NO_STORE))


class Endpoint(Generic[Parsed]):
    """A Starlette endpoint. `parse` reads the request on the event loop, `perform` answers it on a worker thread."""

    def __init__(
        self,
        perform: Callable[[Parsed], Answer],
        clock: WallClock,
        parse: Callable[[Request, WallTime], Awaitable[Parsed]],
    ) -> None:
        self._perform, self._clock, self._parse = perform, clock, parse

    async def answer(self, request: Request) -> Response:
        """The answer as JSON; 400, 413 or 415 for an unreadable request, 500 without detail on failure."""
        try:
            parsed = await self._parse(request, self._clock())
        except UnreadableRequest as refused:
            return _response(error_answer(refused.status, "invalid_request", refused.message))
        try:
            answer = await run_in_threadpool(self._perform, parsed)
        except Exception as error:  # noqa: BLE001  # its text may hold secrets: log the type only
            request_id = getattr(request.state, "request_id", None)
            _log.error("oauth_failed", path=parsed.path, error=type(error).__name__, request_id=request_id)
            answer = error_answer(500, "server_error", "The request could not be processed. Try again.")
        return _response(answer)


def _response(answer: Answer) -> Response:
    if answer.status == HTTPStatus.NO_CONTENT:
        return Response(status_code=answer.status, headers=answer.headers)
    return JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)
