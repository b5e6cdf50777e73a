"""A registered client in the form that Authlib reads (RFC 6749 section 2)."""

from authlib.oauth2.rfc6749 import ClientMixin

from gateway.domain import scope
from gateway.domain.identity.client import BASELINE
from gateway.domain.identity.client_rights import usable_scopes
from gateway.domain.identity.redirect_uri import without_loopback_port
from gateway.domain.scope import SCOPES, TokenKind
from gateway.oauth.clients.authentication import METHODS
from gateway.store.identity.clients import ClientRow


class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client's row with Authlib's methods. `allowed` are its scopes and the scopes they imply, limited to its detail
    types. `any_loopback_port`: see Environment."""

    def __init__(self, row: ClientRow, *, any_loopback_port: bool) -> None:
        self.row, self.id, self._any_loopback_port = row, row.id, any_loopback_port
        self.allowed = usable_scopes(row.scopes, row.authorization_details_types)

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> None:
        """None: every request must have a redirect URI."""

    def get_allowed_scope(self, requested: str | None) -> str | None:
        """The requested user scopes, "" if none is requested: there is no default. None, which Authlib reports as
        invalid_scope, if one of them is unknown, for merchants only, or not allowed for this client."""
        names = scope.parse(requested)
        if all(self.may_hold(name, TokenKind.USER) for name in names):
            return " ".join(names)
        return None

    @property
    def must_prove(self) -> bool:
        """Whether every access token of this client must be bound to a key (FAPI 2.0 section 5.3.2.1 item 4)."""
        return self.row.profile != BASELINE

    def may_hold(self, name: str, kind: TokenKind) -> bool:
        """Whether a token of this kind may have this scope for this client."""
        return name in self.allowed and SCOPES[name].kind is kind

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the URI is registered, by exact comparison (RFC 9700 section 2.1), except for a loopback port."""
        if redirect_uri in self.row.redirect_uris:
            return True
        bare = without_loopback_port(redirect_uri)
        registered = (uri for uri in self.row.redirect_uris if without_loopback_port(uri) == bare)
        return self._any_loopback_port and any(registered)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client's profile has this method. It does so at every endpoint or at none."""
        return method in METHODS.get(self.row.profile, ())

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grant_types
