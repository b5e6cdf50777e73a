"""The first phase of a decision request: reads everything and computes the outcome. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.domain.consents.consent import Consent
from gateway.domain.consents.purpose import require_purpose
from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.exposure import CreditLimits, available_limit
from gateway.domain.errors import GatewayError, InvalidInput, NotFound
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.policies.outcome_override import OutcomeOverride, find_override
from gateway.domain.policies.override import PolicyOverride
from gateway.domain.policies.rule import Rule
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.policies.overrides import OverrideService, with_override
from gateway.services.scoring.fetching import FetchedScore, require_measurement
from gateway.store.unit import UnitOfWork
from merchants.adapter import AdapterResult, MerchantAdapter, Person
from merchants.available_limit import fit_forced_approval, fit_to_available_limit
from merchants.forced_result import force_result
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class Assessment:
    """The outcome of an ask, and the facts from which it was computed.

    `person` is what the policy knows about the person.
    `adapter` is the effective adapter: the merchant's adapter with its policy override at `now`, if it has one.
    `unlimited_result` is what its policy grants before the credit limit applies; `result` is the same reduced to the
    available part of `credit_limit`. `requested` counts against the consent's maximum amount. `point_of_sale` is where
    the ask comes from, if from a store. `override` is the merchant's override of the policy, if it has one. `shadow` is
    the result of a shadow policy, which is evaluated and logged but decides nothing; {} without one. `forced` is the
    rule that decides instead of the policy, if there is one; `forced_later` is the outcome that the person has in a
    while, if it is delayed.
    """

    adapter: MerchantAdapter[Any]
    ask: object
    now: BusinessTime
    purpose: str
    requested: Money
    point_of_sale: PointOfSale | None
    measurement: Measurement
    person: Person
    credit_limit: Money
    unlimited_result: AdapterResult
    result: AdapterResult
    override: PolicyOverride | None = None
    shadow: Mapping[str, Any] = field(default_factory=dict)
    forced: Rule | None = None
    forced_later: OutcomeOverride | None = None

    def fit(self, available: Money) -> "Assessment":
        """The assessment with its result reduced to this available limit."""
        adapter, full = self.adapter, self.unlimited_result
        if self.forced is not None:
            return replace(self, result=fit_forced_approval(adapter, self.ask, self.now, full, available))
        result = fit_to_available_limit(adapter, self.ask, self.person, self.now, full, available)
        return replace(self, result=result)

    def without_starter(self) -> "Assessment":
        """The assessment of the same ask for the same person who is no starter any more. Its result is not yet reduced
        to the available limit."""
        person = replace(self.person, starter=False)
        if self.forced is not None:
            return replace(self, person=person)
        result = self.adapter.decide(self.ask, person, self.now)
        return replace(self, person=person, unlimited_result=result, result=result)

    def by_rule(self, rule: Rule) -> "Assessment":
        """The assessment with the result of a forced rule. Raises InvalidInput if the rule approves, but no rule of the
        policy does."""
        result = force_result(self.adapter, self.ask, self.result, rule, self.now)
        return replace(self, unlimited_result=result, result=result, forced=rule, forced_later=None)

    def by_override(self, override: OutcomeOverride) -> "Assessment":
        """The assessment with the outcome that is fixed for the person. An approval is not yet reduced to the available
        limit. Raises InvalidInput as `by_rule`."""
        later = override if override.delay is not None else None
        return replace(self.by_rule(override.first_rule), forced_later=later)

    def summary(self) -> dict[str, Any]:
        """Tier, overdue obligations, breaches and outcome as a document, for the sealed part of a log entry. Has
        `starter` only if it is true."""
        return {
            "tier": self.person.tier,
            "open_overdue": self.person.open_overdue,
            "open_breaches": self.person.open_breaches,
            **({"starter": True} if self.person.starter else {}),
            "outcome": self.result.outcome.document(),
        }


class Assessor:
    """Assesses an ask: consent, score, policy, available limit. Reads only. `fixed_outcomes` is whether a person can
    have outcomes that are fixed, as personas of a sandbox can."""

    def __init__(
        self,
        registry: AdapterRegistry,
        credit_limits: CreditLimits,
        overrides: OverrideService,
        *,
        fixed_outcomes: bool = False,
    ) -> None:
        self._registry, self._credit_limits, self._overrides = registry, credit_limits, overrides
        self._fixed_outcomes = fixed_outcomes

    def effective_adapter(
        self, unit: UnitOfWork, merchant_id: str, key: str, now: BusinessTime
    ) -> MerchantAdapter[Any]:
        """The adapter with this key, with the merchant's override in force at `now`. Raises NotFound if it is no longer
        installed."""
        adapter = self._registry.get(key)
        if adapter is None:
            raise NotFound(f"The adapter {key} is not loaded.")
        return self._overrides.effective_adapter(unit, merchant_id, adapter, now)

    def find_adapter(self, unit: UnitOfWork, merchant_id: str, member: str) -> MerchantAdapter[Any]:
        """The merchant's adapter for a member of DecisionAsk. Raises InvalidInput (PRODUCT_NOT_ENABLED)."""
        adapter = self._registry.select_adapter(member, unit.merchants.list_enabled_adapters(merchant_id))
        if adapter is None:
            raise InvalidInput("PRODUCT_NOT_ENABLED", "This product is not enabled for the merchant.", ("ask", member))
        return adapter

    def assess(
        self,
        unit: UnitOfWork,
        principal: Principal,
        adapter: MerchantAdapter[Any],
        ask: object,
        purpose: str | None,
        score: FetchedScore,
    ) -> Assessment:
        """The assessment of the ask as of the principal's business time. Raises InvalidInput, ConsentRefused,
        Unavailable, with field paths relative to the mutation's input."""
        consent, now = require_consent(principal), principal.now
        purpose = require_purpose(purpose).code if purpose is not None else adapter.default_purpose
        try:
            adapter.check(ask, now)
            requested, point_of_sale = adapter.requested_amount(ask), adapter.point_of_sale(ask)
        except GatewayError as error:
            raise error.with_prefix("ask", adapter.member) from None
        require_covered(unit, consent, adapter.product, purpose, requested, point_of_sale, now)
        measurement = add_obligations(unit, require_measurement(score), consent.user_id, now)
        override = self._overrides.load_override(unit, principal.merchant_id, adapter, now)
        effective = adapter if override is None else with_override(adapter, override, now)
        credit_limit = self.credit_limit(measurement.tier, requested.currency)
        exposures = unit.decisions.load_exposures(consent.user_id, credit_limit.currency, now)
        has_exposure = any(exposure.minor for exposure in exposures.values())
        person = Person.of(measurement, has_exposure=has_exposure)
        unlimited_result = effective.decide(ask, person, now)
        available = find_available_limit(exposures, principal.merchant_id, credit_limit)
        assessment = Assessment(
            adapter=effective,
            ask=ask,
            now=now,
            purpose=purpose,
            requested=requested,
            point_of_sale=point_of_sale,
            measurement=measurement,
            person=person,
            credit_limit=credit_limit,
            unlimited_result=unlimited_result,
            result=unlimited_result,
            override=override,
        )
        if self._fixed_outcomes:
            fixed = find_override(unit.users.load_overrides(consent.user_id), adapter.product)
            assessment = assessment if fixed is None else assessment.by_override(fixed)
        return assessment.fit(available)

    def credit_limit(self, tier: Tier, currency: str) -> Money:
        """The credit limit of a tier."""
        return self._credit_limits.limit(tier, currency)


