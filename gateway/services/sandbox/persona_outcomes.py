"""What each persona gets for an ordinary ask: computed by the policies, as a request over the API is decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.domain.merchants import Product
from gateway.domain.policies.outcome_override import find_override
from gateway.domain.scoring.tier import Tier, tier_of
from gateway.services.identity.personas import username
from gateway.services.policies.ordinary_asks import OrdinaryAskService, OrdinaryOutcome, with_policy_at
from gateway.services.query_unit import QueryUnit
from gateway.store.identity.users import PersonaRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter, Person

MOST_ADAPTERS = 20
"""The largest number of adapters with which a persona is shown."""


@dataclass(frozen=True, slots=True)
class PersonaOutcome:
    """The outcome of an ordinary ask for a persona. `merchant_name` is None if no merchant of the partner has enabled
    the adapter."""

    merchant_name: str | None
    ordinary: OrdinaryOutcome


@dataclass(frozen=True, slots=True)
class DescribedPersona:
    """A persona with the tier, the score and the outcomes that it has when new. `score` is None if it is unscored."""

    id: str
    handle: str
    username: str
    summary: str
    tier: Tier
    score: int | None
    outcomes: tuple[PersonaOutcome, ...]


_Describing = tuple[str | None, MerchantAdapter[Any]]
"""An adapter whose ordinary ask describes personas, and the name of the merchant that has enabled it."""


class PersonaOutcomeService:
    """Describes the personas of a partner by the outcomes of ordinary asks, by the policies in force now."""

    def __init__(self, asks: OrdinaryAskService) -> None:
        self._asks = asks

    def list_at_merchants(self, unit: UnitOfWork, partner_id: str) -> list[DescribedPersona]:
        """Returns the personas of the partner, oldest first, each with its outcome at each adapter that decides for a
        merchant of the partner."""
        adapters = [
            (merchant.name, adapter)
            for merchant in unit.merchants.list_merchants(partner_id)
            for adapter in self._list_adapters(unit, merchant.id)
        ]
        return self._describe_all(unit, partner_id, adapters[:MOST_ADAPTERS])

    def list_by_product(self, query: QueryUnit) -> list[DescribedPersona]:
        """Returns the personas of the token's partner, oldest first, each with one outcome for each product."""
        partner_id = query.principal.partner_id
        return query.read(lambda unit: self._describe_all(unit, partner_id, self._list_products(unit, query)))

    def find(self, query: QueryUnit, persona_id: str) -> DescribedPersona | None:
        """Returns the persona of the token's partner with this id, as `list_by_product` does, None for any other id."""

        def find(unit: UnitOfWork) -> DescribedPersona | None:
            row = unit.users.load_persona(query.principal.partner_id, persona_id)
            if row is None:
                return None
            return self._describe(row, _load_partner(unit, row.partner_id), self._list_products(unit, query))

        return query.read(find)

    def _describe_all(
        self, unit: UnitOfWork, partner_id: str, adapters: Iterable[_Describing]
    ) -> list[DescribedPersona]:
        partner, used = _load_partner(unit, partner_id), tuple(adapters)
        return [self._describe(row, partner, used) for row in unit.users.list_personas(partner_id)]

    def _describe(self, row: PersonaRow, partner: PartnerRow, adapters: Iterable[_Describing]) -> DescribedPersona:
        tier, overrides = tier_of(row.score), row.overrides or ()
        person = Person(tier, row.open_overdue)
        outcomes = tuple(
            PersonaOutcome(name, self._asks.decide(adapter, person, find_override(overrides, adapter.product)))
            for name, adapter in adapters
        )
        return DescribedPersona(
            id=row.id,
            handle=row.handle,
            username=username(row.handle, partner),
            summary=row.summary,
            tier=tier,
            score=row.score,
            outcomes=outcomes,
        )

    def _list_products(self, unit: UnitOfWork, query: QueryUnit) -> list[_Describing]:
        """One adapter for each product: an adapter that decides for the token's merchant if there is one, else the
        first one that is loaded."""
        merchant = unit.merchants.load(query.principal.merchant_id)
        assert merchant is not None  # the merchant of a checked token
        by_product: dict[Product, _Describing] = {}
        for adapter in self._list_adapters(unit, merchant.id):
            by_product.setdefault(adapter.product, (merchant.name, adapter))
        for adapter in self._asks.registry.values():
            by_product.setdefault(adapter.product, (None, with_policy_at(adapter, query.now)))
        return [by_product[product] for product in Product if product in by_product]

    def _list_adapters(self, unit: UnitOfWork, merchant_id: str) -> Iterable[MerchantAdapter[Any]]:
        return self._asks.list_adapters(unit, merchant_id, unit.merchants.list_enabled_adapters(merchant_id))


def _load_partner(unit: UnitOfWork, partner_id: str) -> PartnerRow:
    partner = unit.partners.load(partner_id)
    assert partner is not None  # a session or a token names it
    return partner
