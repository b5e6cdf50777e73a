"""Each industry and the named merchants: from consent to the decision, above 700, below it, and refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.support.asks import credit, home, purchase, ride, stay
from tests.support.partner import Partner, car, order
from tests.support.server import Sandbox

LOG = """query ($reference: String!) {
  decision(by: {merchantReference: $reference}) {
    status product provenance { adapter } settlement { due { amount currency } } timeline { nodes { topic } } }
}"""
NOTICE = (
    "Your request was not granted, for these reasons: {why} You can see this decision, and what would help you, in"
    " your account with the operator of this gateway."
)
SETTLE_IT = "The person has an overdue agreement. Requests can be approved once it is settled."
DECLINES: dict[str, tuple[str, str, timedelta]] = {
    "building": (
        "TIER_BELOW_REQUIRED",
        "The score tier is below the one this product requires.",
        timedelta(days=30),
    ),
    "unscored": ("NOT_SCORED", "The person has no score yet.", timedelta(days=7)),
    "overdue": ("OPEN_OVERDUE_OBLIGATION", SETTLE_IT, timedelta(days=1)),
}
"""The reason, what the merchant reads of it, and after how long it is of use to ask again."""

Terms = dict[str, Any]
Graded = tuple[Terms, list[str]]
"""Terms, and the reasons for which they are less than was asked."""


@dataclass(frozen=True)
class Story:
    """One industry: what is asked, under which product and ceiling, and what three personas are promised."""

    adapter: str
    product: str
    purpose: str
    ask: Callable[[], dict[str, Any]]
    ceiling: str
    excellent: Terms
    just_below: Graded
    fair: Graded


def waived(amount: str, due: str) -> Terms:
    return {"waivedAmount": {"amount": amount}, "depositDue": {"amount": due}}


def room(due: str, incidentals: str, *, desk: bool, pays_later: bool) -> Terms:
    return {
        "depositDue": {"amount": due},
        "incidentalsLimit": {"amount": incidentals},
        "skipFrontDesk": not desk,
        "payAtCheckOut": pays_later,
    }


def loan(limit: str, apr: str, discount: str, term: str) -> Terms:
    amount = {"amount": limit, "currency": "CNY"}
    return {"limit": amount, "baseAprPercent": "12.00", "aprPercent": apr, "discountPercent": discount, "term": term}


def goods(amount: str) -> Terms:
    return {"amount": {"amount": amount, "currency": "CNY"}}


def less(terms: Terms, *more: str) -> Graded:
    return terms, ["REDUCED_FOR_TIER", *more]


STORIES = [
    Story(
        "bike_share", "DEPOSIT_WAIVER", "BIKE_RIDE", ride, "299.00",
        waived("299.00", "0.00"), less(waived("239.20", "59.80")), less(waived("59.80", "239.20")),
    ),
    Story(
        "harbour_bikes", "DEPOSIT_WAIVER", "BIKE_RIDE", partial(ride, "1500.00"), "1500.00",
        waived("1500.00", "0.00"), less(waived("1050.00", "450.00")), less(waived("300.00", "1200.00")),
    ),
    Story(
        "car_rental", "DEPOSIT_WAIVER", "CAR_RENTAL", car, "3000.00",
        waived("3000.00", "0.00"), less(waived("2100.00", "900.00")), less(waived("600.00", "2400.00")),
    ),
    Story(
        "housing", "DEPOSIT_WAIVER", "HOUSE_RENTAL", home, "8000.00",
        waived("8000.00", "0.00"), less(waived("5600.00", "2400.00")), less(waived("1600.00", "6400.00")),
    ),
    Story(
        "hotel", "EXPRESS_CHECK_IN", "HOTEL_STAY", stay, "1800.00",
        room("0.00", "800.00", desk=False, pays_later=True),
        less(room("0.00", "800.00", desk=True, pays_later=False)),
        less(room("640.00", "160.00", desk=True, pays_later=False)),
    ),
    Story(
        "lotus_hotels", "EXPRESS_CHECK_IN", "HOTEL_STAY", partial(stay, "1000.00", "600.00"), "2200.00",
        room("0.00", "1000.00", desk=False, pays_later=True),
        less(room("0.00", "1000.00", desk=True, pays_later=True)),
        less(room("800.00", "200.00", desk=True, pays_later=False)),
    ),
    Story(
        "online_shop", "PAY_LATER", "ONLINE_PURCHASE", order, "400.00",
        goods("400.00"), (goods("400.00"), []), (goods("400.00"), []),
    ),
    Story(
        "retail_store", "PAY_LATER", "STORE_PURCHASE", purchase, "268.00",
        goods("268.00"), (goods("268.00"), ["TERM_SHORTENED"]), (goods("268.00"), ["TERM_SHORTENED"]),
    ),
    Story(
        "lender", "CREDIT_OFFER", "LENDING", credit, "10000.00",
        loan("10000.00", "10.00", "2.00", "P365D"),
        less(loan("8000.00", "10.75", "1.25", "P365D")),
        less(loan("2000.00", "11.75", "0.25", "P180D"), "TERM_SHORTENED"),
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
    assert logged == {
        "status": decision["status"],
        "product": story.product,
        "provenance": {"adapter": story.adapter},
        "timeline": {"nodes": [{"topic": f"DECISION_{decision['status']}"}]},
    }
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


def codes(decision: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in decision["outcome"]["reasons"]]


def test_at_the_top_all_that_was_asked(sandbox: Sandbox, story: Story) -> None:
    decision = decide(sandbox, story, "excellent")
    assert decision["status"] == "APPROVED"
    assert decision["settlement"] == {"due": {"amount": story.ceiling, "currency": "CNY"}}
    assert decision["outcome"]["reasons"] == []
    assert story.excellent.items() <= decision["outcome"]["terms"].items()


@pytest.mark.parametrize("handle", ["just-below", "fair"])
def test_below_it_graded_help_with_its_reasons(sandbox: Sandbox, story: Story, handle: str) -> None:
    decision = decide(sandbox, story, handle)
    terms, reasons = story.fair if handle == "fair" else story.just_below
    assert (decision["status"], codes(decision)) == ("APPROVED", reasons)
    assert terms.items() <= decision["outcome"]["terms"].items()


@pytest.mark.parametrize("handle", list(DECLINES))
def test_declined_with_a_reason_a_notice_and_a_date(sandbox: Sandbox, story: Story, handle: str) -> None:
    began = datetime.now(UTC)
    decision = decide(sandbox, story, handle)
    code, why, again = DECLINES[handle]
    assert (decision["status"], decision["availableTransitions"], decision["settlement"]) == ("DECLINED", [], None)
    outcome = decision["outcome"]
    assert outcome["reasons"] == [{"code": code, "message": why}]
    assert outcome["noticeText"] == NOTICE.format(why=why)
    assert began <= datetime.fromisoformat(outcome["retryAfter"]) - again <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("handle", "reason", "too_much", "granted"),
    [
        ("excellent", "AMOUNT_ABOVE_TIER_LIMIT", ("5000.01", "P30D"), ("5000.00", "P30D")),
        ("just-below", "AMOUNT_ABOVE_TIER_LIMIT", ("4000.01", "P30D"), ("4000.00", "P30D")),
        ("fair", "TERM_TOO_LONG", ("500.00", "P8D"), ("500.00", "P7D")),
    ],
)
def test_an_order_too_large_or_too_long_may_be_asked_for_smaller_at_once(
    shop: Partner, handle: str, reason: str, too_much: tuple[str, str], granted: tuple[str, str]
) -> None:
    token = shop.token(handle)
    began = datetime.now(UTC)
    declined = shop.request(token, order(*too_much))["decision"]
    assert (declined["status"], codes(declined)) == ("DECLINED", [reason])
    assert declined["outcome"]["alternatives"] == ["PAY_LATER"]
    assert began <= datetime.fromisoformat(declined["outcome"]["retryAfter"]) <= datetime.now(UTC)
    smaller = shop.request(token, order(*granted))["decision"]
    shop.release(smaller)
    assert (smaller["status"], codes(smaller)) == ("APPROVED", [])
