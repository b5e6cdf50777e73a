"""Creates the sandbox's demo partner: a merchant for each adapter with a client of each profile, and its own personas.

Secrets, keys and passwords are derived from the master key. So every start can print working ones, while the database
stores only digests and public keys.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.client import BASELINE, FAPI2, GRANT_TYPES
from gateway.domain.identity.redirect_uri import is_redirect_uri, without_loopback_port
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier, tier_of
from gateway.kit.client_key import private_jwk, public_jwks
from gateway.kit.clock import business_time
from gateway.kit.crypto import Secrets, base64url, digest
from gateway.kit.ids import Ids
from gateway.kit.jose import public_key_set
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.clients import ClientService
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.identity.personas import PersonaService, persona_password, username
from gateway.services.merchants import MerchantService
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.users import PersonaRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from merchants.registry import AdapterRegistry

PARTNER = "demo"
DEMO_ADAPTER, DEMO_PERSONA = "car_rental", "excellent"
"""The adapter and the persona of the demo that `gateway sandbox up --demo` runs."""
PARTNER_CALLBACK = "/partners/callback"
"""The path of the page that shows the code of a seeded client."""

LOOPBACK_URI = "http://127.0.0.1:9000/callback"
"""For programs of the partner that listen on their own machine. The port may differ (RFC 8252 section 7.3)."""

_SPARE_NAME = re.compile(rf"{PARTNER}(-\d+)?", re.ASCII)
_PARTNER_NAME = re.compile(r"[a-z0-9-]{1,40}")
_CLIENT_NAMES = {BASELINE: "website", FAPI2: "backend"}
CONTRACT = Contract(askable_tiers=frozenset(Tier), ceiling=Money(5_000_000, "CNY"), consent_life=timedelta(days=90))


@dataclass(frozen=True, slots=True)
class SeededClient:
    """A client with its secret or its private key in plain text, for the credentials file."""

    client_id: str
    profile: str
    client_secret: str | None
    private_jwk: dict[str, Any] | None
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeededMerchant:
    """A merchant of the demo partner. `client` has the profile baseline, `backend` the profile fapi2."""

    id: str
    name: str
    adapter: str
    client: SeededClient
    backend: SeededClient


@dataclass(frozen=True, slots=True)
class SeededPersona:
    """A persona with its password in plain text."""

    handle: str
    username: str
    password: str
    tier: Tier
    score: int | None
    summary: str


@dataclass(frozen=True, slots=True)
class Seed:
    """The merchants and personas of the demo partner."""

    merchants: tuple[SeededMerchant, ...]
    personas: tuple[SeededPersona, ...]


class Seeding:
    """Creates what is missing and keeps the rest, so it can run at every start, also after a crash."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        registry: AdapterRegistry,
        merchant_service: MerchantService,
        client_service: ClientService,
        account_service: AccountService,
        persona_service: PersonaService,
        ids: Ids,
        issuer: str,
    ) -> None:
        # An issuer whose host no redirect URI may have, such as one without TLS, leaves the loopback address.
        wanted = (f"{issuer}{PARTNER_CALLBACK}", LOOPBACK_URI)
        self._redirect_uris = [uri for uri in wanted if is_redirect_uri(uri)]
        self._database, self._secrets, self._registry, self._ids = database, secrets, registry, ids
        self._merchants, self._clients = merchant_service, client_service
        self._accounts, self._personas = account_service, persona_service

    def seed_demo(self) -> Seed:
        """Returns the complete demo partner with its secrets. Creates what is missing."""
        merchants = self._database.write(lambda unit: self._seed_merchants(unit, PARTNER, self._registry))
        return Seed(merchants, self.seed_personas(PARTNER))

    def seed_spare(self) -> tuple[str, Seed] | None:
        """Returns a spare partner with its name, for a demo that needs a merchant and a person without a past. None if
        those of the demo partner are as new. A spare partner is used again as long as it is as new."""
        for number in count(1):
            name = PARTNER if number == 1 else f"{PARTNER}-{number}"
            if self._database.read(partial(self._is_as_new, partner_name=name)):
                break
        if name == PARTNER or DEMO_ADAPTER not in self._registry:
            return None
        merchants = self._database.write(lambda unit: self._seed_merchants(unit, name, (DEMO_ADAPTER,)))
        return name, Seed(merchants, self.seed_personas(name))

    def seed_new(self, partner_name: str) -> Seed:
        """Returns a new partner with its secrets: a merchant for each adapter, and its personas. Raises InvalidInput
        for the name of a partner that exists, and for one that has other characters than letters a to z, digits and
        hyphens, or more than 40."""
        if not _PARTNER_NAME.fullmatch(partner_name):
            raise InvalidInput("INVALID", "The name has 1 to 40 letters a to z, digits and hyphens.", ("partner",))

        def seed(unit: UnitOfWork) -> tuple[SeededMerchant, ...]:
            unit.deployment.lock()
            self._merchants.create_partner(unit, partner_name)
            return self._seed_merchants(unit, partner_name, self._registry)

        merchants = self._database.write(seed)
        return Seed(merchants, self.seed_personas(partner_name))

    def reset_personas(self, partner_name: str) -> tuple[SeededPersona, ...]:
        """Replaces a partner's personas by new ones with the same usernames and passwords, and returns them. The rows
        of the old ones stay, out of reach: nobody can sign in as them, their sessions and consents are ended, and no
        list has them. Merchants keep their decisions. Raises as `seed_personas`."""
        partner = self._database.read(lambda unit: self._merchants.require_partner(unit, partner_name))
        passwords = self._passwords(partner)
        hashes = {handle: self._accounts.hash_password(password) for handle, password in passwords.items()}
        self._database.write(lambda unit: self._personas.replace(unit, partner, hashes))
        return self.seed_personas(partner_name)

    def seed_personas(self, partner_name: str) -> tuple[SeededPersona, ...]:
        """Returns a partner's personas. Creates missing ones. Raises NotFound for an unknown partner, and InvalidInput
        if the partner's name cannot be part of a username."""

        def load(unit: UnitOfWork) -> tuple[PartnerRow, list[str]]:
            partner = self._merchants.require_partner(unit, partner_name)
            return partner, self._personas.list_missing(unit, partner)

        partner, missing = self._database.read(load)
        passwords = self._passwords(partner)
        hashes = {handle: self._accounts.hash_password(passwords[handle]) for handle in missing}

        def provision(unit: UnitOfWork) -> list[PersonaRow]:
            unit.deployment.lock()
            return self._personas.provision(unit, partner, hashes)

        rows = self._database.write(provision)
        return tuple(
            SeededPersona(
                handle=row.handle,
                username=username(row.handle, partner),
                password=passwords[row.handle],
                tier=tier_of(row.score),
                score=row.score,
                summary=row.summary,
            )
            for row in rows
        )

    def client_secret(self, client: ClientRow) -> str | None:
        """Returns the secret of a seeded client of the profile baseline. None for a client whose secret is another."""
        secret = self._client_secret(client.id)
        return secret if digest(secret) == client.secret_digest else None

    def _client_secret(self, client_id: str) -> str:
        return self._clients.secret_prefix + base64url(self._secrets.derive(f"seed client {client_id}"))

    def _is_as_new(self, unit: UnitOfWork, partner_name: str) -> bool:
        """Whether the merchant and the person of the demo are as new: with the business time, the contract, the adapter
        and the score of a new partner, and without an override, an obligation or anything that counts against the
        person."""
        partner = unit.partners.load_by_name(partner_name)
        if partner is None:
            return True
        name = _merchant_name(DEMO_ADAPTER, partner_name)
        merchant = next((row for row in unit.merchants.list_merchants(partner.id) if row.name == name), None)
        persona = next((row for row in unit.users.list_personas(partner.id) if row.handle == DEMO_PERSONA), None)
        return (
            partner.clock_offset_seconds == 0
            and (merchant is None or self._is_untouched(unit, merchant))
            and (persona is None or _is_unencumbered(unit, persona))
        )

    def _is_untouched(self, unit: UnitOfWork, merchant: MerchantRow) -> bool:
        return (
            merchant.contract == CONTRACT
            and unit.merchants.list_enabled_adapters(merchant.id) == (DEMO_ADAPTER,)
            and not unit.policy_overrides.list_overrides(merchant.id, DEMO_ADAPTER)
        )

    def _seed_merchants(
        self, unit: UnitOfWork, partner_name: str, adapters: Iterable[str]
    ) -> tuple[SeededMerchant, ...]:
        unit.deployment.lock()  # several processes may start at once
        partner = self._merchants.ensure_partner(unit, partner_name)
        present = {row.name: row for row in unit.merchants.list_merchants(partner.id)}
        seeded = []
        for key in adapters:
            name = _merchant_name(key, partner_name)
            row = present.get(name) or self._merchants.register(unit, partner, name)
            if name not in present:
                self._merchants.replace_contract(unit, row.id, CONTRACT)
            self._merchants.enable(unit, row.id, key)
            website = self._client(unit, row, BASELINE)
            backend = self._client(unit, row, FAPI2)
            seeded.append(SeededMerchant(row.id, name, key, website, backend))
        return tuple(seeded)

    def _client(self, unit: UnitOfWork, merchant: MerchantRow, profile: str) -> SeededClient:
        name = f"{merchant.name} {_CLIENT_NAMES[profile]}"
        row = next((row for row in unit.clients.list_clients(merchant.id) if row.name == name), None)
        client_id = row.id if row else self._ids.new("cli")
        secret = self._client_secret(client_id) if profile == BASELINE else None
        key = None
        if profile != BASELINE:
            key = private_jwk(self._secrets.derive(f"seed client key {client_id}"))
        jwks = public_key_set(public_jwks(key)) if key else None
        if row is None:
            row, _ = self._clients.register(
                unit,
                merchant.id,
                name,
                self._redirect_uris,
                profile=profile,
                secret=secret,
                jwks=jwks,
                client_id=client_id,
            )
        self._repair_client(unit, row, digest(secret) if secret else None, jwks)
        return SeededClient(row.id, profile, secret, key, self._redirect_uris[0], tuple(row.scopes))

    def _repair_client(
        self, unit: UnitOfWork, row: ClientRow, secret_digest: str | None, jwks: dict[str, Any] | None
    ) -> None:
        grants = list(dict.fromkeys([*row.grant_types, *GRANT_TYPES]))
        # Those of an earlier start at another port are replaced.
        current = {without_loopback_port(uri) for uri in self._redirect_uris}
        others = (uri for uri in row.redirect_uris if without_loopback_port(uri) not in current)
        wanted = {
            "secret_digest": secret_digest,
            "jwks": jwks,
            "grant_types": grants,
            "redirect_uris": [*self._redirect_uris, *others],
            "disabled_at": None,
        }
        if any(getattr(row, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(row, name, value)
            unit.clients.update(row)

    def _passwords(self, partner: PartnerRow) -> dict[str, str]:
        return {each.handle: persona_password(self._secrets, partner, each.handle) for each in CATALOGUE}


def _merchant_name(adapter: str, partner_name: str) -> str:
    """The name of a seeded merchant. Each spare partner has a number, which its merchants have too. The merchants of
    other partners have the partner's name."""
    is_spare = _SPARE_NAME.fullmatch(partner_name)
    suffix = partner_name.removeprefix(PARTNER).replace("-", " ") if is_spare else f" {partner_name}"
    return f"Demo {adapter.replace('_', ' ').title()}{suffix}"


def _is_unencumbered(unit: UnitOfWork, persona: PersonaRow) -> bool:
    now = business_time(unit.wall, 0)  # of a partner whose time has not been moved
    return (
        not unit.behaviour_records.has_own(persona.user_id)
        and not unit.decisions.list_reserving(persona.user_id)
        and unit.decisions.count_against(persona.user_id, now) == (0, 0)
    )
