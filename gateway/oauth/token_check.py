"""The check of access tokens before the API (RFC 6750, RFC 9449 section 7). It runs one SQL statement per request."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain import scope as scopes
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.environment import Environment
from gateway.domain.errors import Unauthenticated
from gateway.domain.identity.client_rights import usable_scopes
from gateway.domain.identity.principal import Principal
from gateway.domain.scope import TokenKind
from gateway.kit.clock import BusinessTime, WallTime, business_time
from gateway.kit.crypto import digest
from gateway.oauth.challenges import Challenges, ErrorBody, graphql_body
from gateway.oauth.dpop import (
    HEADER,
    NONCE_HEADER,
    NONCE_STEP,
    REMEMBERED,
    InvalidDpopProofError,
    Proof,
    ProofCheck,
    UseDpopNonceError,
)
from gateway.oauth.request_parsing import split_authorization
from gateway.services.container import Container
from gateway.store.oauth.tokens import LoadedToken
from gateway.store.unit import UnitOfWork

LONGEST_TOKEN = 512

KNOWN_TOKENS = 10_000
"""The number of tokens whose client one process remembers."""

_INVALID = "The access token is not valid. Get a new one."
_MISSING = "An access token is required: Authorization: DPoP TOKEN with a proof, or Bearer TOKEN for a baseline client."
_UNREADABLE = (
    "Send exactly one Authorization header: DPoP TOKEN with a proof, or Bearer TOKEN for a baseline client."
    " This request has another scheme, no token after the scheme, or several headers."
)


def check_token(unit: UnitOfWork, token_text: str, jkt: str | None, environment: Environment) -> Principal:
    """The caller that sent this token. `jkt` is the thumbprint of the key of its proof, None without a proof. Raises
    Unauthenticated if the token is unknown, expired, revoked, or of the other environment; if it is bound to another
    key than `jkt`, or only one of token and request has a key; if its client or user is disabled; or if its consent is
    not active. The message is always the same."""
    if len(token_text) > LONGEST_TOKEN or not token_text.startswith(environment.token_prefix("at")):
        raise Unauthenticated(_INVALID)
    loaded = unit.tokens.load_with_client(digest(token_text))
    if loaded is None or loaded.token.jkt != jkt:
        raise Unauthenticated(_INVALID)
    now = require_valid_token(unit, loaded, environment)
    token, client, partner, consent = loaded.token, loaded.client, loaded.partner, loaded.consent
    allowed = scopes.expand(token.scopes) & usable_scopes(client.scopes, client.authorization_details_types)
    return Principal(
        kind=TokenKind.MERCHANT if consent is None else TokenKind.USER,
        partner_id=partner.id,
        merchant_id=client.merchant_id,
        client_id=client.id,
        client_name=client.name,
        scopes=scopes.restrict(token.scopes, allowed),
        allowed=allowed,
        token_expires_at=token.expires_at,
        now=now,
        consent=consent,
        jkt=token.jkt,
        has_faults=partner.has_faults,
    )


def require_valid_token(unit: UnitOfWork, loaded: LoadedToken, environment: Environment) -> BusinessTime:
    """The business time of the token's partner. Raises Unauthenticated if the token is expired (in wall time) or
    revoked, its client is disabled, or its consent is not active (in business time)."""
    token, client, consent = loaded.token, loaded.client, loaded.consent
    now = business_time(unit.wall, loaded.partner.clock_offset_seconds)  # without a second statement
    ended = token.revoked_at is not None or unit.wall >= token.expires_at
    disabled = client.disabled_at is not None or client.profile not in environment.profiles
    consent_inactive = consent is not None and consent.status(now) is not ConsentStatus.ACTIVE
    if ended or disabled or consent_inactive:
        raise Unauthenticated(_INVALID)
    return now


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential of a request: its scheme ("dpop" or "bearer"), token and proofs, with method and path of the
    request."""

    scheme: str
    token: str
    proofs: tuple[str, ...]
    method: str
    path: str


class TokenClients:
    """The clients of the tokens that were checked last, by the tokens' digests. It says who waits, never what is
    allowed: a token is checked at each request."""

    def __init__(self, capacity: int = KNOWN_TOKENS) -> None:
        self._capacity, self._lock = capacity, Lock()
        self._clients: OrderedDict[str, str] = OrderedDict()

    def get(self, token_digest: str) -> str | None:
        """The id of the token's client, None if the token is not known."""
        return self._clients.get(token_digest)

    def add(self, token_digest: str, client_id: str) -> None:
        """Remembers the client of a valid token. The token that was added first is forgotten."""
        with self._lock:
            self._clients[token_digest] = client_id
            if len(self._clients) > self._capacity:
                self._clients.popitem(last=False)


