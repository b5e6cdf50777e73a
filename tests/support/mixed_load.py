"""A mixed load on one merchant, for as long as its server answers: promises that are walked through their life and
contested by the person on their account page, and manual reviews that the operator decides."""

import random
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tests.support.life import MOVES, REQUEST, moving
from tests.support.oauth import forms
from tests.support.operators import Gateway
from tests.support.partner import Partner, request_input, yuan
from tests.support.referring import BOATS, boat
from tests.support.server import Sandbox

DISPUTES = "query ($id: ID!) { decision(by: {id: $id}) { disputes { nodes { id } } } }"
RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id } userErrors { code message } } }"""
LOOKUP = """query ($id: ID!) { decision(by: {id: $id}) { timeline { nodes {
  topic ... on DecisionEvent { actor } } } } }"""
LEFT_ALONE, UNANSWERED = ("activate",), ("activate", "breach", "contest")
WALKS: tuple[tuple[str, ...], ...] = (
    LEFT_ALONE,
    UNANSWERED,
    ("activate", "fulfill"),
    ("activate", "breach", "contest", "accept", "fulfill"),
    ("activate", "part", "fulfill"),
    ("activate", "breach", "contest", "refuse"),
    ("activate", "breach", "fulfill"),
    ("activate", "breach", "contest", "withdraw"),
    ("activate", "extend", "part"),
    ("cancel",),
    ("activate", "breach"),
)
REFERRED: tuple[tuple[str, ...], ...] = (("approve", "activate", "fulfill"), ("cancel",), ("decline",), ())
TOPICS: dict[str, tuple[str, ...]] = {
    "activate": ("DECISION_ACTIVATED",),
    "extend": ("DECISION_EXTENDED",),
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
"""What each act leaves on the timeline."""


@dataclass
class Told:
    """What has been answered about decisions, by id: the topics of the acts, in order, and those of the act that was
    under way when its server was gone. `walked` are the decisions that have come to the end of a walk, oldest first."""

    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    under_way: dict[str, tuple[str, ...]] = field(default_factory=dict)
    walked: dict[tuple[str, ...], list[str]] = field(default_factory=lambda: {walk: [] for walk in (*WALKS, *REFERRED)})

    def answered(self, decision_id: str, *topics: str) -> None:
        self.topics[decision_id] = (*self.topics.get(decision_id, ()), *topics)


def timeline(partner: Partner, decision_id: str) -> list[dict[str, Any]]:
    """What happened to a decision, oldest first: topics, and who did it where it is not about a dispute."""
    found = partner.graphql(partner.merchant_token, LOOKUP, id=decision_id).data["decision"]
    events: list[dict[str, Any]] = found["timeline"]["nodes"]
    return events


class Load:
    """Writers over one start of the sandbox. `now` is the partner's time, which stands still as long as they write."""

    def __init__(self, sandbox: Sandbox, told: Told, now: datetime, seed: int) -> None:
        self._told, self._now, self._seed = told, now, seed
        self._operator = Gateway(sandbox.database_url, sandbox.folder, **sandbox.packages)
        self._partner = Partner(sandbox, BOATS)
        # The marks of some of the promises that earlier loads left are there to be contested.
        self._late = told.walked[LEFT_ALONE][1::2]
        writers = ((WALKS, "excellent", 3), (REFERRED, "fair", 1))
        self._threads = [
            threading.Thread(target=self._write, args=(walks, number, *person))
            for walks, handle, many in writers
            for person in [self._person(handle)]
            for number in range(many)
        ]
        for thread in self._threads:
            thread.start()

    def happened(self, decision_id: str) -> list[str]:
        """The topics of what has happened to a decision."""
        return [event["topic"] for event in timeline(self._partner, decision_id)]

    def join(self) -> None:
        """Waits for the writers, whose server must be gone."""
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        self._partner.close()

    def _person(self, handle: str) -> tuple[str, httpx2.Cookies, str]:
        """A token for the persona, and what their browser sends with a form."""
        browser = self._partner.browser()
        details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"]}]
        token = self._partner.token(handle, browser=browser, scope=None, authorization_details=details)
        field = forms(browser.get("/account").text)[0].fields["csrf_token"]
        browser.http.close()
        return token, browser.http.cookies, field

    def _write(
        self, walks: tuple[tuple[str, ...], ...], number: int, token: str, cookies: httpx2.Cookies, csrf: str
    ) -> None:
        chance = random.Random(self._seed + number)
        with httpx2.Client(base_url=self._partner.credentials["issuer"], timeout=30, cookies=cookies) as http:
            writer = _Writer(http, self._partner.merchant_token, csrf, self._operator, self._told, self._now)
            try:
                while True:
                    for walk in chance.sample(walks, len(walks)):
                        decision_id = writer.request(token)
                        for act in walk:
                            writer.take(act, decision_id)
                        self._told.walked[walk].append(decision_id)
                        if walks is WALKS and self._late:
                            writer.contest_if_marked(self._late.pop())
            except httpx2.TransportError:
                return


