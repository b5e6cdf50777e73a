"""The check of access tokens in front of the API (RFC 6750, RFC 9449 section 7): ours, one statement a request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain import scope as scopes
from gateway.domain.client_rights import usable
from gateway.domain.consent import ConsentStatus
from gateway.domain.errors import Unauthenticated
from gateway.domain.principal import Principal
from gateway.domain.realm import Realm
from gateway.domain.scope import TokenKind
from gateway.kit.clock import business_time
from gateway.kit.crypto import digest
from gateway.oauth.challenges import Challenges, ErrorBody, graphql_body
from gateway.oauth.dpop import HEADER, NONCE_HEADER, REMEMBERED, InvalidDpopProofError
from gateway.oauth.server import Parts
from gateway.store import oauth_tokens
from gateway.store.database import Session
from gateway.store.oauth_tokens import Bearer

LONGEST_TOKEN = 512
_DEAD = "The access token is not valid. Get a new one."
_ABSENT = "An access token is required: Authorization: DPoP TOKEN with a proof, or Bearer TOKEN for a baseline client."


def check(session: Session, token_text: str, jkt: str | None, wall_now: datetime, realm: Realm) -> Principal:
    """Who presents this token beside a proof by the key `jkt`, or without a proof. Raises Unauthenticated, in the same
    words, for a token that is unknown, of the other realm, expired or revoked, bound to another key or to none, whose
    client or user is disabled, or whose consent is not in force."""
    if len(token_text) > LONGEST_TOKEN or not token_text.startswith(realm.token_prefix("at")):
        raise Unauthenticated(_DEAD)
    found = oauth_tokens.bearer(session, digest(token_text))
    if found is None or found.token.jkt != jkt:
        raise Unauthenticated(_DEAD)
    now = living(found, wall_now, realm)
    token, client, partner, consent = found.token, found.client, found.partner, found.consent
    allowed = scopes.expand(token.scopes) & usable(client.scopes, client.authorization_details_types)
    return Principal(
        kind=TokenKind.MERCHANT if consent is None else TokenKind.USER,
        partner_id=partner.id,
        merchant_id=client.merchant_id,
        client_id=client.id,
        client_name=client.name,
        scopes=scopes.held(token.scopes, allowed),
        allowed=allowed,
        token_expires_at=token.expires_at,
        now=now,
        clock_offset_seconds=partner.clock_offset_seconds,
        consent=consent,
    )


def living(found: Bearer, wall_now: datetime, realm: Realm) -> datetime:
    """The business time of the token's partner. Raises Unauthenticated for a token that is expired or revoked, whose
    client is disabled, or whose consent is not in force."""
    token, client, consent = found.token, found.client, found.consent
    now = business_time(wall_now, found.partner.clock_offset_seconds)
    ended = token.revoked_at is not None or now >= token.expires_at
    stranded = client.disabled_at is not None or client.profile not in realm.profiles
    withdrawn = consent is not None and consent.status(now) is not ConsentStatus.ACTIVE
    if ended or stranded or withdrawn:
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
    """ASGI middleware: lets a request with a live token through, its Principal in scope["state"]["principal"], and
    answers 401 to any other. A token is read from the Authorization header and from nowhere else; one that is bound to
    a key needs the scheme DPoP and a fresh proof by that key."""

    def __init__(self, app: ASGIApp, parts: Parts, body: ErrorBody = graphql_body) -> None:
        self._app, self._parts = app, parts
        self._challenges = Challenges(parts.settings.issuer, parts.realm, body)

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
            state["principal"] = await run_in_threadpool(self._look_up, presented)
        except Unauthenticated as error:
            code = "invalid_token" if "authorization" in headers else None
            answer = self._challenges.answer(code, error.message, state.get("request_id"), proves=proves)
            await answer(scope, receive, sending)
        except OAuth2Error as error:  # of the proof
            answer = self._challenges.answer(error.error, error.description, state.get("request_id"), proves=True)
            await answer(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)

    def _look_up(self, presented: Presented) -> Principal:
        parts, wall, proof = self._parts, self._parts.clock(), None
        if presented.scheme == "dpop":
            proof = parts.proofs.check(
                presented.proofs, presented.method, presented.path, wall, access_token=presented.token
            )
        with parts.database.read() as session:
            principal = check(session, presented.token, proof.jkt if proof else None, wall, parts.realm)
        # Remembered last, so that only holders of a live token can fill the memory.
        if proof and not parts.replays.first_use(proof.replay_key, int(REMEMBERED.total_seconds()) + 1):
            raise InvalidDpopProofError("The proof has been used before.")
        return principal

    def _with_nonce(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[NONCE_HEADER] = self._parts.proofs.nonces.current(self._parts.clock())
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
