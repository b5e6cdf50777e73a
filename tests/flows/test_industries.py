"""Each industry and the named merchants: from consent to decision in the top tier, in lower tiers, and declined."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.support.asks import credit, home, purchase, ride, stay
from tests.support.merchant_client import MerchantClient, car, order
from tests.support.server import Sandbox

LOG = """query ($reference: String!) {
  decision(by: {merchantReference: $reference}) {
    status product provenance { adapter } settlement { due { amount currency } } timeline { nodes { topic } } }
}"""
NOTICE = (
    "Your request was not granted, for these reasons: {message} You can see this decision, and what would help you, in"
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
"""The reason code, its text for the merchant, and the time after which a new request makes sense."""

Terms = dict[str, Any]
Graded = tuple[Terms, list[str]]
"""Terms, and the reasons why they are less than requested."""


@dataclass(frozen=True)
class Industry:
    """One industry: its ask, product, purpose and ceiling, and the expected terms of three personas."""

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


def reduced(terms: Terms, *more: str) -> Graded:
    return terms, ["REDUCED_FOR_TIER", *more]


INDUSTRIES = [
    Industry(
        "bike_share", "DEPOSIT_WAIVER", "BIKE_RIDE", ride, "299.00",
        waived("299.00", "0.00"), reduced(waived("239.20", "59.80")), reduced(waived("59.80", "239.20")),
    ),
    Industry(
        "harbour_bikes", "DEPOSIT_WAIVER", "BIKE_RIDE", partial(ride, "1500.00"), "1500.00",
        waived("1500.00", "0.00"), reduced(waived("1050.00", "450.00")), reduced(waived("300.00", "1200.00")),
    ),
    Industry(
        "car_rental", "DEPOSIT_WAIVER", "CAR_RENTAL", car, "3000.00",
        waived("3000.00", "0.00"), reduced(waived("2100.00", "900.00")), reduced(waived("600.00", "2400.00")),
    ),
    Industry(
        "housing", "DEPOSIT_WAIVER", "HOUSE_RENTAL", home, "8000.00",
        waived("8000.00", "0.00"), reduced(waived("5600.00", "2400.00")), reduced(waived("1600.00", "6400.00")),
    ),
    Industry(
        "hotel", "EXPRESS_CHECK_IN", "HOTEL_STAY", stay, "1800.00",
        room("0.00", "800.00", desk=False, pays_later=True),
        reduced(room("0.00", "800.00", desk=True, pays_later=False)),
        reduced(room("640.00", "160.00", desk=True, pays_later=False)),
    ),
    Industry(
        "lotus_hotels", "EXPRESS_CHECK_IN", "HOTEL_STAY", partial(stay, "1000.00", "600.00"), "2200.00",
        room("0.00", "1000.00", desk=False, pays_later=True),
        reduced(room("0.00", "1000.00", desk=True, pays_later=True)),
        reduced(room("800.00", "200.00", desk=True, pays_later=False)),
    ),
    Industry(
        "online_shop", "PAY_LATER", "ONLINE_PURCHASE", order, "400.00",
        goods("400.00"), (goods("400.00"), []), (goods("400.00"), []),
    ),
    Industry(
        "retail_store", "PAY_LATER", "STORE_PURCHASE", purchase, "268.00",
        goods("268.00"), (goods("268.00"), ["TERM_SHORTENED"]), (goods("268.00"), ["TERM_SHORTENED"]),
    ),
    Industry(
        "lender", "CREDIT_OFFER", "LENDING", credit, "10000.00",
        loan("10000.00", "10.00", "2.00", "P365D"),
        reduced(loan("8000.00", "10.75", "1.25", "P365D")),
        reduced(loan("2000.00", "11.75", "0.25", "P180D"), "TERM_SHORTENED"),
    ),
]  # fmt: skip


@pytest.fixture(params=INDUSTRIES, ids=lambda industry: industry.adapter)
def industry(request: pytest.FixtureRequest) -> Industry:
    param: Industry = request.param
    return param


@contextmanager
def request_decision(
    sandbox: Sandbox, industry: Industry, handle: str
) -> Iterator[tuple[MerchantClient, dict[str, Any]]]:
    """Yields the merchant and its decision, after the persona has allowed exactly this product and amount."""
    partner = MerchantClient(sandbox, industry.adapter)
    detail = {
        "type": "decision",
        "products": [industry.product],
        "maximum_amount": {"amount": industry.ceiling, "currency": "CNY"},
    }
    token = partner.token(handle, scope=None, authorization_details=[detail])
    decision = partner.request(token, industry.ask())["decision"]
    logged = partner.graphql(partner.merchant_token, LOG, reference=decision["merchantReference"]).data["decision"]
    decision["settlement"] = logged.pop("settlement")
    assert logged == {
        "status": decision["status"],
        "product": industry.product,
        "provenance": {"adapter": industry.adapter},
        "timeline": {"nodes": [{"topic": f"DECISION_{decision['status']}"}]},
    }
    try:
        yield partner, decision
    finally:
        partner.close()


def decide(sandbox: Sandbox, industry: Industry, handle: str) -> dict[str, Any]:
    """Returns the decision, after cancelling it."""
    with request_decision(sandbox, industry, handle) as (partner, decision):
        partner.release(decision)
    assert (decision["product"], decision["purpose"]) == (industry.product, industry.purpose)
    return decision


def codes(decision: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in decision["outcome"]["reasons"]]


def test_top_tier_gets_the_full_amount(sandbox: Sandbox, industry: Industry) -> None:
    decision = decide(sandbox, industry, "excellent")
    assert decision["status"] == "APPROVED"
    assert decision["settlement"] == {"due": {"amount": industry.ceiling, "currency": "CNY"}}
    assert decision["outcome"]["reasons"] == []
    assert industry.excellent.items() <= decision["outcome"]["terms"].items()


@pytest.mark.parametrize("handle", ["just-below", "fair"])
def test_lower_tiers_get_reduced_terms_with_reasons(sandbox: Sandbox, industry: Industry, handle: str) -> None:
    decision = decide(sandbox, industry, handle)
    terms, reasons = industry.fair if handle == "fair" else industry.just_below
    assert (decision["status"], codes(decision)) == ("APPROVED", reasons)
    assert terms.items() <= decision["outcome"]["terms"].items()


@pytest.mark.parametrize("handle", list(DECLINES))
def test_decline_has_a_reason_a_notice_and_a_date(sandbox: Sandbox, industry: Industry, handle: str) -> None:
    began = datetime.now(UTC)
    decision = decide(sandbox, industry, handle)
    code, message, delay = DECLINES[handle]
    assert (decision["status"], decision["availableTransitions"], decision["settlement"]) == ("DECLINED", [], None)
    outcome = decision["outcome"]
    assert outcome["reasons"] == [{"code": code, "message": message}]
    assert outcome["noticeText"] == NOTICE.format(message=message)
    assert began <= datetime.fromisoformat(outcome["retryAfter"]) - delay <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("handle", "reason", "too_much", "granted"),
    [
        ("excellent", "AMOUNT_ABOVE_TIER_LIMIT", ("5000.01", "P30D"), ("5000.00", "P30D")),
        ("just-below", "AMOUNT_ABOVE_TIER_LIMIT", ("4000.01", "P30D"), ("4000.00", "P30D")),
        ("fair", "TERM_TOO_LONG", ("500.00", "P8D"), ("500.00", "P7D")),
    ],
)
def test_order_beyond_the_tier_can_be_requested_smaller_at_once(
    shop: MerchantClient, handle: str, reason: str, too_much: tuple[str, str], granted: tuple[str, str]
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
