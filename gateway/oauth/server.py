"""The authorization server of one request: Authlib's core around one Session and one moment (RFC 6749)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc9207 import IssuerParameter

from gateway.domain.realm import Realm
from gateway.kit.clock import WallClock
from gateway.kit.ids import Ids
from gateway.oauth import client_auth
from gateway.oauth.bridge import Answer, AuthlibRequest
from gateway.oauth.client import Client
from gateway.oauth.form import FrozenRequest
from gateway.services.consents import ConsentService
from gateway.settings import Settings
from gateway.store import clients
from gateway.store.database import Database, Session


@dataclass(frozen=True, slots=True)
class Parts:
    """What the authorization server is made of."""

    database: Database
    settings: Settings
    realm: Realm
    clock: WallClock
    ids: Ids
    consents: ConsentService


class Issuer(IssuerParameter):  # type: ignore[misc]  # Authlib has no types
    """Puts `iss` into every authorization response (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Built for one request and thrown away. `wall` is the moment it began."""

    def __init__(self, parts: Parts, session: Session, wall: datetime) -> None:
        super().__init__()
        self.parts, self.session, self.wall = parts, session, wall
        for name, method in client_auth.REGISTERED.items():
            self.register_client_auth_method(name, method)
        self.register_extension(Issuer(parts.settings.issuer))

    def query_client(self, client_id: str) -> Client | None:
        """The client, None if it is unknown, disabled or of a profile that this realm does not have."""
        row = clients.load(self.session, client_id)
        return Client(row) if row and row.profile in self.parts.realm.profiles else None

    def authenticate_client(self, request: Any, methods: Any = None, endpoint: str = "token") -> Client:
        """The authenticated client. Raises InvalidClientError, the same for an unknown client and a wrong secret."""
        client_auth.require_one_method(request)
        try:
            client: Client = super().authenticate_client(request, client_auth.supported(self.parts.realm), endpoint)
        except InvalidClientError:
            raise InvalidClientError("Client authentication failed.") from None
        client_auth.require_same_client(client, request)
        return client

    def create_oauth2_request(self, request: Any) -> AuthlibRequest:
        if isinstance(request, FrozenRequest):
            return AuthlibRequest(request, self.parts.settings.issuer)
        assert isinstance(request, AuthlibRequest)
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        return Answer.build(status, body, headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Answer:
        """The error as an answer: 401 with a Basic challenge for invalid_client, no echo of what the client sent."""
        status, body, headers = error(None)
        answer = Answer.build(status, body, headers)
        if isinstance(error, InvalidClientError):
            answer.status = 401
            answer.headers["WWW-Authenticate"] = f'Basic realm="{self.parts.settings.issuer}", charset="UTF-8"'
        return answer

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


def guarded(server: Server, request: AuthlibRequest, answer: Any) -> Answer:
    """`answer()`, with Authlib's refusal of characters outside RFC 6749's set, a ValueError, as invalid_request."""
    try:
        done: Answer = answer()
    except ValueError as error:
        if "forbidden characters" not in str(error):
            raise
        return server.handle_error_response(
            request, InvalidRequestError("A parameter holds characters that are not allowed there.")
        )
    return done
