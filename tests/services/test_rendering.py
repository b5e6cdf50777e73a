"""Messages are rendered from the snapshots that the commits of their events took."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.environment import LIVE, SANDBOX, EnvironmentLabel
from gateway.domain.events import Actor, Topic, wire_name
from gateway.domain.webhooks.envelope import read_envelope
from gateway.domain.webhooks.notice import ConsentData, DecisionData, DisputeData, Notice
from gateway.services.decisions.transitions import ActivateCommand, CancelCommand, ReduceCommand
from gateway.services.webhooks.rendering import EventRenderer
from gateway.store.outbox import OUTBOX, OutboxRow, notice_of
from merchants.car_rental import CarRental
from merchants.registry import AdapterRegistry
from merchants.wire import Signature, Wire
from tests.services.asks import car, request_command
from tests.support.clock import NOON
from tests.support.decision_history import make_history
from tests.support.demo_world import DemoWorld
from tests.support.notices import schema_faults
from tests.support.units import reading, writing


class Renting(CarRental):
    """Car rental with a wire format of its own."""

    wire = Wire(names={"type": "what", "outstanding": "open"}, words={"ACTIVE": "driving"}, header="x-renting")


def messages(world: DemoWorld, subject: str = "") -> list[OutboxRow]:
    """The messages about a subject, or about all, in the order of their ids."""
    query = select(OUTBOX).order_by(OUTBOX.c.id)
    with reading(world.database) as unit:
        rows = unit.connection.execute(query.where(OUTBOX.c.aggregate_id == subject) if subject else query)
        return [OutboxRow.of_values(dict(row._mapping)) for row in rows]


def notices(world: DemoWorld, subject: str) -> list[Notice]:
    return [notice_of(message, EnvironmentLabel.SANDBOX) for message in messages(world, subject)]


def activated(world: DemoWorld) -> str:
    decision = world.requester.request(world.user_token(world.grant()), request_command(car(world.clock()))).decision
    world.clock.advance(minutes=1)
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "on")).id


def test_notice_has_the_state_after_each_event(world: DemoWorld) -> None:
    decision = activated(world)
    world.clock.advance(minutes=1)
    with reading(world.database) as unit:
        state = unit.decisions.load(decision)
    assert state is not None
    assert state.terms is not None
    half = state.due.share(50)
    world.transitions.reduce(world.merchant_token(), ReduceCommand(decision, "less", half, "A shorter trip"))
    approved, active, reduced = notices(world, decision)
    assert [each.topic for each in (approved, active, reduced)] == [
        Topic.DECISION_APPROVED,
        Topic.DECISION_ACTIVATED,
        Topic.DECISION_REDUCED,
    ]
    assert [each.sequence for each in (approved, active, reduced)] == [1, 2, 3]
    assert [each.actor for each in (approved, active, reduced)] == [Actor.GATEWAY, Actor.MERCHANT, Actor.MERCHANT]
    assert (approved.occurred_at, approved.merchant_id) == (state.created_at, state.merchant_id)
    first, last = approved.data, reduced.data
    assert isinstance(first, DecisionData)
    assert isinstance(last, DecisionData)
    assert (first.before, first.after, first.consent_id) == (None, "APPROVED", state.consent_id)
    assert first.settlement is not None
    assert last.settlement is not None
    assert (first.exposed, first.settlement.due, first.settlement.due_at) == (state.due, state.due, state.due_at)
    assert (last.exposed, last.settlement.due, last.settlement.outstanding) == (state.due, half, half)
    assert (last.before, last.after, last.settlement.overdue) == ("ACTIVE", "ACTIVE", False)


def test_notice_of_an_overdue_decision_says_so(world: DemoWorld) -> None:
    decision = activated(world)
    world.clock.advance(days=30)
    world.scheduler.apply_due()
    overdue = notices(world, decision)[2]
    assert (overdue.topic, overdue.actor) == (Topic.DECISION_OVERDUE, Actor.CLOCK)
    assert isinstance(overdue.data, DecisionData)
    assert overdue.data.settlement is not None
    assert overdue.data.settlement.overdue


def test_cancelled_decision_owes_nothing(world: DemoWorld) -> None:
    decision = world.requester.request(world.user_token(world.grant()), request_command(car(world.clock()))).decision
    world.transitions.cancel(world.merchant_token(), CancelCommand(decision.id, "off", None))
    cancelled = notices(world, decision.id)[-1].data
    assert isinstance(cancelled, DecisionData)
    assert cancelled.settlement is not None
    assert (cancelled.after, cancelled.settlement.outstanding.minor) == ("CANCELLED", 0)


def test_declined_decision_has_reasons_and_no_amounts(world: DemoWorld) -> None:
    consent = world.grant("building")
    decision = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    (declined,) = notices(world, decision.id)
    assert isinstance(declined.data, DecisionData)
    assert (declined.data.exposed, declined.data.settlement) == (None, None)
    assert declined.data.reason_codes == ("TIER_BELOW_REQUIRED",)


def test_notices_of_a_dispute_have_its_status_after_each_event(world: DemoWorld) -> None:
    history = make_history(world)
    with reading(world.database) as unit:
        row = unit.disputes.load(history.resolved_dispute)
    assert row is not None
    told = [each.data for each in notices(world, history.voided) if isinstance(each.data, DisputeData)]
    assert [(each.dispute_id, each.status) for each in told] == [
        (history.resolved_dispute, "AWAITING_MERCHANT"),
        (history.resolved_dispute, "AWAITING_MERCHANT"),
        (history.resolved_dispute, "UPHELD"),
    ]
    assert {(each.kind, each.respond_by, each.merchant_reference) for each in told} == {
        ("BREACH", row.respond_by, "order-4")
    }
    refused = [each.data for each in notices(world, history.contested) if isinstance(each.data, DisputeData)]
    assert [each.status for each in refused] == ["AWAITING_MERCHANT", "UNDER_REVIEW"]


def test_notices_of_a_consent_have_its_status_and_scopes(world: DemoWorld) -> None:
    consent = world.grant()
    world.clock.advance(hours=1)
    with writing(world.database) as unit:
        world.consents.revoke(unit, consent.id, None, actor=Actor.OPERATOR)
    granted, revoked = notices(world, consent.id)
    given = ConsentData(
        consent_id=consent.id, subject=consent.subject, status=ConsentStatus.ACTIVE, scopes=consent.scopes
    )
    assert (granted.topic, granted.actor, granted.occurred_at) == ("CONSENT_GRANTED", "USER", consent.granted_at)
    assert granted.data == given
    assert (revoked.topic, revoked.actor, revoked.sequence) == ("CONSENT_REVOKED", "OPERATOR", 2)
    assert revoked.occurred_at == consent.granted_at + timedelta(hours=1)
    assert isinstance(revoked.data, ConsentData)
    assert (revoked.data.status, revoked.data.scopes) == ("REVOKED", consent.scopes)


@pytest.mark.postgresql
def test_every_message_is_rendered_without_personal_data(world: DemoWorld) -> None:
    make_history(world)
    render = EventRenderer(world.registry, LIVE)
    rendered = [(message, render(message).body) for message in messages(world)]
    assert {read_envelope(body).topic.value for _, body in rendered} >= {"DECISION_BREACHED", "CONSENT_REVOKED"}
    for message, body in rendered:
        envelope: Any = json.loads(body)
        assert (envelope["id"], envelope["type"]) == (message.id, wire_name(Topic(message.topic)))
        assert (envelope["environment"], envelope["sequence"]) == ("LIVE", message.sequence)
        assert len(body) < 2_000
        assert schema_faults(Topic(message.topic), envelope) == []
        text = body.decode()
        assert not [words for words in ("I brought it", "It was late", "We found it", "excellent") if words in text]
        assert world.user("excellent") not in text


def test_decision_is_rendered_by_its_adapter(world: DemoWorld) -> None:
    decision = activated(world)
    render = EventRenderer(AdapterRegistry([Renting]), SANDBOX)
    rendered = render(messages(world, decision)[-1])
    assert (rendered.signature, rendered.header) == (Signature.HMAC_SHA256_HEX, "x-renting")
    message = json.loads(rendered.body)
    assert (message["what"], message["to"], message["environment"]) == ("DECISION_ACTIVATED", "driving", "SANDBOX")
    with pytest.raises(KeyError, match="car_rental"):
        EventRenderer(AdapterRegistry([]), SANDBOX)(messages(world, decision)[-1])


def test_rendering_twice_gives_the_same_bytes(world: DemoWorld) -> None:
    decision = activated(world)
    first = EventRenderer(world.registry, SANDBOX)(messages(world, decision)[0])
    world.clock.advance(days=30)
    world.scheduler.apply_due()
    assert EventRenderer(world.registry, SANDBOX)(messages(world, decision)[0]) == first


@pytest.mark.parametrize(
    "payload", [{}, {"decisionId": "dec_1", "merchantReference": "r"}, {"occurredAt": 1}, [], None]
)
def test_message_without_a_snapshot_is_refused(payload: Any) -> None:
    row = OutboxRow.of_values(
        {
            "id": "evt_1",
            "merchant_id": "mer_1",
            "aggregate_id": "dec_1",
            "sequence": 1,
            "position": None,
            "topic": "DECISION_APPROVED",
            "payload": payload,
            "created_at": NOON,
        }
    )
    with pytest.raises(ValueError, match="not a snapshot"):
        notice_of(row, EnvironmentLabel.LIVE)
