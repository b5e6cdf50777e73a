"""Consent at a point of sale (RFC 8628): it requests a code and polls, and the person decides on their phone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.asks import purchase
from tests.support.merchant_client import MerchantClient, order
from tests.support.point_of_sale import SALE, authorize_device, decide, error, poll, token_at_point_of_sale

TIER = {"type": "score", "level": "tier"}


def test_customer_allows_a_purchase(store: MerchantClient) -> None:
    device = authorize_device(store.app, SALE, TIER)
    assert error(poll(store.app, device["device_code"])) == "authorization_pending"
    assert error(poll(store.app, device["device_code"])) == "slow_down"

    person, phone = store.persona("excellent"), store.browser()
    path = device["verification_uri_complete"].removeprefix(store.credentials["issuer"])
    page = phone.open(path, person["username"], person["password"])
    page = phone.submit(page, "/device")
    assert "Demo Retail Store</bdi> asks for your permission" in page.text
    assert "Store 17" in page.text
    done = phone.submit(page, "/device", decision="allow")
    assert done.status_code == 303
    assert "Allowed" in phone.get(done.headers["location"]).text

    response = poll(store.app, device["device_code"])
    assert response.status_code == 200, response.text
    token = response.json()
    assert "refresh_token" not in token
    assert token["expires_in"] <= 900
    user = store.graphql(token["access_token"], "{ consentedUser { scoreTier { tier } } }").data["consentedUser"]
    assert user["scoreTier"]["tier"] == "EXCELLENT"

    decision = store.request(token["access_token"], purchase("268.00"))["decision"]
    assert (decision["status"], decision["purpose"]) == ("APPROVED", "STORE_PURCHASE")
    assert decision["outcome"]["terms"]["amount"] == {"amount": "268.00", "currency": "CNY"}
    assert error_codes(store.request(token["access_token"], purchase("268.00"))) == ["CONSENT_EXPIRED"]
    assert error(poll(store.app, device["device_code"])) == "invalid_grant"
    phone.http.close()


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        pytest.param(purchase("268.00", terminal="T-4"), "CONSENT_PRODUCT_NOT_COVERED", id="another-terminal"),
        pytest.param(purchase("268.00", store="Store 18"), "CONSENT_PRODUCT_NOT_COVERED", id="another-store"),
        pytest.param(purchase("268.01"), "CONSENT_AMOUNT_EXCEEDED", id="more"),
        pytest.param(purchase("267.99"), "CONSENT_AMOUNT_EXCEEDED", id="less"),
    ],
)
def test_other_purchase_than_the_allowed_one_fails(store: MerchantClient, ask: dict[str, Any], code: str) -> None:
    token = token_at_point_of_sale(store, "good")
    payload = store.request(token, ask)
    assert error_codes(payload) == [code]
    assert [each["field"] for each in payload["userErrors"]] == [["input", "ask"]]
    decision = store.request(token, purchase("268.00", "P14D"))["decision"]
    assert decision["status"] == "APPROVED", "a failed request does not use up the consent"
    store.release(decision)


@pytest.mark.parametrize(("handle", "days"), [("just-below", 21), ("good", 14), ("fair", 7)])
def test_lower_tiers_get_a_shorter_term(store: MerchantClient, handle: str, days: int) -> None:
    token = token_at_point_of_sale(store, handle)
    began = datetime.now(UTC)
    decision = store.request(token, purchase("268.00", "P30D"))["decision"]
    store.release(decision)
    outcome = decision["outcome"]
    assert (decision["status"], [reason["code"] for reason in outcome["reasons"]]) == ("APPROVED", ["TERM_SHORTENED"])
    assert outcome["terms"]["amount"] == {"amount": "268.00", "currency": "CNY"}
    asked_at = datetime.fromisoformat(outcome["terms"]["dueAt"]) - timedelta(days=days)
    assert began <= asked_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("handle", "reason"), [("building", "TIER_BELOW_REQUIRED"), ("overdue", "OPEN_OVERDUE_OBLIGATION")]
)
def test_purchase_is_declined(store: MerchantClient, handle: str, reason: str) -> None:
    decision = store.request(token_at_point_of_sale(store, handle), purchase("268.00"))["decision"]
    assert (decision["status"], [why["code"] for why in decision["outcome"]["reasons"]]) == ("DECLINED", [reason])


def test_consent_of_a_point_of_sale_does_not_cover_an_online_order(shop: MerchantClient) -> None:
    assert error_codes(shop.request(token_at_point_of_sale(shop, "good"), order("268.00"))) == [
        "CONSENT_PRODUCT_NOT_COVERED"
    ]


def test_customer_denies_a_purchase(store: MerchantClient) -> None:
    device = authorize_device(store.app)
    person, phone = store.persona("good"), store.browser()
    decide(phone, device["user_code"], "deny", username=person["username"], password=person["password"])
    assert error(poll(store.app, device["device_code"])) == "access_denied"
    phone.http.close()


def error_codes(payload: dict[str, Any]) -> list[str]:
    """Returns the error codes of a payload without a decision."""
    assert payload["decision"] is None
    return [problem["code"] for problem in payload["userErrors"]]
