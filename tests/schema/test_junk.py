"""Junk of every type in every variable of all mutations and previews: it fails with a typed error and changes nothing.
The junk is the same in each run, so that failures can be reproduced."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from typing import Any

import pytest
from graphql import GraphQLInputObjectType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.kit import json
from gateway.settings import Settings
from tests.support import fuzz
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, GraphQLWorld, built, request_variables
from tests.support.merchant_client import yuan
from tests.support.transitions import PREVIEW, RESPOND, TRANSITIONS, transition_input

SCOPES = ("decisions:read", "decisions:write", "disputes:write")
INPUTS = {
    **{name: f"Decision{name.capitalize()}Input" for name in ("activate", "extend", "reduce", "cancel")},
    "part": "DecisionFulfillInput",
    "breach": "DecisionReportBreachInput",
    "respond": "DisputeRespondInput",
}
MOMENTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-11-23T12:00:00+23:59")
AMOUNTS = ("0.00", "-1.00", "0.01", "0.001", "9" * 40, "1e9", "NaN", "", "10000000000.00")

LOGGED = {"access_log", "log_trees", "user_keys"}
"""Tables that grow when personal data is read. The first entry also creates the keys."""

SHARP: tuple[Any, ...] = (
    *(None, True, -1, 2**63 - 1, 1.5, "", "\0", "a\0b", "x" * 3000, "\u202e", "0"),
    *([], ["\0"], {}, {"surprise": 1}, {"amount": "1", "currency": "\0"}),
    *MOMENTS,
)
"""Values for each variable, in addition to those that hypothesis generates."""

bent_text = st.sampled_from(
    (*MOMENTS, *AMOUNTS, "\0", "a\0", "PT0S", "P9999999D", "NOT_PAID", "https://[", "https://a/")
)
bent_money = st.fixed_dictionaries(
    {"amount": st.sampled_from(AMOUNTS) | fuzz.anything},
    optional={"currency": st.sampled_from(("CNY", "JPY", "KWD", "XXX", "cny", "\0")) | fuzz.anything},
)
bent_period = st.fixed_dictionaries({"start": bent_text, "end": bent_text})
junk = fuzz.anything | bent_text | bent_money | bent_period | st.lists(bent_text, max_size=12)


def members(type_name: str) -> tuple[str, ...]:
    """Returns the fields of an input type, and an unknown field."""
    found = built().schema.type_map[type_name]
    assert isinstance(found, GraphQLInputObjectType)
    return (*found.fields, "surprise")


def bent(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), junk, min_size=1, max_size=3)


def run_examples(number: int, **drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Returns a decorator that runs a function with `number` generated examples."""

    def run(function: Callable[..., None]) -> None:
        suppressed = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given]
        profile = settings(max_examples=number, derandomize=True, database=None, suppress_health_check=suppressed)
        profile(given(**drawn)(function))()

    return run


