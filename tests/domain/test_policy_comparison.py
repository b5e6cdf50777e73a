"""Comparison of policy results: which results differ, and how changes are counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline, ManualReview
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.domain.policies.comparison import ComparedResult, ComparisonCounts, ResultComparison, SkipReason
from gateway.domain.scoring.tier import Tier
from tests.support.policy import yuan

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
YES = ComparedResult(Status.APPROVED, yuan(30000), "good", (), {"discount": Decimal("0.5")})
NO = ComparedResult(Status.DECLINED, yuan(0), "last", ("NOT_SCORED",), {})


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({}, False),
        ({"rule_id": "another"}, False),
        ({"benefits": {"discount": Decimal("0.50")}}, False),
        ({"benefits": {"discount": Decimal("0.51")}}, True),
        ({"benefits": {}}, True),
        ({"reasons": ("REDUCED_FOR_TIER",)}, True),
        ({"exposed": yuan(29999)}, True),
        ({"status": Status.PENDING}, True),
    ],
)
def test_results_differ_in_everything_but_the_rule_id(changed: dict[str, Any], differs: bool) -> None:
    other = replace(YES, **changed)
    assert YES.differs(other) is other.differs(YES) is differs
    assert ResultComparison("dec_1", Tier.GOOD, YES, other).changed is differs


def test_compared_results_of_outcomes() -> None:
    approval = Approval(PayLaterTerms(yuan(500), NOW, timedelta(days=3)), NOW, ("NOT_SCORED",))
    benefits = {"discount": Decimal(1)}

    made = ComparedResult.of(approval, "good", benefits, "CNY")
    assert made == ComparedResult(Status.APPROVED, yuan(500), "good", ("NOT_SCORED",), benefits)
    declined = ComparedResult.of(Decline(("NOT_SCORED",), NOW), "last", benefits, "CNY")
    assert declined == ComparedResult(Status.DECLINED, yuan(0), "last", ("NOT_SCORED",), {})
    assert ComparedResult.of(ManualReview(), "odd", benefits, "CNY").status is Status.PENDING
    with pytest.raises(ValueError, match="do not mix"):
        ComparedResult.of(approval, "good", benefits, "EUR")


def test_changes_are_summed_by_tier_and_statuses() -> None:
    tally = ComparisonCounts()
    for number, (tier, before, after) in enumerate(
        [
            (Tier.GOOD, YES, NO),
            (Tier.GOOD, YES, NO),
            (Tier.GOOD, YES, replace(YES, exposed=yuan(100))),
            (Tier.FAIR, NO, YES),
            (Tier.FAIR, NO, NO),
        ]
    ):
        tally.add(ResultComparison(f"dec_{number}", tier, before, after))
    for skipped in (SkipReason.SEALED, SkipReason.SEALED, SkipReason.FAILED):
        tally.add(skipped)

    assert [(g.tier, g.before, g.after, g.count, g.exposed_before, g.exposed_after) for g in tally.groups()] == [
        (Tier.FAIR, Status.DECLINED, Status.APPROVED, 1, yuan(0), yuan(30000)),
        (Tier.GOOD, Status.APPROVED, Status.APPROVED, 1, yuan(30000), yuan(100)),
        (Tier.GOOD, Status.APPROVED, Status.DECLINED, 2, yuan(60000), Money.zero("CNY")),
    ]
    assert (tally.compared, tally.changed) == (5, 4)
    assert (
        tally.skipped[SkipReason.SEALED],
        tally.skipped[SkipReason.UNREADABLE],
        tally.skipped[SkipReason.FAILED],
    ) == (
        2,
        0,
        1,
    )
