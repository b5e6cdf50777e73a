"""English descriptions of cells, rules and values."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.merchants import Product
from gateway.domain.policies.column import Cell
from gateway.domain.policies.description import describe_cell, describe_rule, format_value
from gateway.domain.policies.rule import Rule
from gateway.domain.scoring.tier import Tier
from tests.support.policy import approve, decline, yuan


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (Cell("deposit", at_most=yuan(50000)), "deposit at most 500.00 CNY"),
        (Cell("tier", at_least=Tier.FAIR, at_most=Tier.GOOD), "tier at least FAIR and at most GOOD"),
        (Cell("tier", one_of=(Tier.FAIR, Tier.GOOD)), "tier one of FAIR or GOOD"),
        (Cell("wait", at_least=timedelta(days=7)), "wait at least P7D"),
        (Cell("member", is_=False), "member is no"),
        (Cell("overdue", at_least=1), "overdue at least 1"),
    ],
)
def test_describe_cell(cell: Cell, words: str) -> None:
    assert describe_cell(cell) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (approve("a", share=70, maximum=yuan(700000)), "approve 70 percent, at most 7000.00 CNY"),
        (
            approve("a", benefits={"discount": Decimal("0.50"), "desk": True}),
            "approve 100 percent, discount 0.50, desk yes",
        ),
        (decline("d"), "decline"),
        (
            decline("d", retry_after=timedelta(days=30), alternatives=(Product.PAY_LATER,)),
            "decline, retry after P30D, or PAY_LATER",
        ),
    ],
)
def test_describe_rule(rule: Rule, words: str) -> None:
    assert describe_rule(rule) == words


@pytest.mark.parametrize("value", [yuan(50000), yuan(50000).document()])
def test_format_value_accepts_the_form_in_the_log(value: Any) -> None:
    assert format_value(value) == "500.00 CNY"
