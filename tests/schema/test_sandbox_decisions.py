"""Simulated events of decisions: what a test user does, what the operator decides, a due date that passes. On both
databases."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.notices.notice import NoticeKind
from gateway.domain.policies.rule import Verdict
from gateway.services.sandbox.decisions import STATEMENT, SimulatedEvent
from gateway.settings import Settings
from merchants.car_rental.adapter import CarRental
from merchants.online_shop.adapter import OnlineShop
from merchants.registry import AdapterRegistry
from tests.support import factories
from tests.support.clock import MovableClock
from tests.support.graphql_world import GraphQLWorld
from tests.support.policy import with_rules
from tests.support.simulation import (
    SIMULATE,
    Setup,
    active,
    breached,
    disputed,
    lapsed,
    late,
    messages,
    mismatches,
    ordered,
    overdue,
    refused,
    requested,
    reviewed,
    reviewed_flag,
    simulate,
)
from tests.support.units import reading, writing

OVERDUE_FROM = "2026-11-28T09:00:00Z"
"""The end of the rental, and one day of grace."""


class Referring(CarRental):
    """Car rental with a manual review for the tier GOOD, that of the test user."""

    policy = with_rules(
        CarRental.policy,
        [
            replace(rule, verdict=Verdict.REFER, share=None, maximum=None) if rule.id == "good" else rule
            for rule in CarRental.policy.rules
        ],
        "referring",
    )


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


@pytest.fixture
def referring(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world in which requests for cars get a manual review."""
    changed = settings.model_copy(update={"database_url": database_url})
    with closing(GraphQLWorld(changed, clock, registry=AdapterRegistry((Referring, OnlineShop)))) as opened:
        yield opened


CONFLICT = ("StateConflictError", "INVALID_TRANSITION", None)
INVALID = ("InvalidInputError", "INVALID", ["event"])


@dataclass(frozen=True)
class Possible:
    """An event that is possible: the events that it causes, with their actors, the status after it, and the error of
    its repetition."""

    event: str
    setup: Setup
    topics: list[tuple[str, str | None]]
    status: str
    repeated: tuple[str, str, list[str] | None]


POSSIBLE = [
    Possible("USER_PAYS", ordered, [("DECISION_CLAIMED", "USER")], "ACTIVE", INVALID),
    Possible("USER_RETURNS", active, [("DECISION_CLAIMED", "USER")], "ACTIVE", INVALID),
    Possible("USER_DISPUTES", breached, [("DISPUTE_OPENED", None)], "BREACHED", INVALID),
    Possible("USER_DISPUTES", overdue, [("DISPUTE_OPENED", None)], "ACTIVE", INVALID),
    Possible(
        "DISPUTE_UPHELD",
        reviewed,
        [("DECISION_BREACH_VOIDED", "OPERATOR"), ("DISPUTE_RESOLVED", None)],
        "ACTIVE",
        CONFLICT,
    ),
    Possible(
        "DISPUTE_UPHELD",
        reviewed_flag,
        [("DECISION_LAPSED", "OPERATOR"), ("DISPUTE_RESOLVED", None)],
        "ACTIVE",
        CONFLICT,
    ),
    Possible("DISPUTE_REJECTED", reviewed, [("DISPUTE_RESOLVED", None)], "BREACHED", CONFLICT),
]


def check(world: GraphQLWorld, possible: Possible) -> Any:
    """Makes the event happen, and its repetition fail. Returns the payload."""
    decision = possible.setup(world)
    before = len(messages(world, decision))
    payload = simulate(world, decision, possible.event)
    assert (payload["userErrors"], payload["decision"]["status"]) == ([], possible.status)
    assert [(each["topic"], each.get("actor")) for each in payload["events"]] == possible.topics
    sent = messages(world, decision)[before:]
    assert [(each["id"], each["sequence"]) for each in payload["events"]] == [(row.id, row.sequence) for row in sent]
    assert refused(world, decision, possible.event) == possible.repeated
    assert mismatches(world) == []
    return payload


@pytest.mark.parametrize("possible", POSSIBLE, ids=lambda each: f"{each.event} {each.setup.__name__}")
def test_event_happens_once(possible: Possible, world: GraphQLWorld) -> None:
    check(world, possible)


def test_operator_approves_a_pending_decision(referring: GraphQLWorld) -> None:
    possible = Possible("APPROVE_PENDING", requested, [("DECISION_APPROVED", "OPERATOR")], "APPROVED", CONFLICT)
    assert check(referring, possible)["decision"]["provenance"] == {"ruleId": "fair"}


def test_operator_declines_a_pending_decision(referring: GraphQLWorld) -> None:
    check(referring, Possible("DECLINE_PENDING", requested, [("DECISION_DECLINED", "OPERATOR")], "DECLINED", CONFLICT))


def test_approval_checks_the_consent_again(referring: GraphQLWorld) -> None:
    decision = requested(referring)
    with writing(referring.database) as unit:
        referring.container.consents.revoke(unit, referring.consent.id, referring.consent.user_id)
    assert refused(referring, decision, "APPROVE_PENDING") == ("ConsentError", "CONSENT_REVOKED", None)


def test_approval_of_a_rental_that_has_begun_is_a_user_error_of_the_event(referring: GraphQLWorld) -> None:
    decision = requested(referring)
    referring.clock.advance(timedelta(days=2))
    assert refused(referring, decision, "APPROVE_PENDING") == ("InvalidInputError", "INVALID_PERIOD", ["event"])


