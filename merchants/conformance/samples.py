"""The asks with which adapters are checked: their sample asks, also with the amounts at which their policies change."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from gateway.domain.decisions.outcome import Outcome
from gateway.domain.errors import GatewayError
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.conformance.requirement import Adapter
from merchants.person import STARTER, STARTER_TIERS

SCORED_TIERS = tuple(tier for tier in Tier if tier is not Tier.UNSCORED)


@dataclass(frozen=True, slots=True)
class SampleDecision:
    """The outcome of one boundary ask for one person, and the policy rule that decided."""

    ask: Any
    person: Person
    outcome: Outcome
    rule_id: str


def decide_samples(adapter: Adapter) -> Iterator[SampleDecision]:
    """Decides every boundary ask for every sample person."""
    persons = sample_persons(adapter)
    for ask in boundary_asks(adapter):
        for person in persons:
            result = adapter.decide(ask, person, SAMPLE_NOW)
            yield SampleDecision(ask, person, result.outcome, result.policy_result.rule_id)


def sample_persons(adapter: Adapter) -> list[Person]:
    """A person of every tier without overdue obligations, and the sample starters."""
    return [Person(tier, 0) for tier in Tier] + sample_starters(adapter)


def sample_starters(adapter: Adapter) -> list[Person]:
    """A starter of each tier that has starters, lowest tier first. Empty if no policy of the adapter tests whether a
    person is a starter: then a starter gets what everybody of the tier gets."""
    if not any(STARTER in table.tested_columns for table in adapter.policies):
        return []
    return [Person(tier, 0, starter=True) for tier in STARTER_TIERS]


def ordered_persons(adapter: Adapter) -> Iterator[tuple[Person, Person]]:
    """Yields pairs of sample persons of which the second must get an outcome that is no worse: that of a better tier,
    where every starter is below FAIR, and a starter compared with a person of the same tier who is none."""
    yield from pairwise(Person(tier, 0) for tier in SCORED_TIERS)
    starters = sample_starters(adapter)
    if starters:
        yield from pairwise([*starters, Person(Tier.FAIR, 0)])
        yield from ((replace(starter, starter=False), starter) for starter in starters)


def describe_person(person: Person) -> str:
    """The tier of a sample person, and whether it is a starter, for findings."""
    return f"{person.tier} starter" if person.starter else str(person.tier)


def decide_sample(adapter: Adapter, ask: Any, person: Person) -> Outcome:
    """The outcome of an ask at SAMPLE_NOW."""
    return adapter.decide(ask, person, SAMPLE_NOW).outcome


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
