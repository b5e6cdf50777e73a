"""Unreachable rules of a decision table are refused, and compiled rules match like their cells."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.column import Cell
from gateway.domain.scoring.tier import Tier
from tests.support.policy import DAY, FACTS, LAST, approve, decline, table, yuan

UNREACHABLE = [
    (Cell("tier", at_least=Tier.GOOD), Cell("tier", at_least=Tier.VERY_GOOD)),
    (Cell("tier", at_least=Tier.GOOD), Cell("tier", one_of=(Tier.GOOD, Tier.EXCELLENT))),
    (Cell("tier", one_of=(Tier.VERY_GOOD, Tier.EXCELLENT)), Cell("tier", at_least=Tier.VERY_GOOD)),
    (Cell("amount", at_most=yuan(500)), Cell("amount", at_least=yuan(1), at_most=yuan(500))),
    (Cell("overdue", one_of=(1, 2, 3)), Cell("overdue", at_least=1, at_most=3)),
    (Cell("overdue", at_least=1), Cell("overdue", one_of=(1, 4))),
    (Cell("wait", at_least=DAY), Cell("wait", at_least=2 * DAY)),
    (Cell("member", is_=True), Cell("member", is_=True)),
    (Cell("category", one_of=("a", "b")), Cell("category", one_of=("b",))),
    (Cell("tier", at_least=Tier.UNSCORED), Cell("overdue", at_least=1)),
    (Cell("amount", at_least=yuan(0)), Cell("overdue", at_least=1)),
]


@pytest.mark.parametrize(("earlier", "later"), UNREACHABLE)
def test_rule_that_an_earlier_rule_covers_is_refused(earlier: Cell, later: Cell) -> None:
    with pytest.raises(Misconfigured, match=r"'later': is unreachable: rule 'earlier'"):
        table(approve("earlier", earlier), decline("later", later), LAST)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Cell("tier", at_least=Tier.VERY_GOOD), Cell("tier", at_least=Tier.GOOD)),
        (Cell("tier", at_least=Tier.VERY_GOOD), Cell("overdue", at_least=1)),
        (Cell("overdue", one_of=(1, 2)), Cell("overdue", at_least=1)),
        (Cell("overdue", one_of=(1, 2)), Cell("overdue", at_least=1, at_most=3)),
        (Cell("amount", at_most=yuan(500)), Cell("amount", at_most=yuan(501))),
        (Cell("category", one_of=("a",)), Cell("member", is_=True)),
    ],
)
def test_reachable_rule_is_accepted(earlier: Cell, later: Cell) -> None:
    assert table(approve("earlier", earlier), decline("later", later), LAST).rules[1].id == "later"


tier_cells = st.builds(lambda tiers: Cell("tier", one_of=tuple(tiers)), st.sets(st.sampled_from(Tier), min_size=1))
count_cells = st.builds(
    lambda low, more: Cell("overdue", at_least=low, at_most=low + more), st.integers(0, 4), st.integers(0, 3)
)
whens = st.lists(st.one_of(tier_cells, count_cells), min_size=1, max_size=2, unique_by=lambda cell: cell.column)


def _matches(cell: Cell, facts: Mapping[str, Any]) -> bool:
    value = facts[cell.column]
    if cell.one_of is not None:
        return value in cell.one_of
    low, high = cell.at_least, cell.at_most
    return isinstance(low, int) and isinstance(high, int) and low <= value <= high


@given(st.lists(whens, max_size=4), st.sampled_from(Tier), st.integers(0, 8))
def test_compiled_rules_match_like_their_cells(rows: list[list[Cell]], tier: Tier, overdue: int) -> None:
    rules = [approve(str(number), *when) for number, when in enumerate(rows)]
    facts = {**FACTS, "tier": tier, "overdue": overdue}
    expected = next((rule.id for rule in rules if all(_matches(cell, facts) for cell in rule.when)), "last")
    try:
        policy = table(*rules, LAST)
    except Misconfigured:  # an earlier rule covers one of the rules, or it equals the last
        return
    assert policy.decide(facts).rule_id == expected


@given(whens, whens)
def test_rule_is_refused_exactly_if_an_earlier_rule_covers_it(first: list[Cell], second: list[Cell]) -> None:
    every = [{**FACTS, "tier": tier, "overdue": overdue} for tier in Tier for overdue in range(12)]
    is_covered = all(
        all(_matches(cell, facts) for cell in first) for facts in every if all(_matches(cell, facts) for cell in second)
    )
    try:
        table(approve("first", *first), approve("second", *second), LAST)
        refused = False
    except Misconfigured:
        refused = True
    assert refused is is_covered or _matches_all(second)


def _matches_all(when: list[Cell]) -> bool:
    return all(cell.one_of is not None and len(cell.one_of) == len(Tier) for cell in when)
