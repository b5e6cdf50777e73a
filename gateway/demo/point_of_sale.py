"""The demo of a point of sale, without a browser of the merchant's and without a redirect: it shows a code, the person
agrees on their own phone, and the goods are paid later (RFC 8628)."""

import secrets
import time
from typing import Any

import httpx2
import segno

from gateway.demo.browser import Browser
from gateway.demo.demo import Demo, find_by
from gateway.demo.narrator import Narrator
from gateway.demo.operations import PURCHASE, TIER_ALONE
from gateway.demo.partner_app import APPS, PartnerApp
from gateway.domain.identity.client import DEVICE_CODE, FAPI2

STORE, TERMINAL, AMOUNT = "harbour-road", "till-3", "400.00"


class PointOfSaleDemo(Demo):
    """The demo retail store sells on credit, with its fapi2 client. `credentials` is what `gateway sandbox up
    --credentials` writes. Raises DemoFailed where they lack what the demo needs."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator) -> None:
        super().__init__(narrator)
        self._graphql: str = credentials["graphql"]
        merchant = find_by(credentials["merchants"], "adapter", "retail_store")
        self._app: PartnerApp = APPS[FAPI2](credentials["issuer"], find_by(merchant["clients"], "profile", FAPI2))
        self._persona = find_by(credentials["personas"], "handle", "excellent")

    def _run_steps(self) -> None:
        self._app.discover()
        with Browser() as browser:
            shown = self._ask()
            self._not_yet(shown["device_code"], shown["interval"])
            self._agree(browser, shown)
        token = self._collect(shown["device_code"], shown["interval"])
        self._read_tier(token)
        self._purchase(token)
        self._once_only(shown["device_code"])

    def _ask(self) -> dict[str, Any]:
        self._say.step("The till asks for a code: the tier, and a purchase of 400 yuan at this very till")
        answer = self._posted("device_authorization_endpoint", {"authorization_details": _details()}, show=_SHOWN)
        self._expect(answer.status_code == 200, "a code for the person", answer)
        shown: dict[str, Any] = answer.json()
        self._say.picture(segno.make(shown["verification_uri_complete"], error="l"))
        return shown

    def _not_yet(self, device_code: str, interval: int) -> None:
        self._say.step("The till asks whether the person has decided")
        answer = self._poll(device_code)
        pending = answer.status_code == 400 and answer.json()["error"] == "authorization_pending"
        self._expect(pending, "not yet", answer)
        self._due = time.monotonic() + interval

    def _agree(self, browser: Browser, shown: dict[str, Any]) -> None:
        name = self._persona["username"]
        self._say.step(f"The person scans it, signs in as {name} and types nothing: the code is filled in")
        page = browser.open(shown["verification_uri_complete"])
        page = browser.submit(page, {"username": name, "password": self._persona["password"]})
        page = browser.submit(page, {"user_code": shown["user_code"]})
        self._say.page(page)
        whole = all(part in page.text for part in (STORE, TERMINAL, "400"))
        self._expect(page.status_code == 200 and whole, "the store, the till and the amount", page)
        self._say.step("It is the till they stand at; they allow it")
        done = browser.submit(page, {"decision": "allow"})
        self._say.page(done)
        self._expect(done.status_code == 200, "a page that says so", done)

    def _collect(self, device_code: str, interval: int) -> str:
        self._say.step(f"The till asks again, {interval} seconds after the last time")
        time.sleep(max(0.0, self._due - time.monotonic()))
        answer = self._poll(device_code)
        token = answer.json()
        self._expect(answer.status_code == 200 and "refresh_token" not in token, "a token for this purchase", answer)
        return str(token["access_token"])

    def _read_tier(self, token: str) -> None:
        self._say.step("Read the tier")
        answer = self._app.query(self._graphql, token, {"query": TIER_ALONE})
        self._say.graphql(self._graphql, TIER_ALONE, {}, answer)
        tier = self._data(answer)["consentedUser"]["scoreTier"]["tier"]
        self._expect(tier == self._persona["tier"], "the persona's tier", answer)

    def _purchase(self, token: str) -> None:
        self._say.step("Request the decision: the very purchase that the person saw, paid later")
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
        answer = self._app.query(self._graphql, token, {"query": PURCHASE, "variables": variables})
        self._say.graphql(self._graphql, PURCHASE, variables, answer)
        decision = self._data(answer)["decisionRequest"]["decision"]
        self._expect(decision is not None and decision["status"] == "APPROVED", "an approved decision", answer)
        self._expect(decision["outcome"]["terms"]["amount"]["amount"] == AMOUNT, "the whole purchase", answer)

    def _once_only(self, device_code: str) -> None:
        self._say.step("The code has done its work: a second redemption is refused")
        answer = self._poll(device_code)
        self._expect(answer.status_code == 400 and answer.json()["error"] == "invalid_grant", "a refusal", answer)

    def _poll(self, device_code: str) -> httpx2.Response:
        return self._posted("token_endpoint", {"grant_type": DEVICE_CODE, "device_code": device_code})

    def _posted(self, endpoint: str, form: dict[str, str], show: tuple[str, ...] = ()) -> httpx2.Response:
        answer = self._app.post(endpoint, form)
        only = show if answer.status_code == 200 else ()
        self._say.exchange("POST", str(answer.url), form, answer, only=only, authentication=self._app.sends)
        return answer


_SHOWN = ("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")


def _details() -> str:
    return (
        '[{"type":"score","level":"tier"},'
        '{"type":"decision","products":["PAY_LATER"],'
        f'"maximum_amount":{{"amount":"{AMOUNT}","currency":"CNY"}},"store_id":"{STORE}","terminal_id":"{TERMINAL}"}}]'
    )