class JunkTargets:
    """A merchant with a decision or dispute in the right state for each mutation."""

    def __init__(self, world: GraphQLWorld) -> None:
        self.world, self.by = world, world.merchant(*SCOPES)
        self._number = 0
        self._targets: dict[str, str] = {}
        self._last_contents: dict[str, list[str]] = {}
        self.refused = 0

    def target(self, name: str) -> str:
        """Returns the id of a decision or dispute that allows the mutation. A new one after it has succeeded."""
        if name not in self._targets:
            self._targets[name] = self._dispute() if name == "respond" else self._decision(name)
            self._last_contents = {}
        return self._targets[name]

    def send(self, document: str, given: Any, name: str = "", *, unlogged: bool = True) -> None:
        """Sends an input. Junk must fail with a code of the contract and change nothing; valid input may succeed. If
        `unlogged` is False, a response with personal data may add entries to the access log."""
        before = self._last_contents or self.world.contents()
        executed = self.world.run(document, {"input": given}, by=self.by if name else self.world.user())
        json.encode(executed.body)  # as the endpoint does
        codes = [error["extensions"]["code"] for error in executed.body.get("errors", [])]
        (payload,) = (executed.body.get("data") or {"": None}).values()
        assert set(codes) <= {"BAD_USER_INPUT"}, executed.body
        assert codes or payload, executed.body
        refused = codes or payload.get("userErrors") or "likelyOutcome" in payload
        if not refused:
            self._targets.pop(name, None)
            self._last_contents = {}
            return
        self.refused += 1
        self._last_contents = self.world.contents()
        grows = set() if unlogged else LOGGED
        assert [each for each in before if self._last_contents[each] != before[each] and each not in grows] == [], given

    def _decision(self, name: str) -> str:
        self._number += 1
        made = self.world.request(f"k-{self._number}", f"r-{self._number}", deposit=yuan("2.00"))["decision"]
        assert made["status"] == "APPROVED", made
        if name not in {"activate", "cancel"}:
            self._make_transition("activate", made["id"])
        return str(made["id"])

    def _dispute(self) -> str:
        decision = self._decision("breach")
        self._make_transition("breach", decision)
        return self.world.container.disputes.open(self.world.consent.user_id, decision, "It came back.").id

    def _make_transition(self, name: str, decision: str) -> None:
        (payload,) = self.world.data(
            TRANSITIONS[name].document, {"input": transition_input(name, decision)}, by=self.by
        ).values()
        assert payload["userErrors"] == []


@pytest.fixture
def targets(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[JunkTargets]:
    """A JunkTargets on SQLite and PostgreSQL in turn."""
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": database_url}), clock)) as world:
        yield JunkTargets(world)


@pytest.mark.parametrize("name", INPUTS)
def test_transitions_and_responses_reject_junk(targets: JunkTargets, name: str) -> None:
    document = RESPOND if name == "respond" else TRANSITIONS[name].document

    def valid_input() -> dict[str, Any]:
        given = transition_input(name, targets.target(name), amount=yuan("0.50"))
        if name != "respond":
            return given
        return {"disputeId": given["decisionId"], "idempotencyKey": "k", "accept": False, "statement": "No."}

    for member, each in product(members(INPUTS[name]), SHARP):
        targets.send(document, {**valid_input(), member: each}, name)
    for each in SHARP:
        targets.send(document, each, name)

    @run_examples(8, changed=bent(members(INPUTS[name])))
    def _(changed: dict[str, Any]) -> None:
        targets.send(document, {**valid_input(), **changed}, name)

    assert targets.refused > 80, "too little of it was junk"


def test_requests_and_previews_reject_junk(targets: JunkTargets) -> None:
    registry = targets.world.container.registry
    asks = {each.member: (each.ask_type_name, each.ask_document(each.ordinary_case.ask)) for each in registry.values()}
    cases = st.sampled_from(sorted(asks)).flatmap(
        lambda member: st.tuples(st.just(member), bent(members(asks[member][0])))
    )

    for member in ("idempotencyKey", "merchantReference", "purpose", "ask"):
        for each in SHARP:
            targets.send(REQUEST, {**request_variables("k", "r")["input"], member: each})

    @run_examples(25, case=cases)
    def _(case: tuple[str, dict[str, Any]]) -> None:
        member, changed = case
        ask = {member: {**asks[member][1], **changed}}
        targets.send(REQUEST, {**request_variables("k", "r")["input"], "ask": ask})
        targets.send(PREVIEW, {"ask": ask}, unlogged=False)

    @run_examples(12, changed=bent(members("DecisionRequestInput")))
    def _(changed: dict[str, Any]) -> None:
        given = {**request_variables("k", "r")["input"], **changed}
        targets.send(REQUEST, given)
        targets.send(PREVIEW, {name: given[name] for name in given if name in {"ask", "purpose"}}, unlogged=False)

    assert targets.refused > 80, "too little of it was junk"
