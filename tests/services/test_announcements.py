"""Events that only time causes: consents that expire, and disputes that wait for a response."""

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.environment import SANDBOX
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.announcements import APPROVAL_NOTICE, CONSENT_NOTICE, DISPUTE_NOTICE, EXPIRED_FOR
from gateway.domain.webhooks.notice import ConsentData, DecisionData, DisputeData, Notice
from gateway.domain.webhooks.snapshot import Snapshot, snapshot_consent_end
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import BreachCommand
from gateway.services.webhooks.announcements import AnnouncementService
from gateway.store.outbox import OUTBOX, OutboxRow, notice_of
from tests.services.decisions import DAY, activate_decision, request_decision
from tests.support.demo_world import DemoWorld
from tests.support.race import race
from tests.support.units import reading

SECOND = timedelta(seconds=1)


def announce(world: DemoWorld) -> int:
    return AnnouncementService(world.database, world.ids).write_due()


def announced(world: DemoWorld, *topics: Topic) -> list[Notice]:
    """The written events of these topics, oldest first."""
    with reading(world.database) as unit:
        rows = unit.connection.execute(OUTBOX.select().where(OUTBOX.c.topic.in_(topics)).order_by(OUTBOX.c.id))
        return [notice_of(OutboxRow.of_values(dict(row._mapping)), SANDBOX.label) for row in rows]


@pytest.mark.postgresql
def test_consent_is_announced_seven_days_before_it_expires_and_then(world: DemoWorld) -> None:
    decision = request_decision(world)
    with reading(world.database) as unit:
        consent = unit.consents.load(decision.consent_id)
    assert consent is not None
    world.clock.advance(consent.expires_at - world.now - CONSENT_NOTICE - SECOND)
    assert announce(world) == 0
    world.clock.advance(SECOND)
    soon = world.now
    assert (announce(world), announce(world)) == (1, 0)
    world.clock.advance(consent.expires_at - world.now)
    assert (announce(world), announce(world)) == (1, 0)
    expiring, expired = announced(world, Topic.CONSENT_EXPIRING, Topic.CONSENT_EXPIRED)
    assert (expiring.occurred_at, expired.occurred_at) == (soon, consent.expires_at)
    assert (expiring.subject.id, expiring.actor, expired.sequence) == (consent.id, Actor.CLOCK, 4)
    data = [notice.data for notice in (expiring, expired)]
    assert [each.status for each in data if isinstance(each, ConsentData)] == [
        ConsentStatus.ACTIVE,
        ConsentStatus.EXPIRED,
    ]
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_announcement_that_fails_holds_up_no_other(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, other = sorted([world.grant(), world.grant("good")], key=lambda consent: consent.id)
    world.clock.advance(refused.expires_at - world.now - CONSENT_NOTICE)

    def make_or_fail(consent: Consent, status: ConsentStatus, at: datetime) -> Snapshot:
        if consent.id == refused.id:
            raise ValueError
        return snapshot_consent_end(consent, status, at)

    monkeypatch.setattr("gateway.services.webhooks.announcements.snapshot_consent_end", make_or_fail)
    with capture_logs() as lines:
        assert (announce(world), announce(world)) == (1, 0)
    assert [notice.subject.id for notice in announced(world, Topic.CONSENT_EXPIRING)] == [other.id]
    assert {(line["event"], line["subject"], line["error"]) for line in lines} == {
        ("event_not_announced", refused.id, "ValueError")
    }


def test_revoked_consent_is_not_announced(world: DemoWorld) -> None:
    decision = request_decision(world)
    world.database.write(lambda unit: world.consents.revoke(unit, decision.consent_id, world.user("excellent")))
    world.clock.advance(90 * DAY)
    assert announce(world) == 0


def test_consent_that_expired_long_ago_is_not_announced(world: DemoWorld) -> None:
    decision = request_decision(world)
    with reading(world.database) as unit:
        consent = unit.consents.load(decision.consent_id)
    assert consent is not None
    world.clock.advance(consent.expires_at - world.now + EXPIRED_FOR)
    assert announce(world) == 0


def test_merchant_is_reminded_of_a_dispute_before_its_deadline(world: DemoWorld) -> None:
    command = BreachCommand(activate_decision(world).id, "b", BreachKind.DAMAGED)
    decision = world.transitions.report_breach(world.merchant_token(), command)
    dispute = world.disputes.open(world.user("excellent"), decision.id, "It was whole.")
    world.clock.advance(dispute.respond_by - world.now - DISPUTE_NOTICE - SECOND)
    assert announce(world) == 0
    world.clock.advance(SECOND)
    assert sum(race(lambda _: announce(world), 3)) == 1
    (reminder,) = announced(world, Topic.DISPUTE_REMINDER)
    assert reminder.subject.id == decision.id
    assert isinstance(reminder.data, DisputeData)
    assert (reminder.data.dispute_id, reminder.data.respond_by) == (dispute.id, dispute.respond_by)
    assert reminder.data.status is DisputeStatus.AWAITING_MERCHANT
    assert world.mismatches() == []


def test_answered_dispute_needs_no_reminder(world: DemoWorld) -> None:
    command = BreachCommand(activate_decision(world).id, "b", BreachKind.DAMAGED)
    decision = world.transitions.report_breach(world.merchant_token(), command)
    dispute = world.disputes.open(world.user("excellent"), decision.id, "It was whole.")
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", False, "We looked."))
    world.clock.advance(dispute.respond_by - world.now - DISPUTE_NOTICE)
    assert announce(world) == 0


@pytest.mark.postgresql
def test_approval_is_announced_a_day_before_it_expires(world: DemoWorld) -> None:
    decision = request_decision(world)
    assert decision.valid_until is not None
    world.clock.advance(decision.valid_until - world.now - APPROVAL_NOTICE - SECOND)
    assert announce(world) == 0
    world.clock.advance(SECOND)
    assert (announce(world), announce(world)) == (1, 0)
    (expiring,) = announced(world, Topic.DECISION_EXPIRING)
    assert isinstance(expiring.data, DecisionData)
    assert (expiring.subject.id, expiring.sequence) == (decision.id, 2)
    assert (expiring.data.before, expiring.data.after) == (Status.APPROVED, Status.APPROVED)
    assert world.mismatches() == []


def test_activated_decision_is_not_announced(world: DemoWorld) -> None:
    decision = activate_decision(world)
    assert decision.valid_until is not None
    world.clock.advance(decision.valid_until - world.now - APPROVAL_NOTICE)
    assert announce(world) == 0
