"""Each industry beside cars and orders, and a named merchant: from consent to the decision, above 700 and below."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.support.asks import credit, home, purchase, ride, stay
from tests.support.partner import Partner
from tests.support.server import Sandbox

LOG = """query ($reference: String!) {
  decision(by: {merchantReference: $reference}) {
    status product ruling { adapter } settlement { due { amount currency } } }
}"""
DECLINES = {
    "building": "TIER_BELOW_REQUIRED",
    "unscored": "NOT_SCORED",
    "overdue": "OPEN_OVERDUE_OBLIGATION",
}


@dataclass(frozen=True)
class Story:
    """One industry: what is asked, under which product and ceiling, and what three personas are promised."""

    adapter: str
    product: str
    purpose: str
    ask: Callable[[], dict[str, Any]]
    ceiling: str
    excellent: dict[str, Any]
    just_below: dict[str, Any]
    fair: dict[str, Any]


def waived(amount: str, due: str) -> dict[str, Any]:
    return {"waivedAmount": {"amount": amount}, "depositDue": {"amount": due}}


def room(due: str, incidentals: str, *, top: bool) -> dict[str, Any]:
    return {
        "depositDue": {"amount": due},
        "incidentalsLimit": {"amount": incidentals},
        "skipFrontDesk": top,
        "payAtCheckOut": top,
    }


def loan(limit: str, apr: str, discount: str, term: str) -> dict[str, Any]:
    amount = {"amount": limit, "currency": "CNY"}
    return {"limit": amount, "baseAprPercent": "12.00", "aprPercent": apr, "discountPercent": discount, "term": term}


STORIES = [
    Story(
        "bike_share", "DEPOSIT_WAIVER", "BIKE_RIDE", ride, "299.00",
        waived("299.00", "0.00"), waived("239.20", "59.80"), waived("59.80", "239.20"),
    ),
    Story(
        "harbour_bikes", "DEPOSIT_WAIVER", "BIKE_RIDE", partial(ride, "1500.00"), "1500.00",
        waived("1500.00", "0.00"), waived("1050.00", "450.00"), waived("300.00", "1200.00"),
    ),
    Story(
        "housing", "DEPOSIT_WAIVER", "HOUSE_RENTAL", home, "8000.00",
        waived("8000.00", "0.00"), waived("5600.00", "2400.00"), waived("1600.00", "6400.00"),
    ),
    Story(
        "hotel", "EXPRESS_CHECK_IN", "HOTEL_STAY", stay, "1800.00",
        room("0.00", "800.00", top=True), room("0.00", "800.00", top=False), room("640.00", "160.00", top=False),
    ),
    Story(
        "retail_store", "PAY_LATER", "STORE_PURCHASE", purchase, "268.00",
        *[{"amount": {"amount": "268.00", "currency": "CNY"}}] * 3,
    ),
    Story(
        "lender", "CREDIT_OFFER", "LENDING", credit, "10000.00",
        loan("10000.00", "10.00", "2.00", "P365D"),
        loan("8000.00", "10.75", "1.25", "P365D"),
        loan("2000.00", "11.75", "0.25", "P180D"),
    ),
]  # fmt: skip


@pytest.fixture(params=STORIES, ids=lambda story: story.adapter)
def story(request: pytest.FixtureRequest) -> Story:
    told: Story = request.param
    return told


@contextmanager
def asked(sandbox: Sandbox, story: Story, handle: str) -> Iterator[tuple[Partner, dict[str, Any]]]:
    """The merchant, and its decision after the persona has allowed exactly this product up to exactly this amount."""
    partner = Partner(sandbox, story.adapter)
    detail = {
        "type": "decision",
        "products": [story.product],
        "maximum_amount": {"amount": story.ceiling, "currency": "CNY"},
    }
    token = partner.token(handle, scope=None, authorization_details=[detail])
    decision = partner.request(token, story.ask())["decision"]
    logged = partner.graphql(partner.merchant_token, LOG, reference=decision["merchantReference"]).data["decision"]
    decision["settlement"] = logged.pop("settlement")
    assert logged == {"status": decision["status"], "product": story.product, "ruling": {"adapter": story.adapter}}
    try:
        yield partner, decision
    finally:
        partner.close()


def decide(sandbox: Sandbox, story: Story, handle: str) -> dict[str, Any]:
    """The decision, which then is called off."""
    with asked(sandbox, story, handle) as (partner, decision):
        partner.release(decision)
    assert (decision["product"], decision["purpose"]) == (story.product, story.purpose)
    return decision


def test_at_the_top_all_that_was_asked(sandbox: Sandbox, story: Story) -> None:
    decision = decide(sandbox, story, "excellent")
    assert decision["status"] == "APPROVED"
    assert decision["outcome"]["reasons"] == []
    assert story.excellent.items() <= decision["outcome"]["terms"].items()


@pytest.mark.parametrize("handle", ["just-below", "fair"])
def test_below_it_graded_help_with_its_reasons(sandbox: Sandbox, story: Story, handle: str) -> None:
    decision = decide(sandbox, story, handle)
    promised = story.fair if handle == "fair" else story.just_below
    assert decision["status"] == "APPROVED"
    assert promised.items() <= decision["outcome"]["terms"].items()
    reasons = {reason["code"] for reason in decision["outcome"]["reasons"]}
    assert reasons
    assert reasons <= {"REDUCED_FOR_TIER", "TERM_SHORTENED"}


@pytest.mark.parametrize("handle", list(DECLINES))
def test_declined_with_a_reason_and_a_notice(sandbox: Sandbox, story: Story, handle: str) -> None:
    decision = decide(sandbox, story, handle)
    assert decision["status"] == "DECLINED"
    assert [reason["code"] for reason in decision["outcome"]["reasons"]] == [DECLINES[handle]]
    assert decision["outcome"]["noticeText"]
