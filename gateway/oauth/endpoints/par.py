"""Pushed authorization requests (RFC 9126). Clients must push every request, and it is fully validated here."""

import re
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import Endpoint
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error, UnauthorizedClientError

from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.details import NAME
from gateway.oauth.grants import grant_change
from gateway.oauth.grants.authorization_code import AuthorizationCodeGrant
from gateway.oauth.grants.pkce import S256
from gateway.oauth.server import Server
from gateway.store.oauth.requests import PushedRequestRow

PREFIX = "urn:ietf:params:oauth:request_uri:"
LIFE = timedelta(seconds=90)
LONGEST_STATE = 4096
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KEPT = (
    *("response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", NAME),
    *(grant_change.ACTION, grant_change.GRANT_ID),
)


class PushedAuthorizationRequestEndpoint(Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Returns 201 with a request_uri of 256 random bits. It is valid for 90 seconds and stored as a digest."""

    server: Server

    ENDPOINT_NAME = "pushed_authorization_request"

    def create_endpoint_response(self, request: AuthlibRequest) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """RFC 9126 section 2. Raises OAuth2Error without a redirect."""
        client = self.server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        if not client.check_grant_type("authorization_code"):
            raise UnauthorizedClientError("The client may not use the authorization code grant.")
        request.payload.data["client_id"] = client.id
        _check_form(request.form)
        grant = AuthorizationCodeGrant(request, self.server)
        S256()(grant)
        try:
            grant.validate_authorization_request()
            change = grant.load_change()
        except OAuth2Error as error:
            error.redirect_uri = error.state = None  # otherwise Authlib would return a redirect
            raise
        request_uri = random_token(PREFIX)
        parameters: dict[str, Any] = {name: request.form[name] for name in _KEPT if name in request.form}
        jkt = self._find_thumbprint(request.form.get("dpop_jkt"))
        if jkt is not None:
            parameters["dpop_jkt"] = jkt
        # The page shows exactly this request, or none (see `authorization`).
        parameters["complete"] = grant.asked.document()
        if change is not None:
            parameters["grant_version"] = change.version
        unit = self.server.unit
        unit.authorization_requests.insert_pushed_request(
            PushedRequestRow(
                digest=digest(request_uri),
                client_id=client.id,
                parameters=parameters,
                expires_at=WallTime(unit.wall + LIFE),
            )
        )
        return 201, {"request_uri": request_uri, "expires_in": int(LIFE.total_seconds())}, []

    def _find_thumbprint(self, dpop_jkt: str | None) -> str | None:
        """The thumbprint of the key that the code is bound to, from the parameter or the proof, None without both (RFC
        9449 section 10.1)."""
        proof = self.server.proof
        if dpop_jkt is not None and not _THUMBPRINT.fullmatch(dpop_jkt):
            raise InvalidRequestError("The dpop_jkt is not the thumbprint of a key.")
        if proof is not None and dpop_jkt not in {None, proof.jkt}:
            raise InvalidRequestError("The dpop_jkt does not match the key of the DPoP proof.")
        return proof.jkt if proof else dpop_jkt


def _check_form(form: dict[str, str]) -> None:
    if "request" in form or "request_uri" in form:
        raise InvalidRequestError("A pushed request must not have request or request_uri.")
    if len(form.get("state", "")) > LONGEST_STATE:
        raise InvalidRequestError(f"The state may have at most {LONGEST_STATE} characters.")
    if any(not value.isascii() for name, value in form.items() if name != NAME):
        raise InvalidRequestError("A parameter contains characters outside ASCII.")
