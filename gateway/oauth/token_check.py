"""The check of access tokens in front of the API (RFC 6750): ours, without Authlib, one statement a request."""

from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain import scope as scopes
from gateway.domain.consent import ConsentStatus
from gateway.domain.errors import Unauthenticated
from gateway.domain.principal import Principal
from gateway.domain.realm import Realm
from gateway.domain.scope import TokenKind
from gateway.kit.clock import WallClock, business_time
from gateway.kit.crypto import digest
from gateway.oauth.metadata import RESOURCE_METADATA
from gateway.store import oauth_tokens
from gateway.store.database import Database, Session

LONGEST_TOKEN = 512
_DEAD = "The access token is not valid. Get a new one."
_ABSENT = "An access token is required: Authorization: Bearer TOKEN."


def check(session: Session, token_text: str, wall_now: datetime, realm: Realm) -> Principal:
    """Who presents this token. Raises Unauthenticated, in the same words, for a token that is unknown, of the other
    realm, expired or revoked, whose client or user is disabled, or whose consent is not in force."""
    if len(token_text) > LONGEST_TOKEN or not token_text.startswith(realm.token_prefix("at")):
        raise Unauthenticated(_DEAD)
    found = oauth_tokens.bearer(session, digest(token_text))
    if found is None or found.token.revoked_at is not None or found.client.disabled_at is not None:
        raise Unauthenticated(_DEAD)
    token, client, partner, consent = found.token, found.client, found.partner, found.consent
    now = business_time(wall_now, partner.clock_offset_seconds)
    if now >= token.expires_at or client.profile not in realm.profiles:
        raise Unauthenticated(_DEAD)
    if consent is not None and consent.status(now) is not ConsentStatus.ACTIVE:
        raise Unauthenticated(_DEAD)
    return Principal(
        kind=TokenKind.MERCHANT if consent is None else TokenKind.USER,
        partner_id=partner.id,
        merchant_id=client.merchant_id,
        client_id=client.id,
        client_name=client.name,
        scopes=tuple(token.scopes),
        allowed=scopes.expand(token.scopes),
        token_expires_at=token.expires_at,
        now=now,
        clock_offset_seconds=partner.clock_offset_seconds,
        consent=consent,
    )


class TokenCheck:
    """ASGI middleware: lets a request with a live token through, its Principal in scope["state"]["principal"], and
    answers 401 to any other. A token is read from the Authorization header and from nowhere else."""

    def __init__(self, app: ASGIApp, database: Database, issuer: str, realm: Realm, clock: WallClock) -> None:
        self._app, self._database, self._issuer, self._realm, self._clock = app, database, issuer, realm, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        sent = Headers(scope=scope).getlist("authorization")
        token = _token(sent)
        try:
            if token is None:
                raise Unauthenticated(_DEAD if sent else _ABSENT)
            state["principal"] = await run_in_threadpool(self._look_up, token)
        except Unauthenticated as error:
            await self._refusal(error, bool(sent), state.get("request_id"))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _look_up(self, token: str) -> Principal:
        with self._database.read() as session:
            return check(session, token, self._clock(), self._realm)

    def _refusal(self, error: Unauthenticated, sent: bool, request_id: str | None) -> JSONResponse:
        """401 with the challenge of RFC 6750 section 3: an error code only if a credential was sent."""
        issuer = self._issuer
        challenge = f'Bearer realm="{issuer}", resource_metadata="{issuer}{RESOURCE_METADATA}"'
        if sent:
            challenge += ', error="invalid_token", error_description="The access token is not valid"'
        extensions = {"code": error.code, "requestId": request_id}
        return JSONResponse(
            {"errors": [{"message": error.message, "extensions": extensions}]},
            status_code=401,
            headers={"WWW-Authenticate": challenge, "Cache-Control": "no-store"},
        )


def _token(sent: list[str]) -> str | None:
    """The one bearer token sent, None if there is none or it cannot be read."""
    if len(sent) != 1:
        return None
    scheme, _, token = sent[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip().isascii() else None
