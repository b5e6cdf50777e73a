"""Backtests: the same policy changes nothing, and a stricter policy never improves an outcome."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.domain.policies.comparison import ComparisonCounts, ResultComparison, SkipReason
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.transitions import CancelCommand
from gateway.services.policies import history as policy_history
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.asks import car, order, request_command
from tests.support.demo_world import DemoWorld
from tests.support.policy import with_rules

POLICY = CarRental.policy
STATUSES = (Status.DECLINED, Status.APPROVED)
HANDLES = ("excellent", "threshold", "just-below", "good", "fair", "building", "unscored", "overdue")
DEPOSITS = ("200.00", "3000.00", "12000.00", "15000.00")


@pytest.fixture
def history(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> DemoWorld:
    """A world in which every persona has requested small and large deposits, beyond its available limit."""
    monkeypatch.setattr(policy_history, "BATCH", 5)
    for handle in HANDLES:
        acting = world.user_token(world.grant(handle))
        for number, deposit in enumerate(DEPOSITS):
            ask = car(world.clock(), deposit, reduction=number != 1)
            world.requester.request(acting, request_command(ask, f"{handle}-{number}", f"{handle}-{number}"))
    return world


def table(rules: list[Rule]) -> DecisionTable:
    return with_rules(POLICY, rules)


def backtest(
    world: DemoWorld, policy: DecisionTable, since: datetime | None = None
) -> list[ResultComparison | SkipReason]:
    start = BusinessTime(since) if since else None
    return list(world.policies.backtest(world.registry["car_rental"], policy, start))


def compared(world: DemoWorld, policy: DecisionTable, since: datetime | None = None) -> list[ResultComparison]:
    return [each for each in backtest(world, policy, since) if isinstance(each, ResultComparison)]


def test_same_policy_changes_nothing(history: DemoWorld) -> None:
    everything = compared(history, POLICY)

    assert len({each.decision_id for each in everything}) == len(everything) == len(HANDLES) * len(DEPOSITS)
    assert [each for each in everything if each.changed] == []
    assert [each for each in everything if each.before.rule_id != each.after.rule_id] == []
    assert {each.tier for each in everything} == set(Tier)
    assert {each.before.status for each in everything} == {Status.APPROVED, Status.DECLINED}


def test_backtest_ignores_the_available_limit(history: DemoWorld) -> None:
    rows = history.rows("SELECT id, outcome FROM decisions")
    full = {row.id for row in rows if LIMIT_REACHED in str(row.outcome)}
    assert full

    comparisons = [each for each in compared(history, POLICY) if each.decision_id in full]

    assert len(comparisons) == len(full)
    assert {each.before.status for each in comparisons} == {Status.APPROVED}
    assert all(each.before.exposed.minor for each in comparisons)


def test_stricter_policy_never_improves_an_outcome(history: DemoWorld) -> None:
    shares, caps = some.integers(1, 100), some.integers(1, 1_000_000)
    # Not REFER: if the merchant accepts no part, a manual review is better than the decline of a partial approval.
    turns = some.sampled_from((Verdict.APPROVE, Verdict.DECLINE))
    stricter = some.dictionaries(some.sampled_from([r.id for r in POLICY.rules]), some.tuples(shares, caps, turns))

    @settings(max_examples=20, deadline=None)
    @given(stricter)
    def only_worsens(changes: dict[str, tuple[int, int, Verdict]]) -> None:
        made = table([_stricter(rule, *changes[rule.id]) if rule.id in changes else rule for rule in POLICY.rules])
        for each in compared(history, made):
            before, after = each.before, each.after
            assert after.exposed <= before.exposed
            assert STATUSES.index(after.status) <= STATUSES.index(before.status)

    only_worsens()


def _stricter(rule: Rule, share: int, cap: int, verdict: Verdict) -> Rule:
    """A rule with the same tests that grants no more than `rule`."""
    if rule.verdict is not Verdict.APPROVE:
        return rule
    assert rule.share is not None
    assert rule.maximum is not None
    if verdict is not Verdict.APPROVE:
        return Rule(id=rule.id, when=rule.when, verdict=verdict, reasons=("TIER_BELOW_REQUIRED",))
    return Rule(
        id=rule.id,
        when=rule.when,
        verdict=verdict,
        share=min(share, rule.share),
        maximum=min(Money(cap, "CNY"), rule.maximum),
        reasons=rule.reasons or ("REDUCED_FOR_TIER",),
    )


def test_changes_are_counted_by_tier(history: DemoWorld) -> None:
    rules = [rule if rule.id != "fair" else _stricter(rule, 1, 1, Verdict.DECLINE) for rule in POLICY.rules]
    tally = ComparisonCounts()
    for each in backtest(history, table(rules)):
        tally.add(each)

    assert tally.compared == len(HANDLES) * len(DEPOSITS)
    groups = list(tally.groups())
    assert {group.tier for group in groups} == {Tier.FAIR}
    assert [(group.before, group.after) for group in groups] == [
        (Status.APPROVED, Status.DECLINED),
        (Status.DECLINED, Status.DECLINED),  # the ask that accepts no part: its reason changes
    ]
    # A fifth of 200, 12,000 and 15,000. The last two are capped at 2,000.
    assert str(groups[0].exposed_before) == "4040.00 CNY"
    assert str(groups[0].exposed_after) == "0.00 CNY"
    assert (tally.changed, sum(group.count for group in groups)) == (4, 4)


def test_renamed_rule_is_no_change(history: DemoWorld) -> None:
    rules = [Rule(**{**_fields(rule), "id": f"my-{rule.id}"}) for rule in POLICY.rules]
    assert [each for each in compared(history, table(rules)) if each.changed] == []


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def test_backtest_starts_at_since(history: DemoWorld) -> None:
    history.clock.advance(days=1)
    late = history.clock()
    acting = history.user_token(history.grant("building"))
    decision = history.requester.request(acting, request_command(car(late), "late", "late")).decision

    assert [each.decision_id for each in compared(history, POLICY, since=late)] == [decision.id]
    assert compared(history, POLICY, since=late + timedelta(seconds=1)) == []


def test_backtest_ignores_requests_of_other_adapters(history: DemoWorld) -> None:
    acting = history.user_token(history.grant("good", client=history.client("online_shop")))
    before = backtest(history, POLICY)
    history.requester.request(acting, request_command(order(), "shop", "shop"))

    assert backtest(history, POLICY) == before


def test_backtest_ignores_later_transitions(history: DemoWorld) -> None:
    before = backtest(history, POLICY)
    first = next(each for each in compared(history, POLICY) if each.before.exposed.minor)
    history.transitions.cancel(history.merchant_token(), CancelCommand(first.decision_id, "cancel", "Changed plans"))

    assert backtest(history, POLICY) == before


def test_decisions_with_destroyed_keys_are_counted_as_sealed(history: DemoWorld) -> None:
    history.execute(f"DELETE FROM user_keys WHERE user_id = '{history.user('good')}'")

    comparisons = backtest(history, POLICY)

    assert comparisons.count(SkipReason.SEALED) == len(DEPOSITS)
    assert Tier.GOOD not in {each.tier for each in comparisons if isinstance(each, ResultComparison)}
    tally = ComparisonCounts()
    for each in comparisons:
        tally.add(each)
    assert (tally.compared, tally.skipped[SkipReason.SEALED]) == (len(comparisons) - len(DEPOSITS), len(DEPOSITS))


def test_unreadable_asks_are_counted(history: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def facts(*_: object) -> dict[str, Any]:
        return {"tier": Tier.GOOD}

    monkeypatch.setattr(CarRental, "facts", facts)
    assert set(backtest(history, POLICY)) == {SkipReason.UNREADABLE}


def test_backtest_writes_nothing(history: DemoWorld) -> None:
    before = history.contents()
    backtest(history, POLICY)
    assert history.contents() == before


def test_policy_in_another_currency_compares_nothing(history: DemoWorld) -> None:
    text = 'policy = "p"\nversion = "1"\neffective = 2026-11-01\ncurrency = "EUR"\n[[rule]]\nid = "all"\nrefer = {}\n'
    euro = read_table(text, POLICY.columns, "euro.toml")
    assert set(backtest(history, euro)) == {SkipReason.UNREADABLE}
