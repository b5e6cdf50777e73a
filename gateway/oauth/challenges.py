"""401 responses with their challenges (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1)."""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse

from gateway.domain.environment import Environment
from gateway.domain.identity.client import BASELINE
from gateway.kit.jose import ALGORITHMS
from gateway.oauth.metadata import RESOURCE_METADATA, RESOURCES

ErrorBody = Callable[[str | None, str, str | None], dict[str, Any]]
"""Builds the body of a 401 response from the OAuth error code, the message and the request id."""


def graphql_body(_: str | None, message: str, request_id: str | None) -> dict[str, Any]:
    """The error as a GraphQL response."""
    return {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED", "requestId": request_id}}]}


def oauth_body(code: str | None, message: str, _: str | None) -> dict[str, Any]:
    """The error as an OAuth error response (RFC 6749 section 5.2)."""
    return {"error": code or "invalid_request", "error_description": message}


class Challenges:
    """Builds the responses to requests without a valid token."""

    def __init__(self, issuer: str, environment: Environment, body: ErrorBody) -> None:
        self._issuer, self._bearer_allowed, self._body = issuer, BASELINE in environment.profiles, body

    def build_response(
        self, code: str | None, message: str, request_id: str | None, *, path: str, uses_dpop: bool
    ) -> JSONResponse:
        """A 401 response to a request for `path`. With `code` None, for a request without a credential, it offers every
        supported scheme. With a code it reports the error in the scheme of the request: DPoP if `uses_dpop`, else
        Bearer. At a resource it names the metadata whose `resource` is the requested URL (RFC 9728 section 3.3)."""
        response = JSONResponse(self._body(code, message, request_id), 401, {"Cache-Control": "no-store"})
        attributes = f'realm="{self._issuer}"'
        if path in RESOURCES:
            attributes += f', resource_metadata="{self._issuer}{RESOURCE_METADATA}{path}"'
        dpop = f'DPoP {attributes}, algs="{" ".join(ALGORITHMS)}"'
        bearer = f"Bearer {attributes}" if self._bearer_allowed else dpop
        if code is None:
            challenges = list(dict.fromkeys((dpop, bearer)))
        else:
            description = message.replace('"', "'")
            scheme = dpop if uses_dpop else bearer
            challenges = [f'{scheme}, error="{code}", error_description="{description}"']
        for challenge in challenges:
            response.headers.append("WWW-Authenticate", challenge)
        return response
