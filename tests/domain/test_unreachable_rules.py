"""Unreachable rules of a decision table are refused, and compiled rules match like their cells."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Misconfigured
from gateway.domain.money import Money
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


@given(st.lists(whens, max_size=5))
def test_f9_table_is_refused_exactly_if_earlier_rules_cover_a_rule(rows: list[list[Cell]]) -> None:
    every = [{**FACTS, "tier": tier, "overdue": overdue} for tier in Tier for overdue in range(12)]
    deciding = {
        next((number for number, when in enumerate(rows) if all(_matches(cell, facts) for cell in when)), len(rows))
        for facts in every
    }
    try:
        table(*(approve(str(number), *when) for number, when in enumerate(rows)), LAST)
        is_refused = False
    except Misconfigured:
        is_refused = True
    assert is_refused is (len(deciding) < len(rows) + 1)


TIER_HALVES = (Cell("tier", at_most=Tier.FAIR), Cell("tier", at_least=Tier.GOOD))


@pytest.mark.parametrize(
    ("earlier", "later", "covering"),
    [
        pytest.param(TIER_HALVES, [Cell("member", is_=True)], "'0' and '1'", id="F9-tiers"),
        pytest.param(
            (Cell("member", is_=True), Cell("member", is_=False)),
            [Cell("overdue", at_least=1)],
            "'0' and '1'",
            id="F9-flags",
        ),
        pytest.param(
            (Cell("amount", at_most=yuan(500)), Cell("amount", at_least=yuan(500) + Money(1, "CNY"))),
            [Cell("tier", at_least=Tier.GOOD)],
            "'0' and '1'",
            id="F9-amounts-meet",
        ),
        pytest.param(
            (Cell("wait", at_most=DAY), Cell("wait", at_least=DAY + timedelta(microseconds=1))),
            [Cell("tier", at_least=Tier.GOOD)],
            "'0' and '1'",
            id="F9-durations-meet",
        ),
        pytest.param(
            (Cell("overdue", one_of=(0, 2)), Cell("overdue", one_of=(1, 3)), Cell("overdue", at_least=4)),
            [Cell("tier", at_least=Tier.GOOD)],
            "'0' and '1' and '2'",
            id="F9-counts",
        ),
        pytest.param(
            (Cell("category", one_of=("a",)), Cell("category", one_of=("b", "c")), Cell("member", is_=True)),
            [Cell("category", one_of=("a", "b"))],
            "'0' and '1'",
            id="F9-words-without-the-rule-that-adds-nothing",
        ),
    ],
)
def test_rule_that_earlier_rules_cover_together_is_refused_with_their_names(
    earlier: tuple[Cell, ...], later: list[Cell], covering: str
) -> None:
    rules = [approve(str(number), cell) for number, cell in enumerate(earlier)]
    with pytest.raises(Misconfigured) as refused:
        table(*rules, decline("later", *later), LAST)
    assert str(refused.value) == (
        f"test.toml: rule 'later': is unreachable: rules {covering} together match whenever it would"
    )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param(
            (Cell("amount", at_most=yuan(500)), Cell("amount", at_least=yuan(500) + Money(2, "CNY"))),
            Cell("tier", at_least=Tier.GOOD),
            id="F9-a-cent-between",
        ),
        pytest.param(
            (Cell("wait", at_most=DAY), Cell("wait", at_least=DAY + timedelta(microseconds=2))),
            Cell("tier", at_least=Tier.GOOD),
            id="F9-a-microsecond-between",
        ),
        pytest.param(
            (Cell("category", one_of=("a",)), Cell("category", one_of=("b",))),
            Cell("tier", at_least=Tier.GOOD),
            id="F9-other-words",
        ),
        pytest.param(
            (Cell("overdue", one_of=(0, 1)), Cell("overdue", at_least=3)), Cell("member", is_=True), id="F9-a-count"
        ),
    ],
)
def test_rule_that_earlier_rules_leave_a_case_is_accepted(earlier: tuple[Cell, ...], later: Cell) -> None:
    rules = [approve(str(number), cell) for number, cell in enumerate(earlier)]
    assert table(*rules, decline("later", later), LAST).rules[-2].id == "later"


def test_f9_last_rule_that_is_never_reached_is_refused() -> None:
    rules = [approve(str(number), cell) for number, cell in enumerate(TIER_HALVES)]
    with pytest.raises(Misconfigured, match=r"rule 'last': is unreachable: rules '0' and '1' together match"):
        table(*rules, LAST)


def test_f9_check_that_takes_too_many_steps_refuses_the_table() -> None:
    cells = [
        (Cell("amount", at_least=yuan(low), at_most=yuan(low)), Cell("overdue", at_least=low, at_most=low))
        for low in range(1, 600)
    ]
    with pytest.raises(Misconfigured, match=r"cannot be checked: .* takes more than 100000 steps"):
        table(*(approve(str(number), *when) for number, when in enumerate(cells)), LAST)


def test_f9_many_ordinary_rules_are_checked() -> None:
    cells = [
        (Cell("tier", at_least=tier), Cell("amount", at_most=yuan(10 * step)))
        for tier in [*Tier][:0:-1]
        for step in range(1, 21)
    ]
    assert len(table(*(approve(str(number), *when) for number, when in enumerate(cells)), LAST).rules) == 101
