"""Backtests over what was really decided: the same policy changes nothing, a stricter one only worsens."""

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
from tests.services.asks import asking, car, order
from tests.support.demo_world import DemoWorld
from tests.support.policy import with_rules

POLICY = CarRental.policy
STATUSES = (Status.DECLINED, Status.APPROVED)
HANDLES = ("excellent", "threshold", "just-below", "good", "fair", "building", "unscored", "overdue")
DEPOSITS = ("200.00", "3000.00", "12000.00", "15000.00")


@pytest.fixture
def history(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> DemoWorld:
    """A world in which every persona has asked for deposits small and large, until its available limit was too low."""
    monkeypatch.setattr(policy_history, "BATCH", 5)
    for handle in HANDLES:
        acting = world.acting(world.grant(handle))
        for number, deposit in enumerate(DEPOSITS):
            ask = car(world.clock(), deposit, reduction=number != 1)
            world.requester.request(acting, asking(ask, f"{handle}-{number}", f"{handle}-{number}"))
    return world


def table(rules: list[Rule]) -> DecisionTable:
    return with_rules(POLICY, rules)


def backtest(
    world: DemoWorld, policy: DecisionTable, since: datetime | None = None
) -> list[ResultComparison | SkipReason]:
    start = BusinessTime(since) if since else None
    return list(world.policies.backtest(world.registry["car_rental"], policy, start))


def compared(world: DemoWorld, policy: DecisionTable, since: datetime | None = None) -> list[ResultComparison]:
    return [one for one in backtest(world, policy, since) if isinstance(one, ResultComparison)]


def test_the_same_policy_changes_nothing(history: DemoWorld) -> None:
    everything = compared(history, POLICY)

    assert len({one.decision_id for one in everything}) == len(everything) == len(HANDLES) * len(DEPOSITS)
    assert [one for one in everything if one.changed] == []
    assert [one for one in everything if one.before.rule_id != one.after.rule_id] == []
    assert {one.tier for one in everything} == set(Tier)
    assert {one.before.status for one in everything} == {Status.APPROVED, Status.DECLINED}


def test_what_found_no_room_counts_as_what_its_policy_had_said(history: DemoWorld) -> None:
    rows = history.rows("SELECT id, outcome FROM decisions")
    full = {row.id for row in rows if LIMIT_REACHED in str(row.outcome)}
    assert full

    found = [one for one in compared(history, POLICY) if one.decision_id in full]

    assert len(found) == len(full)
    assert {one.before.status for one in found} == {Status.APPROVED}
    assert all(one.before.exposed.minor for one in found)


def test_a_stricter_policy_only_worsens(history: DemoWorld) -> None:
    shares, caps = some.integers(1, 100), some.integers(1, 1_000_000)
    # Not a referral: where the merchant takes no part, that is better than the decline that a part comes to.
    turns = some.sampled_from((Verdict.APPROVE, Verdict.DECLINE))
    stricter = some.dictionaries(some.sampled_from([r.id for r in POLICY.rules]), some.tuples(shares, caps, turns))

    @settings(max_examples=20, deadline=None)
    @given(stricter)
    def only_worsens(changes: dict[str, tuple[int, int, Verdict]]) -> None:
        made = table([_stricter(rule, *changes[rule.id]) if rule.id in changes else rule for rule in POLICY.rules])
        for one in compared(history, made):
            before, after = one.before, one.after
            assert after.exposed <= before.exposed
            assert STATUSES.index(after.status) <= STATUSES.index(before.status)

    only_worsens()


def _stricter(rule: Rule, share: int, cap: int, verdict: Verdict) -> Rule:
    """A rule of the same tests that grants no more."""
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
    for one in backtest(history, table(rules)):
        tally.add(one)

    assert tally.compared == len(HANDLES) * len(DEPOSITS)
    groups = list(tally.groups())
    assert {group.tier for group in groups} == {Tier.FAIR}
    assert [(group.before, group.after) for group in groups] == [
        (Status.APPROVED, Status.DECLINED),
        (Status.DECLINED, Status.DECLINED),  # the one that took no part: its reason is another now
    ]
    # A fifth of 200, 12,000 and 15,000, the last two up to 2,000.
    assert str(groups[0].exposed_before) == "4040.00 CNY"
    assert str(groups[0].exposed_after) == "0.00 CNY"
    assert (tally.changed, sum(group.count for group in groups)) == (4, 4)


def test_another_name_of_a_rule_is_no_change(history: DemoWorld) -> None:
    rules = [Rule(**{**_fields(rule), "id": f"my-{rule.id}"}) for rule in POLICY.rules]
    assert [one for one in compared(history, table(rules)) if one.changed] == []


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def test_only_what_was_decided_since(history: DemoWorld) -> None:
    history.clock.advance(days=1)
    late = history.clock()
    acting = history.acting(history.grant("building"))
    decision = history.requester.request(acting, asking(car(late), "late", "late")).decision

    assert [one.decision_id for one in compared(history, POLICY, since=late)] == [decision.id]
    assert compared(history, POLICY, since=late + timedelta(seconds=1)) == []


def test_only_the_adapters_own_requests(history: DemoWorld) -> None:
    acting = history.acting(history.grant("good", client=history.client("online_shop")))
    before = backtest(history, POLICY)
    history.requester.request(acting, asking(order(), "shop", "shop"))

    assert backtest(history, POLICY) == before


def test_what_happened_later_is_not_replayed(history: DemoWorld) -> None:
    before = backtest(history, POLICY)
    first = next(one for one in compared(history, POLICY) if one.before.exposed.minor)
    history.transitions.cancel(history.merchant_token(), CancelCommand(first.decision_id, "cancel", "Changed plans"))

    assert backtest(history, POLICY) == before


def test_what_is_sealed_for_ever_is_counted(history: DemoWorld) -> None:
    history.execute(f"DELETE FROM user_keys WHERE user_id = '{history.user('good')}'")

    found = backtest(history, POLICY)

    assert found.count(SkipReason.SEALED) == len(DEPOSITS)
    assert Tier.GOOD not in {one.tier for one in found if isinstance(one, ResultComparison)}
    tally = ComparisonCounts()
    for one in found:
        tally.add(one)
    assert (tally.compared, tally.skipped[SkipReason.SEALED]) == (len(found) - len(DEPOSITS), len(DEPOSITS))


def test_asks_that_the_adapter_no_longer_reads_are_counted(history: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def facts(*_: object) -> dict[str, Any]:
        return {"tier": Tier.GOOD}

    monkeypatch.setattr(CarRental, "facts", facts)
    assert set(backtest(history, POLICY)) == {SkipReason.UNREADABLE}


def test_a_backtest_writes_nothing(history: DemoWorld) -> None:
    before = history.contents()
    backtest(history, POLICY)
    assert history.contents() == before


def test_a_policy_in_another_currency_compares_nothing(history: DemoWorld) -> None:
    text = 'policy = "p"\nversion = "1"\neffective = 2026-11-01\ncurrency = "EUR"\n[[rule]]\nid = "all"\nrefer = {}\n'
    euro = read_table(text, POLICY.columns, "euro.toml")
    assert set(backtest(history, euro)) == {SkipReason.UNREADABLE}