def add_obligations(unit: UnitOfWork, measurement: Measurement, user_id: str, now: BusinessTime) -> Measurement:
    """The measurement, with the person's open overdue obligations and breaches in this deployment added to its
    counts."""
    overdue, breaches = unit.decisions.count_against(user_id, now)
    return replace(
        measurement,
        open_overdue=measurement.open_overdue + overdue,
        open_breaches=measurement.open_breaches + breaches,
    )


def find_available_limit(exposures: Mapping[str, Money], merchant_id: str, credit_limit: Money) -> Money:
    """The part of the person's credit limit that this merchant can still use. `exposures` is the person's exposure by
    merchant id. The exposure at each other merchant is rounded up, so that a merchant cannot learn its exact amount."""
    here = exposures.get(merchant_id, Money.zero(credit_limit.currency))
    elsewhere = (exposure for other, exposure in exposures.items() if other != merchant_id)
    return available_limit(credit_limit, here, elsewhere)


def require_covered(
    unit: UnitOfWork,
    consent: Consent,
    product: Product,
    purpose: str,
    requested: Money,
    point_of_sale: PointOfSale | None,
    now: BusinessTime,
    *,
    except_for: Decision | None = None,
) -> None:
    """Raises ConsentRefused unless the consent covers one more decision in addition to those already made under it.
    `except_for` is a decision in manual review, which is not counted."""
    consent.require_active(now)
    reviewed = except_for.state.id if except_for else ""
    consent.require_unused(consent.single_use and unit.decisions.is_consent_used(consent.id, except_for=reviewed))
    committed = unit.decisions.load_committed(consent.id, requested.currency, now, except_for=except_for)
    consent.require_covers(product, purpose, requested, committed, now, point_of_sale)


def require_consent(principal: Principal) -> Consent:
    """The consent of a user token. Raises InvalidInput for a merchant token."""
    if principal.consent is None:
        raise InvalidInput("INVALID", "A decision needs a user's token.")
    return principal.consent