class _Writer:
    def __init__(
        self, http: httpx2.Client, merchant_token: str, csrf: str, operator: Gateway, told: Told, now: datetime
    ) -> None:
        self._http, self._merchant_token, self._csrf = http, merchant_token, csrf
        self._operator, self._told, self._now = operator, told, now

    def request(self, token: str) -> str:
        # Each request is small, so that a load never reaches the ceiling of its consent.
        decision = self._call(token, REQUEST, input=request_input(boat("10.00")))["decision"]
        self._told.answered(decision["id"], f"DECISION_{decision['status']}")
        return str(decision["id"])

    def take(self, act: str, decision_id: str) -> None:
        dispute_id = self._dispute(decision_id) if act in {"accept", "refuse", "withdraw"} else ""
        self._told.under_way[decision_id] = TOPICS[act]
        match act:
            case "contest":
                assert self._contest(decision_id) == 303
            case "withdraw":
                assert self._submit(f"/account/disputes/{dispute_id}/withdraw") == 303
            case "accept" | "refuse":
                given = {"disputeId": dispute_id, "idempotencyKey": dispute_id, "statement": "We have looked."}
                self._call(self._merchant_token, RESPOND, input={**given, "accept": act == "accept"})
            case "approve" | "decline":
                self._operator.answer("decisions", "review", decision_id, f"--{act}")
            case _:
                more = {"dueAt": (self._now + timedelta(days=60)).isoformat()} if act == "extend" else {}
                given = moving(act, decision_id, amount=yuan("1.00"), **more)
                self._call(self._merchant_token, MOVES[act].document, input=given)
        self._told.answered(decision_id, *TOPICS[act])
        del self._told.under_way[decision_id]

    def contest_if_marked(self, decision_id: str) -> None:
        """The clock may not have come by yet, or the mark may have lapsed."""
        self._told.under_way[decision_id] = TOPICS["contest"]
        status = self._contest(decision_id)
        assert status in {303, 409}
        if status == 303:
            self._told.answered(decision_id, *TOPICS["contest"])
        del self._told.under_way[decision_id]

    def _contest(self, decision_id: str) -> int:
        return self._submit(f"/account/decisions/{decision_id}/contest", statement="I brought it back.")

    def _submit(self, path: str, **form: str) -> int:
        answer = self._http.post(path, data={"csrf_token": self._csrf, **form}, follow_redirects=False)
        return answer.status_code

    def _dispute(self, decision_id: str) -> str:
        return str(self._call(self._merchant_token, DISPUTES, id=decision_id)["disputes"]["nodes"][-1]["id"])

    def _call(self, bearer: str, document: str, **variables: Any) -> dict[str, Any]:
        answer = self._http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {bearer}"},
        )
        payload: dict[str, Any]
        (payload,) = answer.json()["data"].values()
        assert payload.get("userErrors", []) == [], payload
        return payload
