"""The authorization code grant (RFC 6749 section 4.1), from the pushed request to the first tokens."""

from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedResponseTypeError,
)

from gateway.domain.consents.change import Change
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.kit.crypto import digest
from gateway.oauth import details
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.clients.client import Client
from gateway.oauth.consent_check import lock_active_consent, usable_scopes
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.grants import grant_change
from gateway.oauth.server import Server
from gateway.oauth.tokens import TokenIssuer
from gateway.store.oauth.requests import AuthorizationCodeRow


class AuthorizationCode:
    """A code's row in the form that Authlib reads."""

    def __init__(self, row: AuthorizationCodeRow) -> None:
        self.row, self.code_challenge = row, row.code_challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Issues codes and the first tokens of a consent. `asked` is the complete request, set by its validation. The
    authorization endpoint sets `code`, the text of the code, and `repeated`: the code is stored already."""

    server: Server
    redirect_uri: str | None
    asked: Request
    code: str
    repeated = False

    def validate_authorization_request(self) -> str:
        """The redirect URI of a valid request (RFC 6749 section 4.1.1, RFC 9396 section 5). Validates a request once,
        although Authlib calls this twice. Raises OAuth2Error."""
        if self.redirect_uri is None:
            self.redirect_uri = self._validate()
        return self.redirect_uri

    def _validate(self) -> str:
        data = self.request.payload.data
        client = self.server.query_client(data["client_id"])
        if client is None or "redirect_uri" not in data or not client.check_redirect_uri(data["redirect_uri"]):
            raise InvalidRequestError("The redirect_uri is missing or not registered for this client.")
        if "response_type" not in data:
            raise InvalidRequestError("The response_type is missing.")
        if data["response_type"] != "code":
            raise UnsupportedResponseTypeError("code")
        if data.get("response_mode", "query") != "query":
            raise InvalidRequestError("The only response_mode is query.")
        redirect_uri: str = super().validate_authorization_request()
        unit = self.server.unit
        merchant = unit.merchants.load(client.row.merchant_id)
        assert merchant is not None  # a foreign key ensures it
        self.asked = details.read_request(unit, self.server.container.consents, client, merchant, data)
        return redirect_uri

    def load_change(self) -> Change | None:
        """The change of a grant that the validated request asks for, None if it asks for a new grant. Raises
        OAuth2Error."""
        unit, client = self.server.unit, self.client
        now = unit.business_time(client.row.merchant_id)
        return grant_change.load_change(unit, client, self.request.payload.data, self.asked, now)

    def generate_authorization_code(self) -> str:
        return self.code

    def save_authorization_code(self, code: str, request: AuthlibRequest) -> None:
        """Stores the code, unless the response is repeated."""
        if self.repeated:
            return
        consent: Consent = request.user
        data = request.payload.data
        uri, challenge, jkt = data["redirect_uri"], data["code_challenge"], data.get("dpop_jkt")
        TokenIssuer(self.server).store_code(code, self.client, consent, uri, challenge, jkt)

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        """The unexpired, unused code of this client, or None. A used code ends the tokens that were issued for it (RFC
        6749 section 4.1.2). The code of another client is not changed."""
        unit = self.server.unit
        row = unit.authorization_requests.lock_code(digest(code), client.id)
        if row is None:
            return None
        if row.used_at is not None:
            unit.endings.end_family(row.consent_id, row.family, unit.wall)
            return None
        return AuthorizationCode(row) if row.is_open(unit.wall) else None

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Uses up the code, then issues the tokens, with what the client may still use of the consent. Raises
        OAuth2Error."""
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("authorization_details belong in the authorization request.")
        unit, row, client = self.server.unit, self.request.authorization_code.row, self.client
        proof = self.server.proof
        if row.dpop_jkt is not None and (proof is None or proof.jkt != row.dpop_jkt):
            raise InvalidGrantError("The code is bound to a key other than that of the DPoP proof.")
        consent = lock_active_consent(unit, row.consent_id)
        scopes = usable_scopes(unit, client, consent)
        used = unit.authorization_requests.use_code(row.digest, unit.wall)
        assert used  # the code was read under the lock of its consent
        issuer, family = TokenIssuer(self.server), row.family
        refresh_token = None
        if client.check_grant_type("refresh_token"):
            refresh_token = issuer.new_refresh_token()
            issuer.store_refresh_token(refresh_token, client, consent, family)
        token = issuer.issue_user_token(client, consent, scopes, family, refresh_token)
        return 200, token, self.TOKEN_RESPONSE_HEADER
