"""Revocation of a consent: it applies to the next request, and open decisions keep their terms."""

from tests.support.merchant_client import CANCEL, TIER, MerchantClient, car
from tests.support.oauth import Browser

VIEWER = "{ viewer { merchant { name } } }"


def test_revocation_applies_to_the_next_request(cars: MerchantClient) -> None:
    browser = cars.browser()
    tokens = cars.tokens("good", browser)
    assert cars.graphql(tokens["access_token"], TIER).status == 200

    _revoke_all(cars, browser, "good")

    response = cars.graphql(tokens["access_token"], VIEWER)
    assert (response.status, response.code) == (401, "UNAUTHENTICATED")
    refreshed = cars.app.refresh(tokens["refresh_token"])
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")
    browser.http.close()


def test_revocation_invalidates_an_unused_code(cars: MerchantClient) -> None:
    browser, person = cars.browser(), cars.persona("good")
    callback, verifier = cars.app.ask(browser, person["username"], person["password"])

    _revoke_all(cars, browser, "good")

    assert cars.app.redeem(callback["code"], verifier).json()["error"] == "invalid_grant"
    browser.http.close()


def test_open_decision_outlives_the_consent_and_can_be_cancelled(cars: MerchantClient) -> None:
    browser = cars.browser()
    token = str(cars.tokens("excellent", browser)["access_token"])
    decision = cars.request(token, car())["decision"]

    _revoke_all(cars, browser, "excellent")

    cancel = {"decisionId": decision["id"], "idempotencyKey": "once", "reason": "The customer changed plans"}
    payload = cars.graphql(cars.merchant_token, CANCEL, input=cancel).data["decisionCancel"]
    assert payload["decision"]["status"] == "CANCELLED"
    again = cars.graphql(cars.merchant_token, CANCEL, input={**cancel, "idempotencyKey": "other"}).data[
        "decisionCancel"
    ]
    assert again["userErrors"][0]["code"] == "INVALID_TRANSITION"
    assert again["userErrors"][0]["currentStatus"] == "CANCELLED"
    browser.http.close()


def test_revoking_one_consent_keeps_the_others(cars: MerchantClient, shop: MerchantClient) -> None:
    browser = cars.browser()
    first = str(cars.tokens("fair", browser)["access_token"])
    second = str(shop.tokens("fair", browser)["access_token"])
    account = browser.get("/account")
    actions = [line for line in account.text.split('"') if line.endswith("/revoke")]
    assert len(actions) >= 2

    browser.submit_and_confirm(account, actions[0])

    statuses = sorted([cars.graphql(first, VIEWER).status, shop.graphql(second, VIEWER).status])
    assert statuses == [200, 401]
    _revoke_all(cars, browser, "fair")
    browser.http.close()


def _revoke_all(partner: MerchantClient, browser: Browser, handle: str) -> None:
    """Revokes all consents of the persona, one form after the other."""
    while True:
        page = browser.open("/account", partner.persona(handle)["username"], partner.persona(handle)["password"])
        actions = [line for line in page.text.split('"') if line.endswith("/revoke")]
        if not actions:
            return
        assert browser.submit_and_confirm(page, actions[0]).status_code == 303
