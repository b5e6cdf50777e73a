"""What each persona gets for an ordinary request: computed by the policies, as a request over the API is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.decisions.outcome import Outcome
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.outcome_override import OutcomeOverride, find_override
from gateway.domain.scoring.tier import Tier, tier_of
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.assessment import force_result
from gateway.services.identity.personas import username
from gateway.services.policies.overrides import OverrideService
from gateway.store.identity.users import PersonaRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter, Person
from merchants.available_limit import fit_forced_approval, fit_to_available_limit
from merchants.registry import AdapterRegistry

MOST_ADAPTERS = 20
"""The largest number of adapters with which a persona is shown."""


@dataclass(frozen=True, slots=True)
class OrdinaryOutcome:
    """The outcome of an adapter's ordinary ask. `merchant_name` is None if it is not that of a merchant."""

    adapter: str
    product: Product
    requested: Money
    outcome: Outcome
    merchant_name: str | None = None


@dataclass(frozen=True, slots=True)
class DescribedPersona:
    """A persona with the outcomes that it has when new."""

    handle: str
    username: str
    summary: str
    tier: Tier
    score: int | None
    outcomes: tuple[OrdinaryOutcome, ...]


def decide_ordinary_ask(
    adapter: MerchantAdapter[Any],
    person: Person,
    limits: CreditLimits,
    fixed: OutcomeOverride | None = None,
    merchant_name: str | None = None,
) -> OrdinaryOutcome:
    """Returns the outcome of the adapter's ordinary ask for a person without exposure, reduced to the credit limit.
    `fixed` decides instead of the policy."""
    ask, now = adapter.ordinary_case.ask, adapter.ordinary_case.now
    requested, result = adapter.requested_amount(ask), adapter.decide(ask, person, now)
    limit = limits.limit(person.tier, requested.currency)
    if fixed is None:
        fitted = fit_to_available_limit(adapter, ask, person, now, result, limit)
    else:
        forced = force_result(adapter, ask, result, fixed.first_rule, BusinessTime(now))
        fitted = fit_forced_approval(adapter, ask, now, forced, limit)
    return OrdinaryOutcome(adapter.key, adapter.product, requested, fitted.outcome, merchant_name)


class PersonaOutcomeService:
    """Describes the personas of a partner by the outcomes at its merchants."""

    def __init__(self, registry: AdapterRegistry, overrides: OverrideService, limits: CreditLimits) -> None:
        self._registry, self._overrides, self._limits = registry, overrides, limits

    def list_personas(self, unit: UnitOfWork, partner_id: str) -> list[DescribedPersona]:
        """Returns the personas of the partner, oldest first, each with its outcome at each adapter that decides for a
        merchant of the partner, by the policies in force now. Tier, score and outcomes are those of a new persona."""
        partner = unit.partners.load(partner_id)
        assert partner is not None  # a session or a token names it
        adapters = list(self._adapters(unit, partner_id))[:MOST_ADAPTERS]
        return [
            DescribedPersona(
                handle=row.handle,
                username=username(row.handle, partner),
                summary=row.summary,
                tier=tier_of(row.score),
                score=row.score,
                outcomes=tuple(self._decide(row, name, adapter) for name, adapter in adapters),
            )
            for row in unit.users.list_personas(partner_id)
        ]

    def _decide(self, row: PersonaRow, merchant_name: str, adapter: MerchantAdapter[Any]) -> OrdinaryOutcome:
        person = Person(tier_of(row.score), row.open_overdue)
        fixed = find_override(row.overrides or (), adapter.product)
        return decide_ordinary_ask(adapter, person, self._limits, fixed, merchant_name)

    def _adapters(self, unit: UnitOfWork, partner_id: str) -> Iterator[tuple[str, MerchantAdapter[Any]]]:
        """Each merchant's name with its adapter for each kind of ask, with the policy in force now."""
        for merchant in unit.merchants.list_merchants(partner_id):
            now, enabled = unit.business_time(merchant.id), unit.merchants.list_enabled_adapters(merchant.id)
            for member in dict.fromkeys(self._registry[key].member for key in enabled if key in self._registry):
                adapter = self._registry.select_adapter(member, enabled)
                if adapter is not None:
                    effective = self._overrides.effective_adapter(unit, merchant.id, adapter, now)
                    yield merchant.name, effective.with_policy(effective.policies.at(now))
