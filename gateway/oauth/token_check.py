"""The check of access tokens in front of the API (RFC 6750, RFC 9449 section 7), in one statement a request."""

from dataclasses import dataclass
from functools import partial
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
from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.crypto import digest
from gateway.oauth.challenges import Challenges, ErrorBody, graphql_body
from gateway.oauth.dpop import HEADER, NONCE_HEADER, REMEMBERED, InvalidDpopProofError, ProofCheck
from gateway.services.container import Container
from gateway.store.oauth.tokens import Bearer
from gateway.store.unit import UnitOfWork

LONGEST_TOKEN = 512
_DEAD = "The access token is not valid. Get a new one."
_ABSENT = "An access token is required: Authorization: DPoP TOKEN with a proof, or Bearer TOKEN for a baseline client."


def check(unit: UnitOfWork, token_text: str, jkt: str | None, environment: Environment) -> Principal:
    """The caller that presents this token with a proof by the key `jkt`, or without a proof. Raises Unauthenticated,
    with the same words, for a token that is unknown, of the other environment, expired or revoked, bound to another
    key or to none, whose client or user is disabled, or whose consent is not active."""
    if len(token_text) > LONGEST_TOKEN or not token_text.startswith(environment.token_prefix("at")):
        raise Unauthenticated(_DEAD)
    bearer = unit.tokens.load_bearer(digest(token_text))
    if bearer is None or bearer.token.jkt != jkt:
        raise Unauthenticated(_DEAD)
    now = require_live(unit, bearer, environment)
    token, client, partner, consent = bearer.token, bearer.client, bearer.partner, bearer.consent
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
    )


def require_live(unit: UnitOfWork, bearer: Bearer, environment: Environment) -> BusinessTime:
    """The business time of the token's partner. Raises Unauthenticated for a token that is expired or revoked (in wall
    time), whose client is disabled, or whose consent is not active (in business time)."""
    token, client, consent = bearer.token, bearer.client, bearer.consent
    now = business_time(unit.wall, bearer.partner.clock_offset_seconds)  # without a second statement
    ended = token.revoked_at is not None or unit.wall >= token.expires_at
    disabled = client.disabled_at is not None or client.profile not in environment.profiles
    withdrawn = consent is not None and consent.status(now) is not ConsentStatus.ACTIVE
    if ended or disabled or withdrawn:
        raise Unauthenticated(_DEAD)
    return now


@dataclass(frozen=True, slots=True)
class Presented:
    """The credential of a request: its scheme, "dpop" or "bearer", the token, and where and with which proofs."""

    scheme: str
    token: str
    proofs: tuple[str, ...]
    method: str
    path: str


class TokenCheck:
    """ASGI middleware around an application that calls scope["state"]["authenticate"] on its own worker thread, before
    anything else, and gets the Principal: so the check and the work share one hop. A request without a valid token is
    answered with 401. A token is read from the Authorization header and from nowhere else; one that is bound to a key
    needs the scheme DPoP and a fresh proof by that key."""

    def __init__(self, app: ASGIApp, container: Container, body: ErrorBody = graphql_body) -> None:
        self._app, self._container = app, container
        self._proofs = ProofCheck(container.settings.issuer, container.secrets)
        self._challenges = Challenges(container.settings.issuer, container.environment, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        headers = Headers(scope=scope)
        presented = _presented(headers.getlist("authorization"), headers.getlist(HEADER), scope)
        proves = presented is not None and presented.scheme == "dpop"
        sending = self._with_nonce(send) if proves else send
        try:
            if presented is None:
                raise Unauthenticated(_DEAD if "authorization" in headers else _ABSENT)
            state["authenticate"] = partial(self._look_up, presented)
            await self._app(scope, receive, sending)
        except Unauthenticated as error:
            code = "invalid_token" if "authorization" in headers else None
            answer = self._challenges.answer(code, error.message, state.get("request_id"), proves=proves)
            await answer(scope, receive, sending)
        except OAuth2Error as error:  # of the proof
            answer = self._challenges.answer(error.error, error.description, state.get("request_id"), proves=True)
            await answer(scope, receive, sending)

    def _look_up(self, presented: Presented) -> Principal:
        container, proof = self._container, None
        if presented.scheme == "dpop":
            proof = self._proofs.check(
                presented.proofs, presented.method, presented.path, container.clock(), access_token=presented.token
            )
        jkt = proof.jkt if proof else None
        principal = container.database.read(lambda unit: check(unit, presented.token, jkt, container.environment))
        # Remembered last, so that only holders of a valid token can fill the memory.
        if proof and not container.replays.first_use(proof.replay_key, int(REMEMBERED.total_seconds()) + 1):
            raise InvalidDpopProofError("The proof has been used before.")
        return principal

    def _with_nonce(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[NONCE_HEADER] = self._proofs.nonces.current(self._container.clock())
            await send(message)

        return sending


def _presented(sent: list[str], proofs: list[str], scope: Scope) -> Presented | None:
    """The one credential sent, None if there is none or it cannot be read."""
    if len(sent) != 1:
        return None
    scheme, _, token = sent[0].partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme not in {"dpop", "bearer"} or not token or not token.isascii():
        return None
    return Presented(scheme, token, tuple(proofs), scope["method"], scope["path"])
