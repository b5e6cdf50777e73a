"""The demo of a point of sale, which has no browser: it shows a code, the person allows the purchase on their phone,
and pays later (device authorization grant, RFC 8628)."""

import secrets
import time
from typing import Any

import httpx2
import segno

from gateway.demo.browser import Browser
from gateway.demo.demo import Demo
from gateway.demo.narrator import Narrator
from gateway.demo.operations import PURCHASE, TIER_ALONE
from gateway.domain.identity.client import DEVICE_CODE, FAPI2

STORE, TERMINAL, AMOUNT = "harbour-road", "checkout-3", "400.00"


class PointOfSaleDemo(Demo):
    """The demo retail store sells on credit, with its fapi2 client."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator) -> None:
        super().__init__(credentials, narrator, "retail_store", FAPI2)

    def _run_steps(self) -> None:
        self._app.discover()
        with Browser() as browser:
            authorization = self._request_code()
            self._poll_before_consent(authorization["device_code"], authorization["interval"])
            self._get_consent(browser, authorization)
        token = self._poll_after_consent(authorization["device_code"], authorization["interval"])
        self._read_tier(token)
        self._request_decision(token)
        self._redeem_again(authorization["device_code"])

    def _request_code(self) -> dict[str, Any]:
        self._narrator.begin_step("The point of sale requests a code for a purchase of 400 yuan (RFC 8628)")
        response = self._post_form(
            "device_authorization_endpoint", {"authorization_details": _details()}, members=_PRINTED
        )
        self._expect(response.status_code == 200, "a code for the person", response)
        authorization: dict[str, Any] = response.json()
        self._narrator.print_qr_code(segno.make(authorization["verification_uri_complete"], error="l"))
        return authorization

    def _poll_before_consent(self, device_code: str, interval: int) -> None:
        self._narrator.begin_step("The point of sale polls: the person has not decided yet")
        response = self._poll(device_code)
        pending = response.status_code == 400 and response.json()["error"] == "authorization_pending"
        self._expect(pending, "authorization_pending", response)
        self._next_poll_at = time.monotonic() + interval

    def _get_consent(self, browser: Browser, authorization: dict[str, Any]) -> None:
        name = self._persona["username"]
        self._narrator.begin_step(f"The person scans the code and signs in as {name}")
        page = browser.open(authorization["verification_uri_complete"])
        page = browser.submit(page, {"username": name, "password": self._persona["password"]})
        page = browser.submit(page, {"user_code": authorization["user_code"]})
        self._narrator.print_page(page)
        complete = all(part in page.text for part in (STORE, TERMINAL, "400"))
        self._expect(page.status_code == 200 and complete, "a page with the store, the terminal and the amount", page)
        self._narrator.begin_step("The person is at this terminal, and allows the purchase")
        done = browser.submit(page, {"decision": "allow"})
        self._narrator.print_page(done)
        self._expect(done.status_code == 200, "the confirmation", done)

    def _poll_after_consent(self, device_code: str, interval: int) -> str:
        self._narrator.begin_step(f"The point of sale polls again after {interval} seconds and gets a token")
        time.sleep(max(0.0, self._next_poll_at - time.monotonic()))
        response = self._poll(device_code)
        token = response.json()
        self._expect(
            response.status_code == 200 and "refresh_token" not in token, "a token for this purchase", response
        )
        self._consent_id = str(token["grant_id"])
        return str(token["access_token"])

    def _read_tier(self, token: str) -> None:
        self._narrator.begin_step("Query the tier")
        response = self._app.query(self._graphql, token, {"query": TIER_ALONE})
        self._narrator.print_graphql(self._graphql, TIER_ALONE, {}, response)
        tier = self._data(response)["consentedUser"]["scoreTier"]["tier"]
        self._expect(tier == self._persona["tier"], "the persona's tier", response)

    def _request_decision(self, token: str) -> None:
        self._narrator.begin_step("Request the decision: the purchase on the page, paid later")
        variables = {
            "input": {
                "idempotencyKey": secrets.token_hex(16),
                "merchantReference": f"receipt-{secrets.token_hex(4)}",
                "ask": {
                    "storePurchase": {
                        "amount": {"amount": AMOUNT, "currency": "CNY"},
                        "payWithin": "P30D",
                        "storeId": STORE,
                        "terminalId": TERMINAL,
                    }
                },
            }
        }
        response = self._app.query(self._graphql, token, {"query": PURCHASE, "variables": variables})
        self._narrator.print_graphql(self._graphql, PURCHASE, variables, response)
        decision = self._data(response)["decisionRequest"]["decision"]
        self._decision_id = decision and str(decision["id"])
        self._expect(decision is not None and decision["status"] == "APPROVED", "an approved decision", response)
        self._expect(decision["outcome"]["terms"]["amount"]["amount"] == AMOUNT, "the whole purchase", response)

    def _redeem_again(self, device_code: str) -> None:
        self._narrator.begin_step("The code cannot be redeemed a second time")
        response = self._poll(device_code)
        self._expect(
            response.status_code == 400 and response.json()["error"] == "invalid_grant", "invalid_grant", response
        )

    def _poll(self, device_code: str) -> httpx2.Response:
        return self._post_form("token_endpoint", {"grant_type": DEVICE_CODE, "device_code": device_code})

    def _post_form(self, endpoint: str, form: dict[str, str], members: tuple[str, ...] = ()) -> httpx2.Response:
        response = self._app.post(endpoint, form)
        only = members if response.status_code == 200 else ()
        self._narrator.print_exchange(
            "POST", str(response.url), form, response, only=only, authentication=self._app.authentication
        )
        return response


_PRINTED = ("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")


def _details() -> str:
    return (
        '[{"type":"score","level":"tier"},'
        '{"type":"decision","products":["PAY_LATER"],'
        f'"maximum_amount":{{"amount":"{AMOUNT}","currency":"CNY"}},"store_id":"{STORE}","terminal_id":"{TERMINAL}"}}]'
    )
