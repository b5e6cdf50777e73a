"""Policy overrides: they change only numbers of a policy, within the operator's bounds."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import Cell
from gateway.domain.policies.override import Change, PolicyBounds, PolicyOverride, Range, effective_periods
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from tests.support.policy import DAY, FACTS, LAST, approve, decline, table, yuan

FIRST = date(2026, 12, 1)
BENEFITS = {"discount": BenefitKind.NUMBER, "longest": BenefitKind.DURATION, "express": BenefitKind.FLAG}
GIVEN = {"discount": Decimal("1.00"), "longest": 30 * DAY, "express": True}


def override(**changes: Change) -> PolicyOverride:
    return PolicyOverride(policy="test", version="mine-1", effective=FIRST, changes=changes, source="mine.toml")


def base(**more: object) -> DecisionTable:
    return table(
        decline("overdue", Cell("overdue", at_least=1)),
        approve("best", Cell("tier", at_least=Tier.EXCELLENT), maximum=yuan(50000)),
        approve("good", Cell("tier", at_least=Tier.GOOD), share=50, maximum=yuan(5000), reasons=("REDUCED_FOR_TIER",)),
        LAST,
        **more,
    )


def test_override_changes_only_the_named_values() -> None:
    whole = base()
    made = override(good=Change(share=60)).apply_to(whole)

    good, was = made.decide(FACTS), whole.decide(FACTS)
    assert (good.share, good.maximum, good.reasons) == (60, was.maximum, was.reasons)
    assert (good.rule_id, good.trace) == (was.rule_id, was.trace)
    for facts in ({**FACTS, "tier": Tier.EXCELLENT}, {**FACTS, "overdue": 1}, {**FACTS, "tier": Tier.FAIR}):
        one, other = made.decide(facts), whole.decide(facts)
        assert {**one.document(), "policy_version": "", "policy_hash": ""} == {
            **other.document(),
            "policy_version": "",
            "policy_hash": "",
        }


def test_overridden_policy_has_its_own_version_and_hash() -> None:
    whole = base()
    made = override(good=Change(maximum=yuan(6000))).apply_to(whole)

    assert (made.policy, made.version, made.effective) == ("test", "1+mine-1", FIRST)
    assert made.hash != whole.hash
    assert made.hash == override(good=Change(maximum=yuan(6000))).apply_to(base()).hash
    assert made.hash != override(good=Change(maximum=yuan(6001))).apply_to(whole).hash


def test_benefits_are_overridden_one_by_one() -> None:
    whole = table(approve("all", benefits=GIVEN), benefits=BENEFITS)
    result = override(all=Change(benefits={"discount": Decimal("1.50")})).apply_to(whole).decide(FACTS)
    assert result.benefits == {**GIVEN, "discount": Decimal("1.50")}


def test_override_without_changes_returns_the_policy() -> None:
    whole = base()
    assert override().apply_to(whole) is whole


@pytest.mark.parametrize(
    ("rule", "change", "why"),
    [
        ("gone", Change(share=10), "rule 'gone': test 1 has no such rule"),
        ("overdue", Change(share=10), "rule 'overdue': only rules that approve can be overridden"),
        ("last", Change(share=10), "rule 'last': only rules that approve can be overridden"),
        ("good", Change(share=0), "rule 'good': share must be a whole number from 1 to 100"),
        ("good", Change(maximum=yuan(0)), "rule 'good': maximum must be more than zero"),
        ("good", Change(benefits={"speed": True}), "rule 'good': every approval"),
        ("good", Change(reasons=("NO_SUCH",)), "rule 'good': unknown reason code 'NO_SUCH'"),
        (
            "good",
            Change(share=9, reasons=("NOT_SCORED",)),
            "rule 'good': NOT_SCORED is not a reason for a partial approval. Allowed: REDUCED",
        ),
        ("best", Change(share=90), "rule 'best': a decline, and an approval below 100 percent, must name its reasons"),
    ],
)
def test_override_with_an_invalid_result_is_refused(rule: str, change: Change, why: str) -> None:
    with pytest.raises(Misconfigured, match=f"^mine.toml: {why}"):
        override(**{rule: change}).apply_to(base())


def test_partial_approval_of_a_full_rule_has_its_reasons() -> None:
    made = override(best=Change(share=90, reasons=("REDUCED_FOR_TIER",))).apply_to(base())
    result = made.decide({**FACTS, "tier": Tier.EXCELLENT})
    assert (result.share, result.reasons) == (90, ("REDUCED_FOR_TIER",))


def test_override_of_another_policy_is_refused() -> None:
    with pytest.raises(Misconfigured, match="overrides the policy 'test', not 'other'"):
        override(good=Change(share=1)).apply_to(base(policy="other"))


@pytest.mark.parametrize("version", ["", "two words", "a" * 51, "1+1", "-1", "[bold]", "一"])
def test_a_version_is_a_word(version: str) -> None:
    with pytest.raises(Misconfigured, match="version must be a word"):
        PolicyOverride(policy="test", version=version, effective=FIRST, changes={}, source="mine.toml")


def test_effective_is_a_date() -> None:
    with pytest.raises(Misconfigured, match="effective must be a date"):
        PolicyOverride(policy="test", version="1", effective="soon", changes={}, source="mine.toml")  # type: ignore[arg-type]


BOUNDS = PolicyBounds(
    policy="test",
    ranges={"good": {"share": Range(40, 60), "maximum": Range(at_most=yuan(9000)), "discount": Range(Decimal("0.5"))}},
    source="bounds.toml",
)


@pytest.mark.parametrize(
    "change",
    [
        Change(share=40),
        Change(share=60, maximum=yuan(9000)),
        Change(maximum=yuan(1)),
        Change(benefits={"discount": Decimal("0.50")}),
        Change(share=50, reasons=("REDUCED_FOR_TIER",)),
    ],
)
def test_override_within_the_bounds_is_accepted(change: Change) -> None:
    BOUNDS.require(override(good=change))


@pytest.mark.parametrize(
    ("rule", "change", "why"),
    [
        ("good", Change(share=39), "share 39 is out of the operator's bounds: at least 40 and at most 60"),
        ("good", Change(share=61), "share 61 is out of the operator's bounds: at least 40 and at most 60"),
        ("good", Change(maximum=yuan(9001)), "maximum 90.01 CNY is out of the operator's bounds: at most 90.00 CNY"),
        ("good", Change(benefits={"discount": Decimal("0.49")}), "discount 0.49 is out of .*: at least 0.5"),
        ("good", Change(benefits={"express": True}), "the operator does not allow this merchant to override express"),
        ("best", Change(share=50), "the operator does not allow this merchant to override share"),
        ("best", Change(reasons=("NOT_SCORED",)), "reasons can be given only with an overridden share"),
        (
            "good",
            Change(maximum=yuan(1), reasons=("NOT_SCORED",)),
            "reasons can be given only with an overridden share",
        ),
    ],
)
def test_override_out_of_bounds_is_refused(rule: str, change: Change, why: str) -> None:
    with pytest.raises(Misconfigured, match=f"^mine.toml: rule '{rule}': {why}"):
        BOUNDS.require(override(**{rule: change}))


DAYS = some.dates(date(2026, 11, 1), date(2026, 11, 20))


@given(some.lists(DAYS, max_size=6), DAYS, some.integers(0, 30))
def test_at_most_one_version_is_in_force_on_each_day(days: list[date], today: date, ahead: int) -> None:
    day = today + timedelta(days=ahead)
    effective = [(start, index) for index, start in enumerate(days) if start <= day]
    in_force = [
        index for index, first, end in effective_periods(days, today) if first <= day and (end is None or day < end)
    ]
    assert in_force == [index for _, index in sorted(effective)[-1:]]
