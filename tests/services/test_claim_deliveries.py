"""Deliveries of the message about a claim: the first one can postpone the acceptance, no other one does."""

import pytest

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import NotFound
from gateway.domain.events import Actor, Topic
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.disputes import RespondCommand
from tests.services.claims import OVERDUE, breach, claim, extend, message_ids, records, rental, wait
from tests.services.decisions import DAY, list_events, load_decision
from tests.support.demo_world import DemoWorld


@pytest.mark.postgresql
def test_later_delivery_postpones_the_acceptance_once(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    (message,) = message_ids(world, decision, Topic.DECISION_CLAIMED)
    wait(world, OVERDUE + 2 * DAY)
    delivered_at = world.now
    assert world.claims.note_delivery(message, BusinessTime(delivered_at + DAY)), "a clock that is ahead of ours"
    assert not world.claims.note_delivery(message, delivered_at)
    assert load_decision(world, decision).claim_ends_at == delivered_at + CLAIM_SILENCE
    event = (Topic.DECISION_CLAIM_DELIVERED, Status.ACTIVE, Status.ACTIVE, Actor.GATEWAY, None)
    assert list_events(world, decision)[-1] == event
    wait(world, CLAIM_SILENCE - DAY)
    assert records(world) == []
    assert not world.claims.note_delivery(message, world.now)
    wait(world, DAY)
    assert len(records(world)) == 1
    assert not world.claims.note_delivery(message, world.now), "the claim has ended"
    assert world.mismatches() == []


def test_second_delivery_postpones_nothing_also_if_the_first_was_before_the_due_date(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    (message,) = message_ids(world, decision, Topic.DECISION_CLAIMED)
    ends_at = load_decision(world, decision).claim_ends_at
    assert world.claims.note_delivery(message)
    assert list_events(world, decision)[-1][0] is Topic.DECISION_CLAIM_DELIVERED
    wait(world, OVERDUE, CLAIM_SILENCE - DAY)
    assert not world.claims.note_delivery(message)
    assert load_decision(world, decision).claim_ends_at == ends_at
    wait(world, DAY)
    assert load_decision(world, decision).claim_stands
    assert len(message_ids(world, decision, Topic.DECISION_CLAIM_DELIVERED)) == 1
    assert world.mismatches() == []


def test_first_delivery_counts_also_while_there_is_a_breach(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    (message,) = message_ids(world, decision, Topic.DECISION_CLAIMED)
    wait(world, OVERDUE)
    breach(world, decision)
    wait(world, DAY)
    assert world.claims.note_delivery(message)
    delivered_at = world.now
    dispute = world.disputes.open(world.user("excellent"), decision.id, "It is in your yard.")
    wait(world, DAY)
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", True, "We found it."))
    assert not world.claims.note_delivery(message)
    assert load_decision(world, decision).claim_ends_at == delivered_at + CLAIM_SILENCE
    assert world.mismatches() == []


def test_delivery_after_the_silence_is_too_late_also_if_the_scheduler_has_not_run(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    (message,) = message_ids(world, decision, Topic.DECISION_CLAIMED)
    world.clock.advance(OVERDUE + CLAIM_SILENCE)
    assert not world.claims.note_delivery(message, world.now)
    assert load_decision(world, decision).claim_stands
    assert len(records(world)) == 1


def test_delivery_of_a_message_about_an_earlier_claim_changes_nothing(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    (message,) = message_ids(world, decision, Topic.DECISION_CLAIMED)
    extend(world, decision)
    assert not world.claims.note_delivery(message, world.now)
    world.clock.advance(DAY)
    claim(world, decision)
    wait(world, 6 * DAY)
    assert not world.claims.note_delivery(message, world.now)
    newer = message_ids(world, decision, Topic.DECISION_CLAIMED)[-1]
    assert world.claims.note_delivery(newer, world.now)


def test_delivery_of_another_message_is_not_found(world: DemoWorld) -> None:
    decision = rental(world)
    (message,) = message_ids(world, decision, Topic.DECISION_ACTIVATED)
    for each in (message, "evt_test_none"):
        with pytest.raises(NotFound):
            world.claims.note_delivery(each, world.now)
