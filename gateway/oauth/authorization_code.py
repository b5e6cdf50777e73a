"""The authorization code grant (RFC 6749 section 4.1), from the pushed request to the first tokens."""

from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedResponseTypeError,
)

from gateway.domain.consent import Consent
from gateway.domain.consent_change import Change
from gateway.domain.consent_request import Request
from gateway.kit.crypto import digest
from gateway.oauth import details, grant_change
from gateway.oauth.bridge import AuthlibRequest
from gateway.oauth.client import Client
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.issuing import Issuer
from gateway.oauth.living import business_now, living_consent
from gateway.store import merchants, oauth_requests, oauth_tokens
from gateway.store.oauth_requests import AuthorizationCodeRow


class AuthorizationCode:
    """A code's row as Authlib asks about it."""

    def __init__(self, row: AuthorizationCodeRow) -> None:
        self.row, self.code_challenge = row, row.code_challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """`asked` is the complete request once it has been validated."""

    asked: Request

    def validate_authorization_request(self) -> str:
        """The redirect URI of a valid request (RFC 6749 section 4.1.1, RFC 9396 section 5). Raises OAuth2Error."""
        data = self.request.payload.data
        client: Client = self.server.query_client(data["client_id"])
        if "redirect_uri" not in data or not client.check_redirect_uri(data["redirect_uri"]):
            raise InvalidRequestError("The redirect_uri is missing or not registered for this client.")
        if "response_type" not in data:
            raise InvalidRequestError("The response_type is missing.")
        if data["response_type"] != "code":
            raise UnsupportedResponseTypeError("code")
        if data.get("response_mode", "query") != "query":
            raise InvalidRequestError("The only response_mode is query.")
        redirect_uri: str = super().validate_authorization_request()
        merchant = merchants.load(self.server.session, client.row.merchant_id)
        assert merchant is not None  # a foreign key says so
        self.asked = details.requested(self.server.session, self.server.parts.consents, client, merchant, data)
        return redirect_uri

    def change(self) -> Change | None:
        """What the validated request means to change, None where it makes a grant of its own. Not a part of the
        validation, which Authlib repeats when the change has been made. Raises OAuth2Error."""
        session, data = self.server.session, self.request.payload.data
        client: Client = self.server.query_client(data["client_id"])
        now = business_now(session, client, self.server.wall)
        return grant_change.requested(session, client, data, self.asked, now)

    def generate_authorization_code(self) -> str:
        consent: Consent = self.request.user
        data = self.request.payload.data
        issuer = Issuer(self.server, consent.granted_at)
        return issuer.code(self.client, consent, data["redirect_uri"], data["code_challenge"], data.get("dpop_jkt"))

    def save_authorization_code(self, code: str, request: AuthlibRequest) -> None:
        """Stored when it was made."""

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        """The live code of this client. Another client's stays as it is; a used one ends what it was used for
        (RFC 6749 section 4.1.2)."""
        row = oauth_requests.code(self.server.session, digest(code))
        if row is None or row.client_id != client.id:
            return None
        if row.used_at is not None:
            self._replayed(row)
            return None
        return AuthorizationCode(row) if self.server.wall < row.expires_at else None

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Consumes the code, then issues. Raises InvalidGrantError when another request was faster."""
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("Details are chosen in the authorization request.")
        session, row, client = self.server.session, self.request.authorization_code.row, self.client
        proof = self.server.proof
        if row.dpop_jkt is not None and (proof is None or proof.jkt != row.dpop_jkt):
            raise InvalidGrantError("The code is bound to another key than the DPoP proof's.")
        now = business_now(session, client, self.server.wall)
        consent = living_consent(session, row.consent_id, now)
        if not oauth_requests.use_code(session, row.digest, self.server.wall):
            self._replayed(row)
            raise InvalidGrantError("The code has been used.")
        issuer = Issuer(self.server, now)
        family = issuer.new_family()
        refresh_token = None
        if client.check_grant_type("refresh_token"):
            refresh_token = issuer.new_refresh_token()
            issuer.store_refresh_token(refresh_token, client, consent, family)
        token = issuer.user_token(client, consent, consent.scopes, family, refresh_token)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _replayed(self, row: AuthorizationCodeRow) -> None:
        oauth_tokens.revoke_all(self.server.session, row.consent_id, self.server.wall)
