"""Two merchants ask about one person at the same moment. Together they never get more than the credit limit."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.support.asks import home
from tests.support.at_once import at_once
from tests.support.merchant_client import MerchantClient, car, order
from tests.support.server import Sandbox

pytestmark = pytest.mark.postgresql

CREDIT_LIMIT, LIMIT_REACHED = 30_000, ("EXPOSURE_LIMIT_REACHED",)


@pytest.fixture
def merchants(default_limits_sandbox: Sandbox) -> Iterator[dict[str, MerchantClient]]:
    """Three merchants by adapter, with the default credit limits."""
    merchants = {
        adapter: MerchantClient(default_limits_sandbox, adapter) for adapter in ("car_rental", "online_shop", "housing")
    }
    yield merchants
    for merchant in merchants.values():
        merchant.close()


def test_approvals_never_pass_the_credit_limit(merchants: dict[str, MerchantClient]) -> None:
    cars, shop = merchants["car_rental"], merchants["online_shop"]
    decisions = decide_at_once([(cars, car("10000.00")), (shop, order("4000.00"))] * 4)
    approved = [decision for decision in decisions if decision["status"] == "APPROVED"]
    declined = [decision for decision in decisions if decision["status"] == "DECLINED"]
    for decision in approved:
        (cars if decision["product"] == "DEPOSIT_WAIVER" else shop).release(decision)
    assert {reason_codes(decision) for decision in declined} == {LIMIT_REACHED}
    assert len(approved) + len(declined) == len(decisions)
    assert 0 < sum(map(exposure, approved)) <= CREDIT_LIMIT


def test_last_approvals_are_reduced_to_the_available_limit(merchants: dict[str, MerchantClient]) -> None:
    """In any order four requests are approved in full. Then 1,000 or 2,000 yuan are available to at least one merchant,
    because exposure of up to half of the limit at the other one counts as half of it, 15,000 yuan."""
    cars, homes = merchants["car_rental"], merchants["housing"]
    decisions = decide_at_once([(cars, car("7000.00")), (homes, home("7000.00"))] * 5)
    approved = [decision for decision in decisions if decision["status"] == "APPROVED"]
    full = [decision for decision in approved if not reason_codes(decision)]
    reduced = [decision for decision in approved if reason_codes(decision)]
    entries = account_entries(cars)
    for decision in approved:
        (cars if decision["purpose"] == "CAR_RENTAL" else homes).release(decision)
    assert [exposure(decision) for decision in full] == [7000] * 4
    assert reduced
    assert {exposure(decision) for decision in reduced} <= {1000, 2000}
    assert {reason_codes(decision) for decision in decisions if decision not in full} == {LIMIT_REACHED}
    assert sum(map(exposure, approved)) <= CREDIT_LIMIT

    for decision in reduced:
        amounts = f"Approved: CN¥{exposure(decision):,.0f} of CN¥7,000.</p>"
        (entry, *_) = [entry for entry in entries if amounts in entry]
        assert "Your open agreements leave too little of your limit for the full amount." in entry
        assert "Complete or cancel an open agreement, or ask for a smaller amount." in entry
    assert len([entry for entry in entries if "Approved: CN¥7,000.</p>" in entry]) == 4
    assert len([entry for entry in entries if "Declined: CN¥7,000.</p>" in entry]) == len(decisions) - len(approved)


def decide_at_once(asks: list[tuple[MerchantClient, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the decisions on requests that two merchants send at the same moment about one person."""
    tokens = {id(partner): partner.token() for partner, _ in asks[:2]}
    calls = [partial(partner.request, tokens[id(partner)], ask) for partner, ask in asks]
    payloads = [payload for payload in at_once(calls) if not isinstance(payload, Exception)]
    assert len(payloads) == len(asks)
    return [payload["decision"] for payload in payloads]


def reason_codes(decision: dict[str, Any]) -> tuple[str, ...]:
    return tuple(reason["code"] for reason in decision["outcome"]["reasons"])


def exposure(decision: dict[str, Any]) -> Decimal:
    terms = decision["outcome"]["terms"]
    return Decimal((terms.get("waivedAmount") or terms["amount"])["amount"])


def account_entries(partner: MerchantClient) -> list[str]:
    """The entries about decisions on the persona's account page."""
    browser, person = partner.browser(), partner.persona("excellent")
    page = browser.open("/account", person["username"], person["password"]).text
    browser.http.close()
    return page.partition('id="decided"')[2].partition("</section>")[0].split("<li>")
