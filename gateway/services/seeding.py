"""The sandbox's demo partner: a merchant per adapter with a client of each profile, and its own personas.

Secrets, keys and passwords are derived from the master key, so that every start can print working ones while the
database holds digests and public halves only.
"""

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.client import BASELINE, FAPI2, GRANT_TYPES
from gateway.domain.contract import Contract
from gateway.domain.errors import NotFound
from gateway.domain.money import Money
from gateway.domain.tier import Tier, tier_of
from gateway.kit.client_key import private_jwk, public_half
from gateway.kit.crypto import base64url, derive, digest
from gateway.kit.ids import Ids
from gateway.kit.jose import public_key_set
from gateway.services.clients import ClientService
from gateway.services.merchants import MerchantService
from gateway.services.personas import CATALOGUE, PersonaService, username
from gateway.store import clients, merchants, partners
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from gateway.store.partners import PartnerRow
from merchants.registry import AdapterRegistry

PARTNER = "demo"
REDIRECT_URI = "http://127.0.0.1:9000/callback"
_CLIENT_NAMES = {BASELINE: "website", FAPI2: "backend"}
CONTRACT = Contract(askable_tiers=frozenset(Tier), ceiling=Money(5_000_000, "CNY"), consent_life=timedelta(days=90))


@dataclass(frozen=True, slots=True)
class SeededClient:
    """A client with its secret or its private key in the clear, for the credentials file."""

    client_id: str
    profile: str
    client_secret: str | None
    private_jwk: dict[str, Any] | None
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeededMerchant:
    """A merchant of the demo partner. `client` is of the profile baseline, `backend` of fapi2."""

    id: str
    name: str
    adapter: str
    client: SeededClient
    backend: SeededClient


@dataclass(frozen=True, slots=True)
class SeededPersona:
    """A persona with its password in the clear."""

    handle: str
    username: str
    password: str
    tier: Tier
    score: int | None
    summary: str


@dataclass(frozen=True, slots=True)
class Seed:
    """All that the demo partner has."""

    merchants: tuple[SeededMerchant, ...]
    personas: tuple[SeededPersona, ...]


class Seeding:
    """Makes what is missing and leaves the rest: safe at every start, also after a crash."""

    def __init__(
        self,
        master: bytes,
        registry: AdapterRegistry,
        merchant_service: MerchantService,
        client_service: ClientService,
        persona_service: PersonaService,
        ids: Ids,
    ) -> None:
        self._master, self._registry, self._ids = master, registry, ids
        self._merchants, self._clients, self._personas = merchant_service, client_service, persona_service

    def demo(self, session: Session, now: datetime) -> Seed:
        """The demo partner, whole, with its secrets."""
        partner = self._merchants.partner(session, PARTNER, now)
        present = {row.name: row for row in merchants.listed(session, partner.id)}
        seeded = []
        for key in self._registry:
            name = f"Demo {key.replace('_', ' ').title()}"
            row = present.get(name) or self._merchants.register(session, partner, name, now)
            if name not in present:
                self._merchants.contract(session, row.id, CONTRACT)
            self._merchants.enable(session, row.id, key, now)
            website = self._client(session, row, BASELINE, now)
            backend = self._client(session, row, FAPI2, now)
            seeded.append(SeededMerchant(row.id, name, key, website, backend))
        return Seed(merchants=tuple(seeded), personas=self.personas(session, PARTNER, now))

    def personas(self, session: Session, partner_name: str, now: datetime) -> tuple[SeededPersona, ...]:
        """A partner's own copy of the personas, those that it lacks made anew. Raises NotFound for an unknown partner,
        InvalidInput where its name does not make a username."""
        partner = partners.by_name(session, partner_name)
        if partner is None:
            raise NotFound(f"There is no partner {partner_name}. gateway merchants register makes it.")
        passwords = {handle: self._password(partner, handle) for handle, *_ in CATALOGUE}
        rows = self._personas.provision(session, partner, passwords, now)
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

    def _client(self, session: Session, merchant: MerchantRow, profile: str, now: datetime) -> SeededClient:
        name = f"{merchant.name} {_CLIENT_NAMES[profile]}"
        row = next((row for row in clients.listed(session, merchant.id) if row.name == name), None)
        client_id = row.id if row else self._ids.new("cli")
        secret, key = None, None
        if profile == BASELINE:
            secret = self._clients.secret_prefix + self._secret(f"client {client_id}")
        else:
            key = private_jwk(derive(self._master, f"seed client key {client_id}"))
        jwks = public_key_set(public_half(key)) if key else None
        if row is None:
            row, _ = self._clients.register(
                session,
                merchant.id,
                name,
                [REDIRECT_URI],
                now,
                profile=profile,
                secret=secret,
                jwks=jwks,
                client_id=client_id,
            )
        self._keep_working(session, row, digest(secret) if secret else None, jwks)
        return SeededClient(row.id, profile, secret, key, row.redirect_uris[0], tuple(row.scopes))

    def _keep_working(
        self, session: Session, row: ClientRow, secret_digest: str | None, jwks: dict[str, Any] | None
    ) -> None:
        grants = list(dict.fromkeys([*row.grant_types, *GRANT_TYPES]))
        right = {"secret_digest": secret_digest, "jwks": jwks, "grant_types": grants, "disabled_at": None}
        if any(getattr(row, name) != value for name, value in right.items()):
            for name, value in right.items():
                setattr(row, name, value)
            session.add(row)
            session.flush()

    def _password(self, partner: PartnerRow, handle: str) -> str:
        # Letters and digits only: people type it.
        return b32encode(derive(self._master, f"seed persona {partner.id} {handle}")).decode().lower()[:12]

    def _secret(self, context: str) -> str:
        return base64url(derive(self._master, f"seed {context}"))
