"""Sandbox personas: one copy per partner, made once, with passwords that only the master key's holder can name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gateway.domain.decision import first_status
from gateway.domain.persona import Expectation, Persona
from gateway.domain.product import Product
from gateway.domain.tier import tier_of
from gateway.kit.ids import Ids
from gateway.services.accounts import AccountService
from gateway.services.reading import Reading
from gateway.store import merchants, users
from gateway.store.database import Session
from gateway.store.partners import PartnerRow
from gateway.store.users import PersonaRow
from merchants.contract import MerchantAdapter, Person
from merchants.registry import AdapterRegistry

CATALOGUE = (
    ("excellent", 780, 0, "Top tier with a clean history: approved in full at ordinary asks."),
    ("threshold", 700, 0, "Exactly at the top tier's line: answered as the top tier."),
    ("just-below", 699, 0, "One point below the top tier: reduced, not refused."),
    ("good", 640, 0, "A middling score: graded help."),
    ("fair", 570, 0, "A modest score: little is waived, small amounts are trusted."),
    ("building", 420, 0, "At the beginning: declined, with reasons and advice."),
    ("unscored", None, 0, "Too little is known for a score: cannot be assessed."),
    ("overdue", 760, 1, "Top tier, but an obligation is overdue: declined until it is settled."),
)
"""Handle, score, open overdue obligations, summary."""


class PersonaService:
    """Makes a partner's personas and tells what they answer."""

    def __init__(self, registry: AdapterRegistry, accounts: AccountService, ids: Ids) -> None:
        self._registry, self._accounts, self._ids = registry, accounts, ids

    def listed(self, reading: Reading) -> list[Persona]:
        """The personas of the token's partner, in the catalogue's order."""
        adapters = self._speaking(reading)
        return [_persona(row, adapters) for row in users.personas(reading.session, reading.principal.partner_id)]

    def find(self, reading: Reading, persona_id: str) -> Persona | None:
        """One persona of the token's partner, None for any other id."""
        row = users.persona(reading.session, reading.principal.partner_id, persona_id)
        return _persona(row, self._speaking(reading)) if row else None

    def provision(
        self, session: Session, partner: PartnerRow, passwords: dict[str, str], now: datetime
    ) -> list[PersonaRow]:
        """Makes the personas that the partner lacks; `passwords` by handle. Answers all of them."""
        present = {row.handle: row for row in users.personas(session, partner.id)}
        for handle, score, open_overdue, summary in CATALOGUE:
            if handle not in present:
                user = self._accounts.register(
                    session,
                    username=username(handle, partner),
                    password=passwords[handle],
                    display_name=handle.replace("-", " ").capitalize(),
                    partner_id=partner.id,
                    now=now,
                )
                present[handle] = PersonaRow(
                    id=self._ids.new("per"),
                    partner_id=partner.id,
                    user_id=user.id,
                    handle=handle,
                    summary=summary,
                    score=score,
                    open_overdue=open_overdue,
                )
                session.add(present[handle])
                session.flush()
        return [present[handle] for handle, *_ in CATALOGUE]

    def _speaking(self, reading: Reading) -> list[MerchantAdapter[Any]]:
        """For each product one adapter, whose ordinary ask stands for it: the merchant's own where it has enabled
        one, else the first that is loaded."""
        enabled = merchants.enabled(reading.session, reading.principal.merchant_id)
        serving = [self._registry.serving(adapter.member, enabled) for adapter in self._registry.values()]
        by_product: dict[Product, MerchantAdapter[Any]] = {}
        for adapter in (*filter(None, serving), *self._registry.values()):
            by_product.setdefault(adapter.product, adapter)
        spoken = [by_product[product] for product in Product if product in by_product]
        # An ordinary ask has a date of its own; what it is answered is what the version in force now says.
        return [adapter.under(adapter.policies.at(reading.now)) for adapter in spoken]


def _persona(row: PersonaRow, adapters: Iterable[MerchantAdapter[Any]]) -> Persona:
    tier = tier_of(row.score)
    expectations = tuple(_expectation(adapter, Person(tier, row.open_overdue)) for adapter in adapters)
    return Persona(row.id, row.handle, row.summary, tier, row.score, expectations)


def _expectation(adapter: MerchantAdapter[Any], person: Person) -> Expectation:
    ordinary = adapter.ordinary
    outcome = adapter.decide(ordinary.ask, person, ordinary.now).outcome
    return Expectation(adapter.product, first_status(outcome), outcome.reasons)


def username(handle: str, partner: PartnerRow) -> str:
    """The name a persona signs in with: unique in the deployment, since handles repeat across partners."""
    return f"{handle}@{partner.name.lower().replace(' ', '-')}"
