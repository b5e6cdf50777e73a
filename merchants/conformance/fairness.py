"""Requirements that compare outcomes: by tier, amount and available limit, and with an overdue obligation."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.available_limit import fit_to_available_limit
from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import (
    amount_field,
    boundary_asks,
    decide_sample,
    describe_person,
    ordered_persons,
    sample_persons,
)
from merchants.outcome_order import is_no_worse
from merchants.person import OVERDUE

LIMIT_PERCENTAGES = (1, 30, 70, 99)
"""The available limits that are tried, in percent of the requested amount."""


@requirement("better tier never gets worse outcome")
def tier_monotonicity(adapter: Adapter) -> Iterator[str]:
    """A better tier gets an outcome that is no worse in any part of the terms. A starter gets no better outcome than
    FAIR, and no worse one than a person of the same tier who is no starter."""
    for version in policy_versions(adapter):
        persons, pairs = sample_persons(version), list(ordered_persons(version))
        for ask in boundary_asks(version):
            outcomes = {person: decide_sample(version, ask, person) for person in persons}
            yield from (f"{ask}: {problem}" for problem in _unfair_pairs(outcomes, pairs))


@requirement("better tier never gets worse outcome within available limit")
def available_limit_monotonicity(adapter: Adapter) -> Iterator[str]:
    """If the available limit is short, a better tier gets no worse outcome, no approval exceeds the limit, a smaller
    limit gives no better outcome, and a part is granted if the merchant accepts one. Starters as in
    `tier_monotonicity`."""
    partial_approvals = 0
    for version in policy_versions(adapter):
        persons, pairs = sample_persons(version), list(ordered_persons(version))
        for ask in boundary_asks(version):
            for percent in LIMIT_PERCENTAGES:
                limit = version.requested_amount(ask).share(percent)
                outcomes: dict[Person, Outcome] = {}
                for person in persons:
                    full, name = version.decide(ask, person, SAMPLE_NOW), describe_person(person)
                    outcome = fit_to_available_limit(version, ask, person, SAMPLE_NOW, full, limit).outcome
                    if isinstance(outcome, Approval):
                        if outcome.terms.exposed > limit:
                            yield f"{ask}: {name} was granted more than the available limit {limit}"
                        if not is_no_worse(full.outcome, outcome):
                            yield f"{ask}: {name} got a better outcome with a smaller available limit"
                        partial_approvals += outcome != full.outcome
                    outcomes[person] = outcome
                yield from (f"{ask}: with {limit} available, {each}" for each in _unfair_pairs(outcomes, pairs))
    accepts_no_part = all(adapter.all_or_nothing_reason(ask) for ask in adapter.sample_asks())
    if not partial_approvals and not accepts_no_part:
        yield "no part is granted when the available limit is short, although the merchant accepts a part"
    if partial_approvals and accepts_no_part:
        yield "a part is granted when the available limit is short, although the merchant accepts no part"


@requirement("larger ask never gets larger share")
def share_monotonicity(adapter: Adapter) -> Iterator[str]:
    """Of two asks that differ in the amount alone, the larger one does not get a larger share of its amount."""
    for version in policy_versions(adapter):
        ladders: defaultdict[str, list[Any]] = defaultdict(list)
        for ask in boundary_asks(version):
            ladders[_without_amount(version, ask)].append(ask)
        comparisons = 0
        persons = sample_persons(version)
        for ladder in ladders.values():
            ladder.sort(key=lambda ask: version.divisible_amount(ask).minor)
            for person in persons:
                grants = [(version.divisible_amount(ask).minor, _granted_minor(version, ask, person)) for ask in ladder]
                for (amount, granted), (larger_amount, larger_granted) in pairwise(grants):
                    comparisons += amount < larger_amount
                    # shares are rounded down, so the smaller ask may have lost up to one minor unit
                    if larger_granted * amount >= (granted + 1) * larger_amount:
                        name = describe_person(person)
                        yield f"{name}: {amount} got {granted}, but {larger_amount} a larger share: {larger_granted}"
        if not comparisons:
            yield "sample_asks() must return asks that differ in the amount alone"


@requirement("overdue is never approved")
def overdue_declined(adapter: Adapter) -> Iterator[str]:
    """A person with an open overdue obligation or an open breach is declined in every tier. The reason of a breach does
    not say that something is overdue."""
    for version in policy_versions(adapter):
        for ask in boundary_asks(version):
            for tier in Tier:
                outcome = decide_sample(version, ask, Person(tier, 1))
                if not isinstance(outcome, Decline):
                    yield f"{ask}: {tier} with an open overdue obligation got {outcome}"
                outcome = decide_sample(version, ask, Person(tier, 0, 1))
                if not isinstance(outcome, Decline):
                    yield f"{ask}: {tier} with an open breach got {outcome}"
                elif OVERDUE in outcome.reasons:
                    yield f"{ask}: {tier} with an open breach and nothing overdue got the reason {OVERDUE}"


def _unfair_pairs(outcomes: Mapping[Person, Outcome], pairs: Iterable[tuple[Person, Person]]) -> Iterator[str]:
    """Yields a sentence for each pair of which the second person got a worse outcome."""
    for lower, higher in pairs:
        if not is_no_worse(outcomes[higher], outcomes[lower]):
            names = describe_person(lower), describe_person(higher)
            yield f"{names[0]} got {outcomes[lower]}, but {names[1]} got {outcomes[higher]}"


def _granted_minor(adapter: Adapter, ask: Any, person: Person) -> int:
    """The granted part of the divisible amount, in minor units. 0 without an approval."""
    outcome = decide_sample(adapter, ask, person)
    if not isinstance(outcome, Approval):
        return 0
    return (outcome.terms.waived_amount if isinstance(outcome.terms, CheckInTerms) else outcome.terms.exposed).minor


def _without_amount(adapter: Adapter, ask: Any) -> str:
    """The document of the ask without its amount."""
    amount = amount_field(adapter)
    member = next(field.member for field in adapter.ask_fields if field.name == amount)
    return json.dumps({name: value for name, value in adapter.ask_document(ask).items() if name != member})
