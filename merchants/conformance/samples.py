"""The asks with which adapters are checked: their sample asks, also with the amounts at which their policies change."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.decisions.outcome import Outcome
from gateway.domain.errors import GatewayError
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.conformance.requirement import Adapter

SCORED_TIERS = tuple(tier for tier in Tier if tier is not Tier.UNSCORED)


@dataclass(frozen=True, slots=True)
class SampleDecision:
    """The outcome of one boundary ask for one person, and the policy rule that decided."""

    ask: Any
    person: Person
    outcome: Outcome
    rule_id: str


def decide_samples(adapter: Adapter) -> Iterator[SampleDecision]:
    """Decides every boundary ask for every tier, without overdue obligations."""
    for ask in boundary_asks(adapter):
        for tier in Tier:
            person = Person(tier, 0)
            result = adapter.decide(ask, person, SAMPLE_NOW)
            yield SampleDecision(ask, person, result.outcome, result.policy_result.rule_id)


def decide_sample(adapter: Adapter, ask: Any, tier: Tier, open_overdue: int = 0, open_breaches: int = 0) -> Outcome:
    """The outcome of an ask at SAMPLE_NOW."""
    return adapter.decide(ask, Person(tier, open_overdue, open_breaches), SAMPLE_NOW).outcome


def amount_field(adapter: Adapter) -> str:
    """The name of the field that holds the requested amount: the first one of type Money."""
    return next(field.name for field in adapter.ask_fields if field.type is Money)


def boundary_asks(adapter: Adapter) -> list[Any]:
    """The adapter's sample asks, and copies of them with other amounts.

    These are the amounts at which the outcome of its policies changes, and one minor unit less and more. Omits asks
    that the adapter rejects.
    """
    asks = list(adapter.sample_asks())
    amount, currency = amount_field(adapter), adapter.policy.currency
    seen = {json.dumps(adapter.ask_document(ask)) for ask in asks}
    around = {minor + step for table in adapter.policies for minor in _boundaries(table) for step in (-1, 0, 1)}
    boundaries = sorted(minor for minor in around if 0 < minor <= MAX_MINOR)
    for ask in list(asks):
        for minor in boundaries:
            other = replace(ask, **{amount: Money(minor, currency)})
            if (text := json.dumps(adapter.ask_document(other))) not in seen and _is_accepted(adapter, other):
                seen.add(text)
                asks.append(other)
    return asks


def _boundaries(table: DecisionTable) -> Iterator[int]:
    """The amounts (minor units) at which a share reaches its maximum, and those with which a rule compares."""
    for rule in table.rules:
        if rule.maximum is not None and rule.share:
            yield rule.maximum.minor
            yield -(-rule.maximum.minor * 100 // rule.share)
        for cell in rule.when:
            yield from (value.minor for value in cell.tests.values() if isinstance(value, Money))


def _is_accepted(adapter: Adapter, ask: Any) -> bool:
    try:
        adapter.check(ask, SAMPLE_NOW)
    except GatewayError:
        return False
    return True
