"""The authorization endpoint without its page (RFC 6749 section 3.1): opens a request, carries out a decision."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent
from gateway.domain.consent_change import Change
from gateway.domain.consent_request import Request
from gateway.domain.errors import NotFound
from gateway.kit.crypto import digest
from gateway.oauth.authorization_code import AuthorizationCodeGrant
from gateway.oauth.bridge import AuthlibRequest
from gateway.oauth.form import FrozenRequest
from gateway.oauth.living import business_now
from gateway.oauth.metadata import AUTHORIZE
from gateway.oauth.par import LIFE
from gateway.oauth.pkce import S256
from gateway.oauth.server import Parts, Server
from gateway.store import merchants, oauth_requests
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from gateway.store.users import UserRow

TIME_TO_DECIDE = timedelta(minutes=10)
"""How long a request that a person has opened waits for them; unopened it lasts 90 seconds."""


class Refusal(StrEnum):
    """Why a request cannot be shown or decided. None of these redirects: the address may not be the client's."""

    NOT_PUSHED = "NOT_PUSHED"
    UNUSABLE = "UNUSABLE"
    CHANGED = "CHANGED"
    OTHER_PARTNER = "OTHER_PARTNER"
    OTHER_PERSON = "OTHER_PERSON"


class AuthorizationRefused(Exception):
    """Nothing is issued and nothing redirected; the page says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A pushed request on the consent page: who asks, for what, and where the answer goes. `now` is the partner's
    business time, from which the durations count; `change` is the consent that the request means to change."""

    digest: str
    parameters: dict[str, Any]
    client: ClientRow
    merchant: MerchantRow
    asked: Request
    change: Change | None
    now: datetime

    def comes_to(self, granted: Request) -> tuple[AuthorizationDetail, ...]:
        """The details in force once `granted` has been allowed."""
        return self.change.result(granted, self.now).details if self.change else granted.details

    @property
    def redirect_uri(self) -> str:
        return str(self.parameters["redirect_uri"])


class AuthorizationEndpoint:
    """Works in the caller's writing unit, which rolls back when AuthorizationRefused is raised."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def open(self, session: Session, client_id: str | None, request_uri: str | None, wall: datetime) -> OpenRequest:
        """The undecided request of this client; from its first opening on a person has ten minutes to decide. Raises
        AuthorizationRefused."""
        if client_id is None or request_uri is None:
            raise AuthorizationRefused(Refusal.NOT_PUSHED)
        row = oauth_requests.pushed_request(session, digest(request_uri))
        if row is None or row.client_id != client_id or row.used_at is not None or wall >= row.expires_at:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        server = Server(self._parts, session, wall)
        grant = self._grant(server, client_id, row.parameters)
        client = server.query_client(client_id)
        merchant = merchants.load(session, client.row.merchant_id) if client else None
        if client is None or merchant is None:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        try:
            grant.validate_authorization_request()
            change = grant.change()
        except OAuth2Error:
            raise AuthorizationRefused(Refusal.CHANGED) from None
        shown = change.version if change else None
        if grant.asked.document() != row.parameters["complete"] or shown != row.parameters.get("grant_version"):
            raise AuthorizationRefused(Refusal.CHANGED)
        oauth_requests.open_pushed_request(session, row.digest, wall, wall + LIFE, wall + TIME_TO_DECIDE)
        now = business_now(session, client, wall)
        return OpenRequest(row.digest, row.parameters, client.row, merchant, grant.asked, change, now)

    def require_own(self, opened: OpenRequest, user: UserRow) -> None:
        """Raises AuthorizationRefused for a user of another partner than the merchant's (a sandbox persona), and for
        another than the one whose consent would be changed."""
        if user.partner_id is not None and user.partner_id != opened.merchant.partner_id:
            raise AuthorizationRefused(Refusal.OTHER_PARTNER)
        if opened.change is not None and user.id != opened.change.consent.user_id:
            raise AuthorizationRefused(Refusal.OTHER_PERSON)

    def allow(self, session: Session, opened: OpenRequest, user: UserRow, granted: Request, wall: datetime) -> str:
        """Records the consent to `granted`, what the person left of the request, and returns the address with `code`,
        `state` and `iss`. Raises AuthorizationRefused."""
        self.require_own(opened, user)
        self._use(session, opened, wall)
        consents, asked = self._parts.consents, opened.asked
        if opened.change is None:
            consent = consents.grant(session, opened.client, user.id, granted, wall, asked=asked)
        else:
            try:
                consent = consents.change(session, opened.change, user.id, granted, wall, asked=asked)
            except NotFound:
                raise AuthorizationRefused(Refusal.CHANGED) from None
        return self._location(session, opened, consent, wall)

    def deny(self, session: Session, opened: OpenRequest, wall: datetime) -> str:
        """The address with `error=access_denied`, `state` and `iss`. Raises AuthorizationRefused."""
        self._use(session, opened, wall)
        return self._location(session, opened, None, wall)

    def _use(self, session: Session, opened: OpenRequest, wall: datetime) -> None:
        if not oauth_requests.use_pushed_request(session, opened.digest, wall):
            raise AuthorizationRefused(Refusal.UNUSABLE)

    def _location(self, session: Session, opened: OpenRequest, consent: Consent | None, wall: datetime) -> str:
        server = Server(self._parts, session, wall)
        grant = self._grant(server, opened.client.id, opened.parameters)
        answer = server.create_authorization_response(request=grant.request, grant_user=consent, grant=grant)
        location = answer.location
        assert location is not None  # the request has been validated, so both outcomes redirect
        return str(location)

    def _grant(self, server: Server, client_id: str, parameters: dict[str, Any]) -> AuthorizationCodeGrant:
        form = {name: value for name, value in parameters.items() if name not in {"complete", "grant_version"}}
        frozen = FrozenRequest(AUTHORIZE, {**form, "client_id": client_id}, None, server.wall)
        grant = AuthorizationCodeGrant(AuthlibRequest(frozen, self._parts.settings.issuer), server)
        S256()(grant)
        return grant
