"""A mixed load on one merchant until its server stops: decisions that go through their lifecycle, disputes that the
person opens on the account page, and manual reviews that the operator decides."""

import random
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx2

from tests.support.merchant_client import MerchantClient, request_input, yuan
from tests.support.oauth import forms
from tests.support.operators import Gateway
from tests.support.plain_http import plain_client
from tests.support.referring import APPROVED_DEPOSIT, BOATS, REVIEWED_DEPOSIT, boat
from tests.support.server import Sandbox
from tests.support.transitions import REQUEST, TRANSITIONS, transition_input

DISPUTES = "query ($id: ID!) { decision(by: {id: $id}) { disputes { nodes { id } } } }"
RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id } userErrors { code message } } }"""
LOOKUP = """query ($id: ID!) { decision(by: {id: $id}) { timeline { nodes {
  topic ... on DecisionEvent { actor } } } } }"""
NOT_RETURNED, UNANSWERED = ("activate",), ("activate", "breach", "contest")
PATHS: tuple[tuple[str, ...], ...] = (
    NOT_RETURNED,
    UNANSWERED,
    ("activate", "fulfill"),
    ("activate", "breach", "contest", "accept", "fulfill"),
    ("activate", "reduce", "part", "fulfill"),
    ("activate", "breach", "contest", "refuse"),
    ("activate", "breach", "fulfill"),
    ("activate", "breach", "contest", "withdraw"),
    ("activate", "extend", "part"),
    ("cancel",),
    ("activate", "breach"),
)
REVIEW_PATHS: tuple[tuple[str, ...], ...] = (("approve", "activate", "fulfill"), ("cancel",), ("decline",), ())
TOPICS: dict[str, tuple[str, ...]] = {
    "activate": ("DECISION_ACTIVATED",),
    "extend": ("DECISION_EXTENDED",),
    "reduce": ("DECISION_REDUCED",),
    "part": ("DECISION_PART_SETTLED",),
    "fulfill": ("DECISION_FULFILLED",),
    "breach": ("DECISION_BREACHED",),
    "cancel": ("DECISION_CANCELLED",),
    "contest": ("DISPUTE_OPENED",),
    "accept": ("DISPUTE_ANSWERED", "DECISION_BREACH_VOIDED", "DISPUTE_RESOLVED"),
    "refuse": ("DISPUTE_ANSWERED",),
    "withdraw": ("DISPUTE_RESOLVED",),
    "approve": ("DECISION_APPROVED",),
    "decline": ("DECISION_DECLINED",),
}
"""The topics that each act adds to the timeline."""


@dataclass
class Acknowledged:
    """The acts that the server has confirmed, by decision id. `topics` has the topics of confirmed acts in order,
    `in_flight` those of an act without a response, and `completed` the decisions at the end of each path, oldest
    first."""

    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    in_flight: dict[str, tuple[str, ...]] = field(default_factory=dict)
    completed: dict[tuple[str, ...], list[str]] = field(
        default_factory=lambda: {path: [] for path in (*PATHS, *REVIEW_PATHS)}
    )

    def confirm(self, decision_id: str, *topics: str) -> None:
        """Adds the topics of a confirmed act."""
        self.topics[decision_id] = (*self.topics.get(decision_id, ()), *topics)


def timeline(partner: MerchantClient, decision_id: str) -> list[dict[str, Any]]:
    """The timeline of a decision, oldest first: topics, and the actor of each event that is not about a dispute."""
    decision = partner.graphql(partner.merchant_token, LOOKUP, id=decision_id).data["decision"]
    events: list[dict[str, Any]] = decision["timeline"]["nodes"]
    return events


class Load:
    """The writing threads of one run of the sandbox. `now` is the partner's business time, which does not change."""

    def __init__(self, sandbox: Sandbox, acknowledged: Acknowledged, now: datetime, seed: int) -> None:
        self._acknowledged, self._now, self._seed = acknowledged, now, seed
        self._operator = Gateway(sandbox.database_url, sandbox.folder, **sandbox.packages)
        self._partner = MerchantClient(sandbox, BOATS)
        # Half of the overdue decisions of earlier loads are contested.
        self._overdue = acknowledged.completed[NOT_RETURNED][1::2]
        writers = ((PATHS, "excellent", 3), (REVIEW_PATHS, "fair", 1))
        self._threads = [
            threading.Thread(target=self._write, args=(paths, number, *person))
            for paths, handle, count in writers
            for person in [self._person(handle)]
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def topics_of(self, decision_id: str) -> list[str]:
        """The topics on the timeline of a decision."""
        return [event["topic"] for event in timeline(self._partner, decision_id)]

    def join(self) -> None:
        """Waits for the writers. Their server must have stopped."""
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        self._partner.close()

    def _person(self, handle: str) -> tuple[str, httpx2.Cookies, str]:
        """A token for the persona, and the cookies and CSRF token of their browser."""
        browser = self._partner.browser()
        details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"]}]
        token = self._partner.token(handle, browser=browser, scope=None, authorization_details=details)
        csrf = forms(browser.get("/account").text)[0].fields["csrf_token"]
        browser.http.close()
        return token, browser.http.cookies, csrf

    def _write(
        self, paths: tuple[tuple[str, ...], ...], number: int, token: str, cookies: httpx2.Cookies, csrf: str
    ) -> None:
        generator = random.Random(self._seed + number)
        deposit = REVIEWED_DEPOSIT if paths is REVIEW_PATHS else APPROVED_DEPOSIT
        with plain_client(self._partner.credentials["issuer"], cookies=cookies) as http:
            writer = _Writer(http, self._partner.merchant_token, csrf, self._operator, self._acknowledged, self._now)
            try:
                while True:
                    for path in generator.sample(paths, len(paths)):
                        decision_id = writer.request(token, deposit)
                        for act in path:
                            writer.take(act, decision_id)
                        self._acknowledged.completed[path].append(decision_id)
                        if paths is PATHS and self._overdue:
                            writer.contest_if_overdue(self._overdue.pop())
            except httpx2.TransportError:
                return


class _Writer:
    def __init__(
        self,
        http: httpx2.Client,
        merchant_token: str,
        csrf: str,
        operator: Gateway,
        acknowledged: Acknowledged,
        now: datetime,
    ) -> None:
        self._http, self._merchant_token, self._csrf = http, merchant_token, csrf
        self._operator, self._acknowledged, self._now = operator, acknowledged, now

    def request(self, token: str, deposit: str) -> str:
        # Small amounts, so that a load never reaches the ceiling of its consent.
        decision = self._call(token, REQUEST, input=request_input(boat(deposit)))["decision"]
        self._acknowledged.confirm(decision["id"], f"DECISION_{decision['status']}")
        return str(decision["id"])

    def take(self, act: str, decision_id: str) -> None:
        dispute_id = self._dispute(decision_id) if act in {"accept", "refuse", "withdraw"} else ""
        self._acknowledged.in_flight[decision_id] = TOPICS[act]
        match act:
            case "contest":
                assert self._contest(decision_id) == 303
            case "withdraw":
                assert self._submit(f"/account/disputes/{dispute_id}/withdraw", confirmed="yes") == 303
            case "accept" | "refuse":
                dispute_response = {
                    "disputeId": dispute_id,
                    "idempotencyKey": dispute_id,
                    "statement": "We have looked.",
                }
                self._call(self._merchant_token, RESPOND, input={**dispute_response, "accept": act == "accept"})
            case "approve" | "decline":
                self._operator.output("decisions", "review", decision_id, f"--{act}")
            case _:
                more = {"dueAt": (self._now + timedelta(days=60)).isoformat()} if act == "extend" else {}
                command = transition_input(act, decision_id, amount=yuan("5.00" if act == "reduce" else "1.00"), **more)
                self._call(self._merchant_token, TRANSITIONS[act].document, input=command)
        self._acknowledged.confirm(decision_id, *TOPICS[act])
        del self._acknowledged.in_flight[decision_id]

    def contest_if_overdue(self, decision_id: str) -> None:
        """Contests a decision. The response may be 409: the flag may not be set yet, or may have expired."""
        self._acknowledged.in_flight[decision_id] = TOPICS["contest"]
        status = self._contest(decision_id)
        assert status in {303, 409}
        if status == 303:
            self._acknowledged.confirm(decision_id, *TOPICS["contest"])
        del self._acknowledged.in_flight[decision_id]

    def _contest(self, decision_id: str) -> int:
        # A statement of its own, because the same form sent twice has the same response.
        statement = f"I brought it back. {token_hex(8)}"
        return self._submit(f"/account/decisions/{decision_id}/contest", statement=statement)

    def _submit(self, path: str, **form: str) -> int:
        response = self._http.post(path, data={"csrf_token": self._csrf, **form}, follow_redirects=False)
        return response.status_code

    def _dispute(self, decision_id: str) -> str:
        return str(self._call(self._merchant_token, DISPUTES, id=decision_id)["disputes"]["nodes"][-1]["id"])

    def _call(self, bearer: str, document: str, **variables: Any) -> dict[str, Any]:
        response = self._http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {bearer}"},
        )
        payload: dict[str, Any]
        (payload,) = response.json()["data"].values()
        assert payload.get("userErrors", []) == [], payload
        return payload
