"""A breach is contested over HTTP: by the person on their account page, answered by the merchant's system, decided by
the operator; and what is not theirs stays out of reach."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.life import MOVES, moving
from tests.support.oauth import Browser, forms
from tests.support.operators import Gateway
from tests.support.partner import Partner, car
from tests.support.server import Sandbox

RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id status statement } userErrors { code } } }"""
DISPUTES = """query ($id: ID!) { decision(by: {id: $id}) { status availableTransitions
  disputes { nodes { id status resolution } } timeline { nodes { topic } } } }"""
WORDS = "I brought it back on Tuesday.\nAsk your colleague at the <desk>."


class Told:
    """The car rental, a persona's browser on their account page, and a breach that was reported."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.partner = Partner(sandbox)
        self.operator = Gateway(sandbox.database_url, folder)
        self.browser = self.partner.browser()
        self.person = self.partner.persona("excellent")

    def page(self) -> httpx2.Response:
        return self.browser.open("/account", self.person["username"], self.person["password"])

    def breach(self) -> str:
        decision = str(self.partner.request(self.partner.token(), car("500.00"))["decision"]["id"])
        for move in ("activate", "breach"):
            self.move(move, decision)
        return decision

    def move(self, move: str, decision: str) -> None:
        given = moving(move, decision)
        (payload,) = self.partner.graphql(self.partner.merchant_token, MOVES[move].document, input=given).data.values()
        assert payload["userErrors"] == []

    def contest(self, decision: str, statement: str = WORDS) -> httpx2.Response:
        return self.browser.submit(self.page(), f"/account/decisions/{decision}/contest", statement=statement)

    def seen(self, decision: str) -> dict[str, Any]:
        found: dict[str, Any] = self.partner.graphql(self.partner.merchant_token, DISPUTES, id=decision).data[
            "decision"
        ]
        return found

    def respond(self, dispute: str, *, accept: bool) -> dict[str, Any]:
        given = {"disputeId": dispute, "idempotencyKey": dispute, "accept": accept, "statement": "We have a photo."}
        answer = self.partner.graphql(self.partner.merchant_token, RESPOND, input=given).data["disputeRespond"]
        assert answer["userErrors"] == []
        found: dict[str, Any] = answer["dispute"]
        return found


@pytest.fixture
def told(own_sandbox: Sandbox, tmp_path: Path) -> Iterator[Told]:
    made = Told(own_sandbox, own_sandbox.folder)
    yield made
    made.browser.http.close()
    made.partner.close()


def actions(page: httpx2.Response) -> list[str]:
    return [form.action for form in forms(page.text) if "/contest" in form.action or "/withdraw" in form.action]


def test_from_the_account_page_to_the_operators_decision(told: Told) -> None:
    decision = told.breach()
    page = told.page()
    assert actions(page) == [f"/account/decisions/{decision}/contest"]
    assert "reported on" in page.text
    assert "not paid" in page.text
    assert "CN¥500 are open" in page.text

    answer = told.contest(decision)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account#agreements")
    (dispute,) = told.seen(decision)["disputes"]["nodes"]
    page = told.page()
    assert "it does not count against you" in page.text
    assert actions(page) == [f"/account/disputes/{dispute['id']}/withdraw"]

    assert told.respond(dispute["id"], accept=False)["statement"] == WORDS
    page = told.page()
    assert "does not agree" in page.text
    assert "We have a photo." in page.text
    assert dispute["id"] in told.operator.answer("disputes", "list")
    shown = told.operator.answer("disputes", "show", dispute["id"])
    assert "Ask your colleague at the <desk>." in shown
    assert "Say --uphold or --reject" in told.operator.refusal("disputes", "resolve", dispute["id"], "--note", "x")
    said = told.operator.answer("disputes", "resolve", dispute["id"], "--reject", "--note", "The photo is clear.")
    assert said == f"{dispute['id']} is REJECTED."
    assert told.operator.answer("disputes", "list") == "No dispute is open."

    page = told.page()
    assert "decided that it counts" in page.text
    assert "The photo is clear." in page.text
    assert actions(page) == []
    refused = told.partner.request(told.partner.token(), car("100.00"))["decision"]
    assert [reason["code"] for reason in refused["outcome"]["reasons"]] == ["OPEN_OVERDUE_OBLIGATION"]
    told.move("fulfill", decision)
    assert told.partner.request(told.partner.token(), car("100.00"))["decision"]["status"] == "APPROVED"
    topics = [node["topic"] for node in told.seen(decision)["timeline"]["nodes"]]
    assert topics == [
        "DECISION_APPROVED",
        "DECISION_ACTIVATED",
        "DECISION_BREACHED",
        "DISPUTE_OPENED",
        "DISPUTE_ANSWERED",
        "DISPUTE_RESOLVED",
        "DECISION_FULFILLED",
    ]
    assert "agree with each other" in told.operator.answer("database", "check", "--deep")


def test_accepted_withdrawn_and_out_of_reach(told: Told) -> None:
    decision = told.breach()
    too_much = told.contest(decision, "x" * 2001)
    assert (too_much.status_code, "2000 characters" in too_much.text) == (422, True)
    assert told.contest(decision, " \r\n ").status_code == 422
    assert told.contest(decision).status_code == 303
    (accepted,) = told.seen(decision)["disputes"]["nodes"]
    assert told.respond(accepted["id"], accept=True)["status"] == "UPHELD"
    after = told.seen(decision)
    assert (after["status"], after["availableTransitions"]) == ("ACTIVE", ["EXTEND", "FULFILL"])
    told.move("fulfill", decision)

    decision = told.breach()
    assert told.contest(decision).status_code == 303
    (first,) = told.seen(decision)["disputes"]["nodes"]
    page = told.page()
    assert "it counts, and you cannot contest it again" in page.text
    assert told.browser.submit(page, f"/account/disputes/{first['id']}/withdraw").status_code == 303
    assert "You no longer contest this." in told.page().text
    assert actions(told.page()) == []

    other = told.partner.browser()
    person = told.partner.persona("good")
    page = other.open("/account", person["username"], person["password"])
    assert "Your open agreements" not in page.text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
    for path in (
        f"/account/decisions/{decision}/contest",
        "/account/decisions/dec_test_none/contest",
        "/account/decisions/%00/contest",
        f"/account/disputes/{first['id']}/withdraw",
        "/account/disputes/%00/withdraw",
    ):
        assert _post(other, path, {"csrf_token": token, "statement": "mine"}) == 404
    own = told.browser
    token = re.findall(r'name="csrf_token" value="([^"]+)"', told.page().text)[0]
    assert _post(own, f"/account/decisions/{decision}/contest", {"csrf_token": token, "statement": "again"}) == 409
    assert _post(own, f"/account/disputes/{first['id']}/withdraw", {"csrf_token": token}) == 409
    assert _post(own, f"/account/disputes/{first['id']}/withdraw", {"csrf_token": "x"}) == 403
    other.http.close()


def _post(browser: Browser, path: str, form: dict[str, str]) -> int:
    return browser.http.post(path, data=form, follow_redirects=False).status_code
