"""How a refused request is told what to send (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1)."""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse

from gateway.domain.environment import Environment
from gateway.domain.identity.client import BASELINE
from gateway.kit.jose import ALGORITHMS
from gateway.oauth.metadata import RESOURCE_METADATA

ErrorBody = Callable[[str | None, str, str | None], dict[str, Any]]
"""Makes the body of a refusal from its OAuth error code, its sentence and the request's id."""


def graphql_body(_: str | None, message: str, request_id: str | None) -> dict[str, Any]:
    """As GraphQL answers errors."""
    return {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED", "requestId": request_id}}]}


def oauth_body(code: str | None, message: str, _: str | None) -> dict[str, Any]:
    """As OAuth answers errors (RFC 6749 section 5.2)."""
    return {"error": code or "invalid_request", "error_description": message}


class Challenges:
    """Makes the answers to requests without a live token."""

    def __init__(self, issuer: str, environment: Environment, body: ErrorBody) -> None:
        about = f'realm="{issuer}", resource_metadata="{issuer}{RESOURCE_METADATA}"'
        self._dpop = f'DPoP {about}, algs="{" ".join(ALGORITHMS)}"'
        self._bearer = f"Bearer {about}" if BASELINE in environment.profiles else self._dpop
        self._body = body

    def answer(self, code: str | None, message: str, request_id: str | None, *, proves: bool) -> JSONResponse:
        """401. Without a code, to a request that presented nothing: every scheme there is. With a code: what is wrong,
        in the scheme that was used; `proves` says that it was DPoP."""
        response = JSONResponse(self._body(code, message, request_id), 401, {"Cache-Control": "no-store"})
        if code is None:
            challenges = list(dict.fromkeys((self._dpop, self._bearer)))
        else:
            said = message.replace('"', "'")
            scheme = self._dpop if proves else self._bearer
            challenges = [f'{scheme}, error="{code}", error_description="{said}"']
        for challenge in challenges:
            response.headers.append("WWW-Authenticate", challenge)
        return response
