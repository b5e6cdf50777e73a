"""The authorization endpoint without its page (RFC 6749 section 3.1): opens a request and records the decision."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749.errors import OAuth2Error

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.change import Change
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.domain.errors import NotFound
from gateway.domain.identity.redirect_uri import append_parameters
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.crypto import digest
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.endpoints.par import LIFE
from gateway.oauth.grants.authorization_code import AuthorizationCodeGrant
from gateway.oauth.grants.pkce import S256
from gateway.oauth.metadata import AUTHORIZE
from gateway.oauth.request_parsing import ParsedRequest
from gateway.oauth.server import Server
from gateway.oauth.tokens import derive_code
from gateway.services.container import Container
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.users import UserRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork

TIME_TO_DECIDE = timedelta(minutes=10)
"""How long a person has to decide after they have opened a request. An unopened request is valid for 90 seconds."""


_BARE_URI = "https://client.invalid/"


class Refusal(StrEnum):
    """Why a request cannot be shown or decided. None of these redirects, because the URI may not be of the client."""

    NOT_PUSHED = "NOT_PUSHED"
    UNUSABLE = "UNUSABLE"
    CHANGED = "CHANGED"
    OTHER_PARTNER = "OTHER_PARTNER"
    OTHER_PERSON = "OTHER_PERSON"


class AuthorizationRefused(Exception):
    """The request cannot be shown or decided. Nothing is issued, and nobody is redirected."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A pushed request, open on the consent page. It belongs to the unit of work that opened it. Durations count from
    `now`. `change` is the change of a consent that the request asks for, None for a new consent. `grant` is Authlib's
    grant with the validated request. `ends_soon`: it expires within 90 seconds, as one that was just pushed
    does."""

    digest: str
    parameters: dict[str, Any]
    client: ClientRow
    merchant: MerchantRow
    asked: Request
    change: Change | None
    now: BusinessTime
    grant: AuthorizationCodeGrant
    ends_soon: bool

    def resulting_details(self, granted: Request) -> tuple[AuthorizationDetail, ...]:
        """The details of the consent after `granted` is allowed."""
        return self.change.result(granted, self.now).details if self.change else granted.details

    @property
    def redirect_uri(self) -> str:
        return str(self.parameters["redirect_uri"])


@dataclass(frozen=True, slots=True)
class Answer:
    """The recorded answer to a request. `location` is the same redirect as at first, None once its code is redeemed,
    has ended or has expired."""

    location: str | None


class AuthorizationEndpoint:
    """Opens, extends, allows and denies requests in the caller's unit of work. AuthorizationRefused rolls it back.
    `open` only reads."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def find_answer(
        self, unit: UnitOfWork, client_id: str | None, request_uri: str | None, user_id: str
    ) -> Answer | None:
        """What this user has answered to the request, None if they have not. Locks the request, so that of several
        answers at once the first stands."""
        requests = unit.authorization_requests
        row = requests.lock_pushed_request(digest(request_uri)) if request_uri else None
        if row is None or row.decided_by != user_id or row.client_id != client_id:
            return None
        server = Server(self._container, unit)
        if server.query_client(row.client_id) is None:
            return None
        code = derive_code(self._container, row.digest)
        stored = requests.load_code(digest(code)) if row.consent_id else None
        if row.consent_id and (stored is None or not stored.is_open(unit.wall)):
            return Answer(None)
        grant = self._grant(server, row.client_id, row.parameters)
        grant.redirect_uri, grant.code, grant.repeated = row.parameters["redirect_uri"], code, True
        return Answer(_location(grant, unit.consents.load(row.consent_id) if row.consent_id else None))

    def open(self, unit: UnitOfWork, client_id: str | None, request_uri: str | None) -> OpenRequest:
        """The undecided request of this client. Raises AuthorizationRefused."""
        if client_id is None or request_uri is None:
            raise AuthorizationRefused(Refusal.NOT_PUSHED)
        wall = unit.wall
        row = unit.authorization_requests.load_pushed_request(digest(request_uri))
        if row is None or row.client_id != client_id or row.used_at is not None or wall >= row.expires_at:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        server = Server(self._container, unit)
        grant = self._grant(server, client_id, row.parameters)
        client = server.query_client(client_id)
        merchant = unit.merchants.load(client.row.merchant_id) if client else None
        if client is None or merchant is None:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        try:
            grant.validate_authorization_request()
            change = grant.load_change()
        except OAuth2Error:
            raise AuthorizationRefused(Refusal.CHANGED) from None
        version = change.version if change else None
        if grant.asked.document() != row.parameters["complete"] or version != row.parameters.get("grant_version"):
            raise AuthorizationRefused(Refusal.CHANGED)
        now, ends_soon = unit.business_time(merchant.id), row.expires_at <= wall + LIFE
        return OpenRequest(row.digest, row.parameters, client.row, merchant, grant.asked, change, now, grant, ends_soon)

    def extend(self, unit: UnitOfWork, request_digest: str) -> None:
        """Gives the person ten minutes to decide the request from now on, if it ends soon."""
        short, until = WallTime(unit.wall + LIFE), WallTime(unit.wall + TIME_TO_DECIDE)
        unit.authorization_requests.open_pushed_request(request_digest, unit.wall, short, until)

    def require_eligible(self, opened: OpenRequest, user: UserRow) -> None:
        """Raises AuthorizationRefused if the user cannot decide the request: a sandbox persona of another partner, or
        not the user whose consent would change."""
        if user.partner_id is not None and user.partner_id != opened.merchant.partner_id:
            raise AuthorizationRefused(Refusal.OTHER_PARTNER)
        if opened.change is not None and user.id != opened.change.consent.user_id:
            raise AuthorizationRefused(Refusal.OTHER_PERSON)

    def allow(self, unit: UnitOfWork, opened: OpenRequest, user: UserRow, granted: Request) -> str:
        """Records the consent to `granted`, the part of the request that the person allows. Returns the redirect URI
        with `code`, `state` and `iss`. Raises AuthorizationRefused."""
        self.require_eligible(opened, user)
        self._mark_used(unit, opened, user)
        consents, asked = self._container.consents, opened.asked
        if opened.change is None:
            consent = consents.grant(unit, opened.client, user.id, granted, asked=asked)
        else:
            try:
                consent = consents.change(unit, opened.change, user.id, granted, asked=asked)
            except NotFound:
                raise AuthorizationRefused(Refusal.CHANGED) from None
        unit.authorization_requests.attach_consent(opened.digest, consent.id)
        opened.grant.code = derive_code(self._container, opened.digest)
        return _location(opened.grant, consent)

    def deny(self, unit: UnitOfWork, opened: OpenRequest, user: UserRow) -> str:
        """The redirect URI with `error=access_denied`, `state` and `iss`. Raises AuthorizationRefused."""
        self._mark_used(unit, opened, user)
        return _location(opened.grant, None)

    def _mark_used(self, unit: UnitOfWork, opened: OpenRequest, user: UserRow) -> None:
        # The client and the user are locked: then neither can be disabled between the check and the consent.
        if not unit.clients.hold(opened.client.id):
            raise AuthorizationRefused(Refusal.UNUSABLE)
        if not unit.authorization_requests.use_pushed_request(opened.digest, unit.wall, user.id):
            raise AuthorizationRefused(Refusal.UNUSABLE)
        if not unit.users.hold(user.id):
            raise AuthorizationRefused(Refusal.UNUSABLE)

    def _grant(self, server: Server, client_id: str, parameters: dict[str, Any]) -> AuthorizationCodeGrant:
        form = {name: value for name, value in parameters.items() if name not in {"complete", "grant_version"}}
        parsed = ParsedRequest(AUTHORIZE, {**form, "client_id": client_id}, None, server.unit.wall)
        grant = AuthorizationCodeGrant(AuthlibRequest(parsed, self._container.settings.issuer), server)
        S256()(grant)
        return grant


def _location(grant: AuthorizationCodeGrant, consent: Consent | None) -> str:
    registered = str(grant.redirect_uri)
    # Authlib decodes and encodes the query of the URI to which it adds parameters. So it adds them to a bare one.
    grant.redirect_uri = _BARE_URI
    response = grant.server.create_authorization_response(request=grant.request, grant_user=consent, grant=grant)
    grant.redirect_uri = registered
    location = response.location
    assert location is not None  # a validated request redirects, allowed or denied
    return append_parameters(registered, parse_qsl(location.removeprefix(f"{_BARE_URI}?"), keep_blank_values=True))