def test_missed_deadline_sets_the_overdue_flag_once(world: GraphQLWorld) -> None:
    decision = late(world)
    payload = simulate(world, decision, "USER_MISSES_DEADLINE")
    assert payload["userErrors"] == []
    assert payload["decision"]["settlement"] == {"overdue": True}
    (event,) = payload["events"]
    assert (event["topic"], event["actor"]) == ("DECISION_OVERDUE", "CLOCK")
    before = world.contents()
    repeated = simulate(world, decision, "USER_MISSES_DEADLINE")
    assert (repeated["userErrors"], repeated["events"]) == ([], [])
    assert repeated["decision"] == payload["decision"]
    assert world.contents() == before
    assert mismatches(world) == []


def test_deadline_that_has_not_passed_is_not_missed(world: GraphQLWorld) -> None:
    decision = active(world)
    assert refused(world, decision, "USER_MISSES_DEADLINE") == ("TooEarlyError", "TOO_EARLY", ["event"])
    (problem,) = simulate(world, decision, "USER_MISSES_DEADLINE")["userErrors"]
    assert problem["possibleFrom"] == OVERDUE_FROM
    assert "sandboxClockMove" in problem["message"]


@pytest.mark.parametrize(
    ("event", "setup", "expected"),
    [
        pytest.param("APPROVE_PENDING", active, CONFLICT, id="approve an active one"),
        pytest.param("DECLINE_PENDING", requested, CONFLICT, id="decline an approval"),
        pytest.param("USER_PAYS", active, INVALID, id="pay for what is returned"),
        pytest.param("USER_RETURNS", ordered, INVALID, id="return what is paid"),
        pytest.param("USER_RETURNS", requested, INVALID, id="return before activation"),
        pytest.param("USER_RETURNS", late, INVALID, id="return too late"),
        pytest.param("USER_MISSES_DEADLINE", requested, CONFLICT, id="miss the deadline before activation"),
        pytest.param("USER_MISSES_DEADLINE", lapsed, CONFLICT, id="miss the deadline of an expired flag"),
        pytest.param("USER_DISPUTES", active, INVALID, id="dispute nothing"),
        pytest.param("DISPUTE_UPHELD", breached, CONFLICT, id="uphold no dispute"),
        pytest.param("DISPUTE_UPHELD", disputed, CONFLICT, id="uphold before the answer"),
        pytest.param("DISPUTE_REJECTED", disputed, CONFLICT, id="reject before the answer"),
    ],
)
def test_impossible_event_is_a_user_error(
    event: str, setup: Setup, expected: tuple[str, str, list[str] | None], world: GraphQLWorld
) -> None:
    assert refused(world, setup(world), event) == expected


def test_conflict_names_the_status_and_what_the_merchant_may_do(world: GraphQLWorld) -> None:
    (problem,) = simulate(world, active(world), "DECLINE_PENDING")["userErrors"]
    assert problem["currentStatus"] == "ACTIVE"
    assert problem["availableTransitions"] == ["EXTEND", "REDUCE", "FULFILL", "REPORT_BREACH"]


def test_dispute_has_the_statement_and_the_notices_of_a_real_one(world: GraphQLWorld) -> None:
    decision = reviewed(world)
    (event, resolved) = simulate(world, decision, "DISPUTE_UPHELD")["events"]
    with reading(world.database) as unit:
        (dispute,) = world.container.disputes.list_all(unit, decision)
        kinds = [notice.kind for notice in unit.notices.list_page(world.consent.user_id, 9)]
    assert (dispute.statement, dispute.status) == (STATEMENT, "UPHELD")
    assert dispute.resolution is not None
    assert resolved["dispute"] == {"id": dispute.id}
    assert event["__typename"] == "DecisionEvent"
    assert NoticeKind.DISPUTE_RESOLVED in kinds


def test_events_of_others_are_left_out(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = active(world)
    claims = world.container.claims
    claim = claims.claim

    def claim_and_deliver(*arguments: Any) -> Any:
        state = claim(*arguments)
        claims.note_delivery(messages(world, decision)[-1].id)
        return state

    monkeypatch.setattr(claims, "claim", claim_and_deliver)
    payload = simulate(world, decision, "USER_RETURNS")
    assert [each["topic"] for each in payload["events"]] == ["DECISION_CLAIMED"]


@pytest.mark.parametrize("event", SimulatedEvent)
def test_decision_of_another_merchant_is_not_found(event: str, world: GraphQLWorld) -> None:
    assert refused(world, world.foreign_decision, event) == ("NotFoundError", "NOT_FOUND", ["decisionId"])


@pytest.mark.parametrize("identifier", ["dec_unknown", "junk\0", "", "x" * 9_000])
def test_unknown_decision_is_not_found(identifier: str, world: GraphQLWorld) -> None:
    assert refused(world, identifier, "USER_PAYS") == ("NotFoundError", "NOT_FOUND", ["decisionId"])


def test_decision_about_somebody_who_is_no_persona_is_not_found(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        user = factories.make_user(unit)
        decision = factories.make_decision(unit, factories.make_consent(unit, world.client_id, user))
    assert refused(world, decision, "USER_PAYS") == ("NotFoundError", "NOT_FOUND", ["decisionId"])


def test_token_without_the_scope_sandbox_is_refused(world: GraphQLWorld) -> None:
    variables = {"id": active(world), "event": "USER_RETURNS"}
    before = world.contents()
    executed = world.run(SIMULATE, variables, by=world.merchant("decisions:read", "decisions:write"))
    (problem,) = executed.body["errors"]
    assert problem["extensions"]["code"] == "FORBIDDEN"
    assert world.contents() == before
