"""Access tokens for the GraphiQL page of a partner: of its merchants, and of consents of its personas."""

from dataclasses import dataclass

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.environment import Environment
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.client import BASELINE
from gateway.domain.identity.client_rights import usable_scopes
from gateway.domain.scope import TokenKind, restrict
from gateway.services.identity.access_tokens import AccessToken, issue_access_token
from gateway.services.sandbox.consents import SandboxConsentService, SandboxGrant, find_persona, requestable_scopes
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class Caller:
    """A merchant that the page can call as: its id, its name, and the keys of its enabled adapters."""

    merchant_id: str
    name: str
    adapters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callers:
    """Who a partner can call as: its merchants with a client for the page, by name, and the handles of its personas."""

    merchants: tuple[Caller, ...]
    personas: tuple[str, ...]


class PageTokenService:
    """Issues bearer tokens to the page. The client is the merchant's oldest one of the profile baseline, because tokens
    of other profiles are bound to a key. The page gives no other access than the client's own secret would."""

    def __init__(
        self, database: Database, consents: SandboxConsentService, environment: Environment, settings: Settings
    ) -> None:
        self._database, self._consents = database, consents
        self._environment, self._settings = environment, settings

    def list_callers(self, partner_id: str) -> Callers:
        """Returns who the partner can call as."""

        def load(unit: UnitOfWork) -> Callers:
            rows = [row for row in unit.merchants.list_merchants(partner_id) if _client_of(unit, row.id) is not None]
            adapters = unit.merchants.load_enabled_adapters(row.id for row in rows)
            merchants = (Caller(row.id, row.name, adapters.get(row.id, ())) for row in rows)
            personas = tuple(persona.handle for persona in unit.users.list_personas(partner_id))
            return Callers(tuple(sorted(merchants, key=lambda each: each.name)), personas)

        return self._database.read(load)

    def issue_merchant_token(self, partner_id: str, merchant_id: str) -> AccessToken:
        """Returns a token of a merchant of this partner, with all scopes of its client for merchants. Raises NotFound
        for another merchant, InvalidInput for one without a client for the page."""

        def issue(unit: UnitOfWork) -> AccessToken:
            client = find_client(unit, partner_id, merchant_id)
            scopes = tuple(name for name in self._environment.offered(TokenKind.MERCHANT) if name in client.scopes)
            return self._issue(unit, client, scopes, None)

        return self._database.write(issue)

    def issue_consent_token(self, partner_id: str, merchant_id: str, handle: str) -> SandboxGrant:
        """Returns a token of a consent of a persona to this merchant. The consent is the persona's newest one to the
        client if that is active and covers all that the client can ask for, else a new one to all of it. Raises as
        `issue_merchant_token`, and NotFound for an unknown persona."""

        def issue(unit: UnitOfWork) -> SandboxGrant:
            client = find_client(unit, partner_id, merchant_id)
            consent = self._usable_consent(unit, client, find_persona(unit, partner_id, handle).user_id)
            if consent is None:
                return self._consents.grant_within(unit, partner_id, client.id, handle)
            usable = usable_scopes(client.scopes, client.authorization_details_types)
            scopes = restrict(consent.scopes_in_force(unit.business_time(merchant_id)), usable)
            return SandboxGrant(consent, self._issue(unit, client, scopes, consent))

        return self._database.write(issue)

    def _usable_consent(self, unit: UnitOfWork, client: ClientRow, user_id: str) -> Consent | None:
        newest = unit.consents.load_newest(client.id, user_id)
        consent = unit.consents.lock(newest) if newest is not None else None  # it cannot end before its token is stored
        now = unit.business_time(client.merchant_id)
        if consent is None or consent.single_use or consent.status(now) is not ConsentStatus.ACTIVE:
            return None
        return consent if set(requestable_scopes(client)) <= set(consent.scopes_in_force(now)) else None

    def _issue(
        self, unit: UnitOfWork, client: ClientRow, scopes: tuple[str, ...], consent: Consent | None
    ) -> AccessToken:
        return issue_access_token(
            unit, self._environment, self._settings, client, scopes, consent=consent, family=None, jkt=None
        )


def find_client(unit: UnitOfWork, partner_id: str, merchant_id: str) -> ClientRow:
    """Returns the client with which the page calls as a merchant of this partner. Raises NotFound for a merchant of
    another partner, InvalidInput for one without a client for the page."""
    merchant = unit.merchants.load(merchant_id)
    if merchant is None or merchant.partner_id != partner_id:
        raise NotFound("This partner has no such merchant.", ("merchant",))
    client = _client_of(unit, merchant_id)
    if client is None:
        raise InvalidInput("INVALID", "This merchant has no enabled client of the profile baseline.", ("merchant",))
    return client


def _client_of(unit: UnitOfWork, merchant_id: str) -> ClientRow | None:
    clients = unit.clients.list_clients(merchant_id)
    return next((each for each in clients if each.profile == BASELINE and each.disabled_at is None), None)
