"""The scenario of the HTTP tests: one persona, one merchant that requests decisions about that persona, and the
partner's business time."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2

from tests.support.exposure import read_exposure
from tests.support.merchant_client import MerchantClient, car, order, yuan
from tests.support.merchant_decision import TERMS, MerchantDecision, flat
from tests.support.oauth import forms
from tests.support.operators import Gateway
from tests.support.partner_time import PartnerTime, until
from tests.support.receipts import RECEIPT, claims_of
from tests.support.server import Sandbox
from tests.support.transitions import RESPOND

PREVIEW = f"""query ($input: DecisionPreviewInput!) {{ decisionPreview(input: $input) {{
  eligible blockers {{ code }} likelyOutcome {{ ... on Approval {{ {TERMS} }} }} }} }}"""
_DISPUTES = "query ($id: ID!) { decision(by: {id: $id}) { disputes { nodes { id status subject } } } }"

PERSONA = "threshold"
CREDIT_LIMIT = "30000.00"
"""The default credit limit of the top tier, in yuan. PERSONA's score just reaches that tier."""
GiveConsent = Callable[[MerchantClient, str], str]
"""Lets a persona, by handle, consent to a merchant. Returns the token of the new consent."""


def product_consent(product: str, ceiling: str) -> GiveConsent:
    """Gives consents to one product, up to an amount in yuan."""
    detail = {"type": "decision", "products": [product], "maximum_amount": yuan(ceiling)}
    return lambda merchant, handle: merchant.token(handle, scope=None, authorization_details=[detail])