class Authentication:
    """The check of one request's credential: its `scheme` and the digest of its token. `client_id` is the client of the
    token, None if this process has not checked the token before. `nonce` is that of its proof, None without a proof.
    `demanded_nonce` is the one that an injected fault demands."""

    def __init__(
        self, credential: Credential, container: Container, proof_check: ProofCheck, clients: TokenClients
    ) -> None:
        self._credential, self._container = credential, container
        self._proof_check, self._clients = proof_check, clients
        self.scheme, self.token_digest = credential.scheme, digest(credential.token)
        self._jkt: str | None = None
        self._proof_used = False
        self.nonce: str | None = None
        self.demanded_nonce: str | None = None
        self.client_id = clients.get(self.token_digest)

    def __call__(self) -> Principal:
        """The principal of the token. To be called on a worker thread. A further call checks the token again, but not
        the proof, which can be used once. Raises Unauthenticated, and OAuth2Error for a proof."""
        container, credential, proof = self._container, self._credential, None
        if credential.scheme == "dpop" and not self._proof_used:
            proof = self._proof_check.check(
                credential.proofs, credential.method, credential.path, container.clock(), access_token=credential.token
            )
            self._jkt, self.nonce = proof.jkt, proof.nonce
        principal = container.database.read(
            lambda unit: check_token(unit, credential.token, self._jkt, container.environment)
        )
        if proof:  # recorded last, so that only requests with a valid token add entries to the replay store
            self._use(proof)
        self._proof_used = proof is not None or self._proof_used
        self.client_id = principal.client_id
        self._clients.add(self.token_digest, principal.client_id)
        return principal

    def renew_nonce(self, demanded: str | None) -> str:
        """The demanded nonce if it is still valid, else the one of the next minute, which no client has yet."""
        nonces, wall = self._proof_check.nonces, self._container.clock()
        if demanded is not None and nonces.accepts(demanded, wall):
            return demanded
        return nonces.current(WallTime(wall + timedelta(seconds=NONCE_STEP)))

    def demand_nonce(self, nonce: str) -> None:
        """Raises UseDpopNonceError. The response has this nonce."""
        self.demanded_nonce = nonce
        raise UseDpopNonceError

    def _use(self, proof: Proof) -> None:
        """Records the use of the proof. Raises InvalidDpopProofError for a second use, and UseDpopNonceError for a
        proof of an ended epoch, whose first use may have been forgotten."""
        use = self._container.replays.record_use(proof.replay_key, int(REMEMBERED.total_seconds()) + 1)
        if not self._proof_check.nonces.is_of_epoch(proof.nonce, use.epoch):
            raise UseDpopNonceError
        if not use.first:
            raise InvalidDpopProofError("The proof has been used before.")


class TokenCheck:
    """ASGI middleware. It sets scope["state"]["authenticate"], an Authentication, which checks the token and returns
    the principal. The application calls it first, on its worker thread, so that a request needs one change of thread. A
    request without a valid token gets 401. Tokens are read from the Authorization header only. A token that is bound to
    a key needs the scheme DPoP and a fresh proof by that key."""

    def __init__(self, app: ASGIApp, container: Container, body: ErrorBody = graphql_body) -> None:
        self._app, self._container = app, container
        self._proofs = ProofCheck(container.settings.issuer, container.secrets, lambda: container.replays.epoch)
        self._challenges = Challenges(container.settings.issuer, container.environment, body)
        self._clients = TokenClients()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        headers = Headers(scope=scope)
        authorizations = headers.getlist("authorization")
        credential = _read_credential(authorizations, headers.getlist(HEADER), scope)
        uses_dpop = "".join(authorizations[:1])[:4].lower() == "dpop"  # also for an unreadable credential
        authentication = None
        if credential is not None:
            authentication = Authentication(credential, self._container, self._proofs, self._clients)
        send_response = self._with_nonce(send, authentication) if uses_dpop else send
        try:
            if authentication is None:
                raise Unauthenticated(_UNREADABLE if authorizations else _MISSING)
            state["authenticate"] = authentication
            await self._app(scope, receive, send_response)
        except Unauthenticated as error:
            code = "invalid_token" if authorizations else None
            response = self._challenges.build_response(
                code, error.message, state.get("request_id"), path=scope["path"], uses_dpop=uses_dpop
            )
            await response(scope, receive, send_response)
        except OAuth2Error as error:  # an error of the proof
            response = self._challenges.build_response(
                error.error, error.description, state.get("request_id"), path=scope["path"], uses_dpop=True
            )
            await response(scope, receive, send_response)

    def _with_nonce(self, send: Send, authentication: Authentication | None) -> Send:
        async def send_with_nonce(message: Message) -> None:
            if message["type"] == "http.response.start":
                demanded = authentication and authentication.demanded_nonce
                current = demanded or self._proofs.nonces.current(self._container.clock())
                MutableHeaders(scope=message)[NONCE_HEADER] = current
            await send(message)

        return send_with_nonce


def _read_credential(authorizations: list[str], proofs: list[str], scope: Scope) -> Credential | None:
    """The credential of the request. None if it has not exactly one Authorization header, or an unreadable one."""
    if len(authorizations) != 1:
        return None
    scheme, token = split_authorization(authorizations[0])
    if scheme not in {"dpop", "bearer"}:
        return None
    return Credential(scheme, token, tuple(proofs), scope["method"], scope["path"])
