"""The decision table: the first matching rule decides, and invalid tables and facts raise errors."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import Cell
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import Tried
from gateway.domain.scoring.tier import Tier
from tests.support.policy import COLUMNS, DAY, FACTS, LAST, approve, decline, table, yuan


def test_first_matching_rule_decides_and_the_trace_has_all_tried_rules() -> None:
    policy = table(
        decline("overdue", Cell("overdue", at_least=1)),
        approve("great", Cell("member", is_=True), Cell("tier", at_least=Tier.EXCELLENT)),
        approve("good", Cell("tier", at_least=Tier.GOOD), share=50, maximum=yuan(900), reasons=("REDUCED_FOR_TIER",)),
        LAST,
    )
    result = policy.decide(FACTS)
    assert (result.verdict, result.share, result.maximum) == (Verdict.APPROVE, 50, yuan(900))
    assert result.trace == (Tried("overdue", "overdue"), Tried("great", "tier"), Tried("good", None))
    assert (result.rule_id, result.policy, result.policy_version) == ("good", "test", "1")
    assert result.policy_hash == policy.hash
    assert result.document()["trace"][-1] == {"rule_id": "good", "failed": None}


@pytest.mark.parametrize(
    ("cell", "matches"),
    [
        (Cell("tier", at_least=Tier.GOOD), True),
        (Cell("tier", at_least=Tier.VERY_GOOD), False),
        (Cell("tier", at_most=Tier.GOOD), True),
        (Cell("tier", at_most=Tier.FAIR), False),
        (Cell("tier", at_most=Tier.UNSCORED), False),
        (Cell("tier", at_least=Tier.FAIR, at_most=Tier.GOOD), True),
        (Cell("tier", one_of=(Tier.FAIR, Tier.EXCELLENT)), False),
        (Cell("tier", one_of=(Tier.GOOD,)), True),
        (Cell("amount", at_most=yuan(10000)), True),
        (Cell("amount", at_most=yuan(9999)), False),
        (Cell("amount", at_least=yuan(10000)), True),
        (Cell("amount", at_least=yuan(10001)), False),
        (Cell("overdue", at_most=0), True),
        (Cell("overdue", at_least=1), False),
        (Cell("overdue", one_of=(0, 2)), True),
        (Cell("wait", at_most=7 * DAY), True),
        (Cell("wait", at_least=8 * DAY), False),
        (Cell("member", is_=True), True),
        (Cell("member", is_=False), False),
        (Cell("category", one_of=("shoes", "books")), True),
        (Cell("category", one_of=("books",)), False),
    ],
)
def test_operators(cell: Cell, matches: bool) -> None:
    assert (table(approve("it", cell), LAST).decide(FACTS).rule_id == "it") is matches


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"tier": "GOOD"}, "tier"),
        ({"tier": None}, "tier"),
        ({"amount": 10000}, "amount"),
        ({"amount": Money(10000, "USD")}, "amount"),
        ({"amount": Money(-1, "CNY")}, "amount"),
        ({"overdue": True}, "overdue"),
        ({"overdue": None}, "overdue"),
        ({"overdue": "2"}, "overdue"),
        ({"overdue": -1}, "overdue"),
        ({"wait": 7}, "wait"),
        ({"wait": -DAY}, "wait"),
        ({"member": 1}, "member"),
        ({"category": None}, "category"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_facts_of_another_kind_raise(changed: Mapping[str, Any], column: str) -> None:
    with pytest.raises(Misconfigured, match=column):
        table(decline("overdue", Cell("overdue", at_least=1)), LAST).decide({**FACTS, **changed})


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_fact_raises(column: str) -> None:
    facts = {name: value for name, value in FACTS.items() if name != column}
    with pytest.raises(Misconfigured, match=column):
        table(LAST).decide(facts)


INVALID_CELLS = [
    (Cell("colour", one_of=("red",)), "unknown column"),
    (Cell("amount", one_of=(yuan(1),)), "does not fit"),
    (Cell("tier", is_=True), "does not fit"),
    (Cell("member", one_of=(True,)), "does not fit"),
    (Cell("member", at_least=True), "does not fit"),
    (Cell("category", at_least="a"), "does not fit"),
    (Cell("wait", one_of=(DAY,)), "does not fit"),
    (Cell("tier"), "a cell needs a test"),
    (Cell("tier", one_of=()), "a cell needs a test"),
    (Cell("overdue", one_of=(1,), at_least=1), "cannot be combined"),
    (Cell("overdue", at_least=2, at_most=1), "above"),
    (Cell("tier", at_least=Tier.GOOD, at_most=Tier.FAIR), "above"),
    (Cell("amount", at_least=yuan(2), at_most=yuan(1)), "above"),
    (Cell("amount", at_least=Money(1, "USD")), "needs Money"),
    (Cell("amount", at_least=1), "needs Money"),
    (Cell("overdue", at_least=True), "whole number"),
    (Cell("tier", at_least="GOOD"), "needs a Tier"),
    (Cell("wait", at_least=7), "timedelta"),
]


@pytest.mark.parametrize(("cell", "why"), INVALID_CELLS)
def test_invalid_cells_are_refused_with_file_rule_and_column(cell: Cell, why: str) -> None:
    with pytest.raises(Misconfigured, match=why) as refused:
        table(approve("it", cell), LAST)
    for part in ("test.toml", "'it'", repr(cell.column)):
        assert part in refused.value.message


INVALID_RULES = [
    (approve("it", Cell("overdue", at_least=1), share=0), "1 to 100"),
    (approve("it", Cell("overdue", at_least=1), share=101), "1 to 100"),
    (approve("it", Cell("overdue", at_least=1), share=None), "1 to 100"),
    (approve("it", Cell("overdue", at_least=1), share=True), "1 to 100"),
    (approve("it", Cell("overdue", at_least=1), share=99), "must name its reasons"),
    (approve("it", Cell("overdue", at_least=1), maximum=yuan(0)), "more than zero"),
    (approve("it", Cell("overdue", at_least=1), maximum=Money(1, "USD")), "in CNY"),
    (approve("it", Cell("overdue", at_least=1), retry_after=DAY), "belong to a decline"),
    (approve("it", Cell("overdue", at_least=1), alternatives=(Product.PAY_LATER,)), "belong to a decline"),
    (approve("it", Cell("overdue", at_least=1), reasons=("BAD_HAIR",)), "unknown reason"),
    (approve("it", Cell("overdue", at_least=1), Cell("overdue", at_most=3)), "tested twice"),
    (decline("it", Cell("overdue", at_least=1), reasons=()), "must name its reasons"),
    (decline("it", Cell("overdue", at_least=1), share=50), "belong to an approval"),
    (decline("it", Cell("overdue", at_least=1), maximum=yuan(1)), "belong to an approval"),
    (Rule(id="it", when=(Cell("overdue", at_least=1),), verdict=Verdict.REFER, share=100), "belong to an approval"),
    (Rule(id="it", when=(Cell("overdue", at_least=1),), verdict=Verdict.REFER, retry_after=DAY), "to a decline"),
    (decline("last", Cell("overdue", at_least=1)), "used twice"),
    (decline("", Cell("overdue", at_least=1)), "no id"),
    (decline("all"), "is unreachable"),
]


@pytest.mark.parametrize(("rule", "why"), INVALID_RULES)
def test_invalid_rules_are_refused(rule: Rule, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        table(rule, LAST)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"version": ""}, "version"),
        ({"version": 3}, "version"),
        ({"policy": " "}, "policy"),
        ({"effective": None}, "effective"),
        ({"effective": "2026-11-01"}, "effective"),
        ({"effective": datetime(2026, 11, 1)}, "effective"),  # noqa: DTZ001  # TOML has datetimes, which are not dates
        ({"currency": "XYZ"}, "currency"),
        ({"columns": {}}, "columns"),
        ({"rules": ()}, "last rule"),
        ({"rules": (approve("it", Cell("overdue", at_most=0)),)}, "last rule"),
    ],
)
def test_invalid_headers_are_refused(header: Mapping[str, Any], why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        table(LAST, **header)


def test_hash_depends_on_the_content_only() -> None:
    rule = approve("it", Cell("amount", at_most=yuan(500)))
    same, other = approve("it", Cell("amount", at_most=yuan(500))), approve("it", Cell("amount", at_most=yuan(501)))
    assert table(rule, LAST).hash == table(same, LAST, source="elsewhere.toml").hash
    hashes = {table(rule, LAST).hash, table(other, LAST).hash, table(rule, LAST, version="2").hash, table(LAST).hash}
    assert len(hashes) == 4
    assert all(len(each) == 64 for each in hashes)


def test_result_has_the_benefits_of_its_rule() -> None:
    kinds = {"discount": BenefitKind.NUMBER, "longest": BenefitKind.DURATION, "at_desk": BenefitKind.FLAG}
    benefits = {"discount": Decimal("0.25"), "longest": DAY, "at_desk": False}
    result = table(approve("it", Cell("overdue", at_most=0), benefits=benefits), LAST, benefits=kinds).decide(FACTS)
    assert (result.number("discount"), result.length("longest"), result.flag("at_desk")) == (
        Decimal("0.25"),
        DAY,
        False,
    )
    assert result.document()["benefits"] == {"discount": "0.25", "longest": "P1D", "at_desk": False}
    for ask in (result.number, result.length, result.flag):
        with pytest.raises(Misconfigured, match="has no benefit"):
            ask("pony")
    with pytest.raises(Misconfigured, match="has no benefit"):
        result.number("longest")


def test_decline_has_no_benefits() -> None:
    assert table(LAST, benefits={"at_desk": BenefitKind.FLAG}).decide(FACTS).benefits == {}


def test_results_of_referring_and_declining_rules() -> None:
    refer = Rule(id="ask", when=(Cell("tier", one_of=(Tier.UNSCORED,)),), verdict=Verdict.REFER)
    last = decline("last", retry_after=DAY, alternatives=(Product.PAY_LATER,))
    policy = table(refer, last)
    assert policy.decide({**FACTS, "tier": Tier.UNSCORED}).verdict is Verdict.REFER
    result = policy.decide(FACTS)
    assert (result.share, result.retry_after, result.alternatives) == (0, DAY, (Product.PAY_LATER,))
    assert policy.reason_codes == {"NOT_SCORED"}
