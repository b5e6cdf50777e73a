"""The outcomes of ordinary asks: what adapters decide about a person without exposure. Nothing is written."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.decisions.outcome import Outcome
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.outcome_override import OutcomeOverride
from gateway.kit.clock import BusinessTime
from gateway.services.policies.overrides import OverrideService
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter, Person
from merchants.available_limit import fit_forced_approval, fit_to_available_limit
from merchants.forced_result import force_result
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class OrdinaryOutcome:
    """The outcome of an adapter's ordinary ask."""

    adapter: str
    product: Product
    requested: Money
    outcome: Outcome


def decide_ordinary_ask(
    adapter: MerchantAdapter[Any], person: Person, limits: CreditLimits, fixed: OutcomeOverride | None = None
) -> OrdinaryOutcome:
    """Returns the outcome of the adapter's ordinary ask for a person without exposure, reduced to the credit limit.
    `fixed` decides instead of the policy."""
    ask, now = adapter.ordinary_case.ask, adapter.ordinary_case.now
    requested, result = adapter.requested_amount(ask), adapter.decide(ask, person, now)
    limit = limits.limit(person.tier, requested.currency)
    if fixed is None:
        fitted = fit_to_available_limit(adapter, ask, person, now, result, limit)
    else:
        forced = force_result(adapter, ask, result, fixed.first_rule, now)
        fitted = fit_forced_approval(adapter, ask, now, forced, limit)
    return OrdinaryOutcome(adapter.key, adapter.product, requested, fitted.outcome)


class OrdinaryAskService:
    """Decides the ordinary asks of merchants' adapters by the policies in force."""

    def __init__(self, registry: AdapterRegistry, overrides: OverrideService, credit_limits: CreditLimits) -> None:
        self.registry, self.credit_limits, self._overrides = registry, credit_limits, overrides

    def list_adapters(
        self, unit: UnitOfWork, merchant_id: str, enabled: Collection[str]
    ) -> Iterator[MerchantAdapter[Any]]:
        """Yields the adapter that decides each kind of ask for a merchant with these `enabled` adapters, with the
        policy in force now and the merchant's override."""
        now = unit.business_time(merchant_id)
        for member in dict.fromkeys(self.registry[key].member for key in enabled if key in self.registry):
            adapter = self.registry.select_adapter(member, enabled)
            if adapter is not None:
                yield with_policy_at(self._overrides.effective_adapter(unit, merchant_id, adapter, now), now)

    def decide(
        self, adapter: MerchantAdapter[Any], person: Person, fixed: OutcomeOverride | None = None
    ) -> OrdinaryOutcome:
        """Returns the outcome of the adapter's ordinary ask, as `decide_ordinary_ask` with the credit limits of this
        deployment."""
        return decide_ordinary_ask(adapter, person, self.credit_limits, fixed)


def with_policy_at(adapter: MerchantAdapter[Any], now: BusinessTime) -> MerchantAdapter[Any]:
    """Returns the adapter with the policy version in force at `now`, which then decides its ordinary ask, although the
    ask has a date of its own."""
    return adapter.with_policy(adapter.policies.at(now))
