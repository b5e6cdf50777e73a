"""Policy results read from their documents in the log."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import Cell
from gateway.domain.policies.past_result import policy_result_from_document
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from tests.support.policy import FACTS, LAST, approve, decline, table, yuan

BENEFITS = {"discount": BenefitKind.NUMBER, "longest": BenefitKind.DURATION, "at_desk": BenefitKind.FLAG}
GIVEN: dict[str, Any] = {"discount": Decimal("0.25"), "longest": timedelta(days=1), "at_desk": False}
POLICY = table(
    decline("late", Cell("overdue", at_least=1), retry_after=timedelta(days=7), alternatives=(Product.PAY_LATER,)),
    approve("good", Cell("tier", at_least=Tier.GOOD), maximum=yuan(70000), reasons=("NOT_SCORED",), benefits=GIVEN),
    LAST,
    benefits=BENEFITS,
)


def result(**facts: Any) -> PolicyResult:
    return POLICY.decide({**FACTS, **facts})


@pytest.mark.parametrize("facts", [{}, {"overdue": 2}, {"tier": Tier.FAIR}])
def test_result_round_trips(facts: dict[str, Any]) -> None:
    written = json.loads(json.dumps(result(**facts).document()))
    assert policy_result_from_document(written, BENEFITS) == result(**facts)


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
def test_document_of_another_form_is_refused(changed: dict[str, Any], benefits: dict[str, BenefitKind]) -> None:
    with pytest.raises((LookupError, ValueError, InvalidInput)):
        policy_result_from_document({**result().document(), **changed}, benefits)


def test_document_without_a_member_is_refused() -> None:
    document = result().document()
    del document["maximum"]
    with pytest.raises(LookupError):
        policy_result_from_document(document, BENEFITS)
