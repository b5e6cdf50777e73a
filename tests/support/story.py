"""One person, a merchant that they make promises to, a shop where they ask next, and the time between."""

from datetime import timedelta
from html import unescape
from typing import Any

import httpx2

from tests.support.exposure import read_exposure
from tests.support.oauth import forms
from tests.support.partner import Partner, car, order
from tests.support.partner_time import PartnerTime, until
from tests.support.promise import Promise
from tests.support.receipts import RECEIPT, claims_of
from tests.support.server import Sandbox

_DISPUTES = "query ($id: ID!) { decision(by: {id: $id}) { disputes { nodes { id status subject } } } }"


class Story:
    """Of one persona, who has one browser. Each request is made under a consent of its own, given in that browser."""

    def __init__(self, sandbox: Sandbox, handle: str, adapter: str = "car_rental") -> None:
        self.merchant, self.shop = Partner(sandbox, adapter), Partner(sandbox, "online_shop")
        self.time, self._database_url = PartnerTime(sandbox.database_url), sandbox.database_url
        self.browser, self.person = self.merchant.browser(), self.merchant.persona(handle)

    def later(self, **units: float) -> None:
        """Moves the partner's time on. The merchants' tokens go on: they have wall time."""
        self.time.forward(timedelta(**units))

    def asked(self, ask: dict[str, Any], token: str | None = None) -> Promise:
        """What the merchant is answered, whatever that is, under a consent of its own or another one's token."""
        now, token = self.time.now, token or self._token(self.merchant)
        return Promise(self.merchant, self.merchant.request(token, ask)["decision"]["id"], now)

    def rental(self, deposit: str) -> Promise:
        """A car from tomorrow on, for three days and a day's grace: approved and handed over."""
        promise = self.asked(car(deposit, self.time.now))
        promise.move("activate")
        return promise

    def elsewhere(self, amount: str) -> list[str]:
        """Why the shop declines an order of this amount; nothing if it is granted, and called off again then."""
        decision = self.shop.request(self._token(self.shop), order(amount))["decision"]
        self.shop.release(decision)
        return [] if decision["status"] == "APPROVED" else [why["code"] for why in decision["outcome"]["reasons"]]

    def happened(self, promise: Promise, event: str) -> list[str]:
        """The promise's timeline, as soon as its last event begins so."""
        return until(lambda: promise.timeline, lambda told: told[-1].startswith(event))

    def page(self) -> httpx2.Response:
        return self.browser.open("/account", self.person["username"], self.person["password"])

    def agreement(self, promise: Promise | None = None) -> str:
        """What the page says of the person's one open agreement, "" for none; its form to contest must be the one of
        `promise`."""
        page = self.page().text
        actions = [form.action for form in forms(page) if form.action.endswith("/contest")]
        assert actions == ([f"/account/decisions/{promise.id}/contest"] if promise else [])
        _, _, after = page.partition('id="agreements"')
        return unescape(after.partition("</section>")[0])

    def decided_by(self, merchant: str) -> str:
        """What the page says of the newest decision that this merchant got about the person."""
        after = self.page().text.partition('id="decided"')[2].partition("</section>")[0]
        return unescape(next(item for item in after.split("<li>") if f"<strong>{merchant}</strong>" in item))

    def contest(self, promise: Promise, statement: str) -> str:
        """The person contests what is held against them. Answers the dispute's id."""
        action = f"/account/decisions/{promise.id}/contest"
        answer = self.browser.submit(self.page(), action, statement=statement)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account#agreements")
        return str(self.disputes(promise)[-1]["id"])

    def disputes(self, promise: Promise) -> list[dict[str, Any]]:
        """The promise's disputes as its merchant sees them, oldest first."""
        found = self.merchant.graphql(self.merchant.merchant_token, _DISPUTES, id=promise.id).data["decision"]
        nodes: list[dict[str, Any]] = found["disputes"]["nodes"]
        return nodes

    def receipt(self, promise: Promise) -> tuple[str, str, str | None]:
        """What the promise's newest receipt tells: the event, the status, and what is outstanding of an approval."""
        found = self.merchant.graphql(self.merchant.merchant_token, RECEIPT, id=promise.id).data["decision"]
        told = claims_of(found["receipt"])["decision"]
        left = told["settlement"]
        return told["event"], told["status"], left and left["outstanding"]["amount"]

    @property
    def exposure(self) -> str:
        """The person's exposure. While something counts against them no answer says it."""
        return read_exposure(self._database_url, self.person["username"]).amount

    def close(self) -> None:
        self.browser.http.close()
        self.shop.close()
        self.merchant.close()

    def _token(self, merchant: Partner) -> str:
        return merchant.token(self.person["handle"], browser=self.browser)
