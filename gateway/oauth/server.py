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
from gateway.kit.limits import Limits
from gateway.kit.replay import Replays
from gateway.oauth import client_auth
from gateway.oauth.bridge import Answer, AuthlibRequest
from gateway.oauth.client import Client
from gateway.oauth.client_keys import ClientKeys
from gateway.oauth.dpop import REMEMBERED, InvalidDpopProofError, Proof, ProofCheck
from gateway.oauth.form import FrozenRequest
from gateway.oauth.private_key_jwt import Assertion, KeysAtHand
from gateway.oauth.user_code import UserCodes
from gateway.services.consents import ConsentService
from gateway.settings import Settings
from gateway.store import clients, oauth_replays
from gateway.store.database import Database, Session

_BINDING = ("token", "pushed_authorization_request")
"""The endpoints at which a proof of possession binds what is issued (RFC 9449 sections 5 and 10.1)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the authorization server is made of."""

    database: Database
    settings: Settings
    realm: Realm
    clock: WallClock
    ids: Ids
    consents: ConsentService
    proofs: ProofCheck
    user_codes: UserCodes
    replays: Replays
    limits: Limits
    client_keys: ClientKeys


class Issuer(IssuerParameter):  # type: ignore[misc]  # Authlib has no types
    """Puts `iss` into every authorization response (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Built for one request and thrown away. `wall` is the moment it began; `at_hand` are keys that were fetched for
    it; `proof` is the proof of possession that came with it, once the client is authenticated."""

    proof: Proof | None = None

    def __init__(self, parts: Parts, session: Session, wall: datetime, at_hand: KeysAtHand | None = None) -> None:
        super().__init__()
        self.parts, self.session, self.wall = parts, session, wall
        for name, method in client_auth.registered(parts.settings.issuer, wall, at_hand).items():
            self.register_client_auth_method(name, method)
        self.register_extension(Issuer(parts.settings.issuer))

    def query_client(self, client_id: str) -> Client | None:
        """The client, None if it is unknown, disabled or of a profile that this realm does not have."""
        row = clients.load(self.session, client_id)
        return Client(row) if row and row.profile in self.parts.realm.profiles else None

    def authenticate_client(self, request: Any, methods: Any = None, endpoint: str = "token") -> Client:
        """The authenticated client. Raises InvalidClientError, the same for an unknown client, a wrong secret and a
        bad assertion; before that, and before anything is used up, InvalidDpopProofError and UseDpopNonceError."""
        proof = self._proof(request.frozen, endpoint)
        client_auth.require_one_method(request)
        try:
            client: Client = super().authenticate_client(request, client_auth.supported(self.parts.realm), endpoint)
            client_auth.require_same_client(client, request)
            self._use_assertion(request.assertion)
        except InvalidClientError:
            raise InvalidClientError("Client authentication failed.") from None
        if proof is not None and not self._first_use(proof.replay_key, self.wall + REMEMBERED):
            raise InvalidDpopProofError("The proof has been used before.")
        if proof is None and endpoint == "token" and client.must_prove:
            raise InvalidDpopProofError("A DPoP proof is required.")
        self.proof = proof
        return client

    def _proof(self, frozen: FrozenRequest, endpoint: str) -> Proof | None:
        """The proof of possession of a request, where it would bind what is issued. A pushed request needs no nonce:
        its proof only names the key, which proves itself when the code is redeemed."""
        if not frozen.proofs or endpoint not in _BINDING:
            return None
        nonce_required = endpoint == "token"
        return self.parts.proofs.check(frozen.proofs, "POST", frozen.path, self.wall, nonce_required=nonce_required)

    def _use_assertion(self, assertion: Assertion | None) -> None:
        if assertion is not None and not self._first_use(assertion.replay_key, assertion.expires_at):
            raise InvalidClientError

    def _first_use(self, key: str, until: datetime) -> bool:
        return oauth_replays.first_use(self.session, key, self.wall, until)

    def get_token_grant(self, request: AuthlibRequest) -> Any:
        """The grant asked for. Raises UnsupportedGrantTypeError, InvalidRequestError where none is named."""
        if "grant_type" not in request.form:
            raise InvalidRequestError("The grant_type is missing.")
        return super().get_token_grant(request)

    def create_oauth2_request(self, request: Any) -> AuthlibRequest:
        if isinstance(request, FrozenRequest):
            return AuthlibRequest(request, self.parts.settings.issuer)
        assert isinstance(request, AuthlibRequest)
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        return Answer.build(status, body, headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Answer:
        """The error as an answer: 401 for invalid_client, with a Basic challenge for who tried Basic or nothing, where
        there is Basic; no echo of what the client sent."""
        status, body, headers = error(None)
        answer = Answer.build(status, body, headers)
        if isinstance(error, InvalidClientError):
            answer.status = 401
            basic = "client_secret_basic" in client_auth.supported(self.parts.realm)
            if basic and "client_assertion" not in request.form:
                answer.headers["WWW-Authenticate"] = f'Basic realm="{self.parts.settings.issuer}", charset="UTF-8"'
        return answer

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


def guarded(server: Server, request: AuthlibRequest, answer: Any) -> Answer:
    """`answer()`, with refusals that Authlib lets through as answers: of a grant, and of characters outside RFC 6749's
    set, a ValueError, as invalid_request."""
    try:
        done: Answer = answer()
    except OAuth2Error as error:
        return server.handle_error_response(request, error)
    except ValueError as error:
        if "forbidden characters" not in str(error):
            raise
        return server.handle_error_response(
            request, InvalidRequestError("A parameter holds characters that are not allowed there.")
        )
    return done
