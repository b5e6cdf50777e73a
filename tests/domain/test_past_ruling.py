"""A ruling comes back from the log as it was, and nothing else is taken for one."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.benefit import BenefitKind
from gateway.domain.column import Cell
from gateway.domain.errors import InvalidInput
from gateway.domain.past_ruling import ruling_from_document
from gateway.domain.policy import Ruling
from gateway.domain.product import Product
from gateway.domain.tier import Tier
from tests.support.policy import FACTS, LAST, approve, decline, table, yuan

BENEFITS = {"discount": BenefitKind.NUMBER, "longest": BenefitKind.DURATION, "at_door": BenefitKind.FLAG}
GIVEN: dict[str, Any] = {"discount": Decimal("0.25"), "longest": timedelta(days=1), "at_door": False}
POLICY = table(
    decline("late", Cell("overdue", at_least=1), retry_after=timedelta(days=7), alternatives=(Product.PAY_LATER,)),
    approve("good", Cell("tier", at_least=Tier.GOOD), maximum=yuan(70000), reasons=("NOT_SCORED",), benefits=GIVEN),
    LAST,
    benefits=BENEFITS,
)


def ruling(**facts: Any) -> Ruling:
    return POLICY.decide({**FACTS, **facts})


@pytest.mark.parametrize("facts", [{}, {"overdue": 2}, {"tier": Tier.FAIR}])
def test_what_was_written_is_read_back(facts: dict[str, Any]) -> None:
    written = json.loads(json.dumps(ruling(**facts).document()))
    assert ruling_from_document(written, BENEFITS) == ruling(**facts)


@pytest.mark.parametrize(
    ("changed", "benefits"),
    [
        ({"verdict": "MAYBE"}, BENEFITS),
        ({"maximum": {"amount": "much", "currency": "CNY"}}, BENEFITS),
        ({"retry_after": "soon"}, BENEFITS),
        ({"alternatives": ["FREE_CARS"]}, BENEFITS),
        ({}, {}),
        ({}, {**BENEFITS, "discount": BenefitKind.FLAG}),
        ({"benefits": {"discount": 5}}, BENEFITS),
        ({"benefits": {"longest": None}}, BENEFITS),
    ],
)
def test_another_form_is_refused(changed: dict[str, Any], benefits: dict[str, BenefitKind]) -> None:
    with pytest.raises((LookupError, ValueError, InvalidInput)):
        ruling_from_document({**ruling().document(), **changed}, benefits)


def test_a_document_that_lacks_a_part_is_refused() -> None:
    document = ruling().document()
    del document["maximum"]
    with pytest.raises(LookupError):
        ruling_from_document(document, BENEFITS)
