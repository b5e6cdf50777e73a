"""Consent at the till (RFC 8628): the till asks and polls, the person scans its code with their own telephone."""

from tests.support.partner import Partner, order
from tests.support.till import SALE, asked, decide, error, poll

TIER = {"type": "score", "level": "tier"}


def test_customer_allows_at_the_till(shop: Partner) -> None:
    told = asked(shop.app, SALE, TIER)
    assert error(poll(shop.app, told["device_code"])) == "authorization_pending"
    assert error(poll(shop.app, told["device_code"])) == "slow_down"

    person, telephone = shop.persona("excellent"), shop.browser()
    path = told["verification_uri_complete"].removeprefix(shop.credentials["issuer"])
    page = telephone.open(path, person["username"], person["password"])
    page = telephone.submit(page, "/device")
    assert "Demo Online Shop asks for your permission" in page.text
    assert "Store 17" in page.text
    done = telephone.submit(page, "/device", decision="allow")
    assert done.status_code == 303
    assert "Allowed" in telephone.get(done.headers["location"]).text

    answer = poll(shop.app, told["device_code"])
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert "refresh_token" not in token
    assert token["expires_in"] <= 900
    user = shop.graphql(token["access_token"], "{ consentedUser { scoreTier { tier } } }").data["consentedUser"]
    assert user["scoreTier"]["tier"] == "EXCELLENT"
    elsewhere = shop.request(token["access_token"], order("100.00"))  # not from the till that the customer stood at
    assert elsewhere["decision"] is None
    assert [problem["code"] for problem in elsewhere["userErrors"]] == ["CONSENT_PRODUCT_NOT_COVERED"]
    assert error(poll(shop.app, told["device_code"])) == "invalid_grant"
    telephone.http.close()


def test_customer_refuses_at_the_till(shop: Partner) -> None:
    told = asked(shop.app)
    person, telephone = shop.persona("good"), shop.browser()
    decide(telephone, told["user_code"], "deny", username=person["username"], password=person["password"])
    assert error(poll(shop.app, told["device_code"])) == "access_denied"
    telephone.http.close()