class Scenario:
    """With `consent`, all requests to the merchant use one token. Without it each request uses the token of a new
    consent, which the persona gives in `browser`. `shop` is a second merchant: its decisions show whether exposure and
    overdue obligations count."""

    def __init__(
        self, sandbox: Sandbox, handle: str, adapter: str = "car_rental", consent: GiveConsent | None = None
    ) -> None:
        self.merchant, self.shop = MerchantClient(sandbox, adapter), MerchantClient(sandbox, "online_shop")
        self.operator = Gateway(sandbox.database_url, sandbox.folder, **sandbox.packages)
        self.time, self._database_url = PartnerTime(sandbox.database_url), sandbox.database_url
        self.browser, self.person = self.merchant.browser(), self.merchant.persona(handle)
        self._shared_token = consent(self.merchant, handle) if consent else None
        self._approved: list[MerchantDecision] = []

    def advance(self, **units: float) -> None:
        """Moves the partner's business time forward. Merchant tokens stay valid: they expire by wall time."""
        self.time.forward(timedelta(**units))

    def preview(self, ask: dict[str, Any]) -> dict[str, Any] | None:
        """Returns the terms that a request would probably get, None if it would be declined."""
        preview = self.merchant.graphql(self._token(self.merchant), PREVIEW, input={"ask": ask}).data["decisionPreview"]
        assert preview["blockers"] == []
        terms: dict[str, Any] | None = flat(preview["likelyOutcome"]).get("terms")
        assert preview["eligible"] is (terms is not None)
        return terms

    def request(self, ask: dict[str, Any], token: str | None = None) -> MerchantDecision:
        """Requests a decision and returns it. `token` replaces the token of the scenario. The status may be any."""
        began = self.time.now
        decision = self.merchant.request(token or self._token(self.merchant), ask)["decision"]
        return MerchantDecision(self.merchant, decision["id"], began)

    def approve(self, ask: dict[str, Any], *reasons: str) -> MerchantDecision:
        """Requests a decision that is approved by the merchant's own adapter, reduced for exactly these reasons.
        `close` ends it."""
        decision = self.request(ask)
        self._approved.append(decision)
        read = decision.read()
        assert read["status"] == "APPROVED", read
        assert [reason["code"] for reason in read["outcome"]["reasons"]] == list(reasons)
        assert read["provenance"] == {"adapter": self.merchant.merchant["adapter"]}
        return decision

    def decline(self, ask: dict[str, Any]) -> list[str]:
        """Requests a decision that is declined; returns the reasons."""
        decision = self.merchant.request(self._token(self.merchant), ask)["decision"]
        assert decision["status"] == "DECLINED", decision
        return [reason["code"] for reason in decision["outcome"]["reasons"]]

    def user_error(self, ask: dict[str, Any]) -> str:
        """Sends a request that fails; returns the code of its user error."""
        payload = self.merchant.request(self._token(self.merchant), ask)
        assert payload["decision"] is None
        (error,) = payload["userErrors"]
        return str(error["code"])

    def rental(self, deposit: str) -> MerchantDecision:
        """Requests and activates a car rental from tomorrow on, for three days with one day of grace."""
        decision = self.request(car(deposit, self.time.now))
        decision.transition("activate")
        return decision

    def shop_decline_reasons(self, amount: str) -> list[str]:
        """Requests an order at the shop and returns the reasons of the decline. Empty if it is approved: then the order
        is cancelled."""
        decision = self.shop.request(self._own_token(self.shop), order(amount))["decision"]
        self.shop.release(decision)
        return [] if decision["status"] == "APPROVED" else [reason["code"] for reason in decision["outcome"]["reasons"]]

    def wait_for(self, decision: MerchantDecision, event: str) -> list[str]:
        """Waits until the last entry of the timeline begins with `event`; returns the timeline."""
        return until(lambda: decision.timeline, lambda timeline: timeline[-1].startswith(event))

    def account_page(self) -> httpx2.Response:
        return self.browser.open("/account", self.person["username"], self.person["password"])

    def dispute_forms(self) -> list[str]:
        """The addresses of the account page's forms that contest a decision or withdraw a dispute."""
        addresses = [form.action for form in forms(self.account_page().text)]
        return [address for address in addresses if address.endswith(("/contest", "/withdraw"))]

    def agreement(self, contestable: MerchantDecision | None = None) -> str:
        """The account page's text about open agreements, "" if there are none. `contestable` is the only one that the
        person can contest."""
        page = self.account_page().text
        contest = [form.action for form in forms(page) if form.action.endswith("/contest")]
        assert contest == ([f"/account/decisions/{contestable.id}/contest"] if contestable else [])
        _, _, after = page.partition('id="agreements"')
        return unescape(after.partition("</section>")[0])

    def history_entry(self, merchant: str) -> str:
        """The account page's text about the newest decision of this merchant."""
        after = self.account_page().text.partition('id="decided"')[2].partition("</section>")[0]
        return unescape(next(item for item in after.split("<li>") if f">{merchant}</bdi>" in item))

    def submit_contest(self, decision: MerchantDecision, statement: str) -> httpx2.Response:
        """Submits the form that contests a decision and returns the response."""
        address = f"/account/decisions/{decision.id}/contest"
        return self.browser.submit(self.account_page(), address, statement=statement)

    def contest(self, decision: MerchantDecision, statement: str) -> str:
        """Contests a decision and returns the id of the new dispute."""
        response = self.submit_contest(decision, statement)
        assert (response.status_code, response.headers["location"]) == (303, "/account#agreements")
        return str(self.disputes(decision)[-1]["id"])

    def disputes(self, decision: MerchantDecision) -> list[dict[str, Any]]:
        """The disputes of a decision as its merchant sees them, oldest first."""
        read = self.merchant.graphql(self.merchant.merchant_token, _DISPUTES, id=decision.id).data["decision"]
        nodes: list[dict[str, Any]] = read["disputes"]["nodes"]
        return nodes

    def respond(self, dispute_id: str, *, accept: bool) -> dict[str, Any]:
        """Sends the merchant's response to a dispute and returns the payload."""
        command = {"disputeId": dispute_id, "idempotencyKey": dispute_id, "accept": accept}
        variables = {**command, "statement": "We have a photo."}
        payload: dict[str, Any] = self.merchant.graphql(self.merchant.merchant_token, RESPOND, input=variables).data[
            "disputeRespond"
        ]
        return payload

    def receipt(self, decision: MerchantDecision) -> tuple[str, str, str | None]:
        """The newest receipt's event, status, and outstanding amount (None without a settlement)."""
        read = self.merchant.graphql(self.merchant.merchant_token, RECEIPT, id=decision.id).data["decision"]
        claims = claims_of(read["receipt"])["decision"]
        settlement = claims["settlement"]
        return claims["event"], claims["status"], settlement and settlement["outstanding"]["amount"]

    @property
    def exposure(self) -> str:
        """The person's exposure in yuan, from the database: no response of the API has it."""
        return read_exposure(self._database_url, self.person["username"]).amount

    def assert_reconciled(self) -> None:
        """Asserts that decisions, totals, logs and messages agree."""
        assert "agree with each other" in self.operator.output("database", "check", "--deep")

    def close(self) -> None:
        """Ends the approved decisions, which use the persona's credit limit, and closes the connections."""
        for decision in self._approved:
            decision.end()
        self.browser.http.close()
        self.shop.close()
        self.merchant.close()

    def _token(self, merchant: MerchantClient) -> str:
        return self._shared_token or self._own_token(merchant)

    def _own_token(self, merchant: MerchantClient) -> str:
        return merchant.token(self.person["handle"], browser=self.browser)


OpenScenario = Callable[[str, GiveConsent], Scenario]
"""Takes an adapter and a consent; returns the scenario of PERSONA at that merchant."""
AvailableIs = Callable[[str], bool]
"""Whether an amount is exactly PERSONA's available limit."""
