"""Writes the events that only time causes: a consent or an approval expires soon, a consent has expired, and a dispute
waits for a response. They are no events of the decision log, because nothing has changed."""

from collections.abc import Callable
from functools import partial

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.snapshot import Snapshot, snapshot_consent_end, snapshot_decision, snapshot_dispute
from gateway.kit.clock import business_time
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.isolated_steps import run_or_log
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.announcements import Announcement

BATCH = 100
"""The largest number of events of one topic and business time that are read at once."""

_log = get_logger(__name__)


class AnnouncementService:
    """Writes each event once, also if several processes do this at the same time."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database, self._ids = database, ids

    def write_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Writes the events that are due, each in a unit of work that locks its subject. Asks `may_continue` before
        each, and stops if it is false. An error in one is logged and does not stop the others. Returns how many it
        wrote. Raises Outage."""
        written = 0
        for announcement in self._database.read(_list_missing):
            if not may_continue():
                break
            log_error = partial(_log.error, "event_not_announced", subject=announcement.subject_id)
            write = partial(self._write, announcement=announcement)
            written += bool(run_or_log(partial(self._database.write, write), log_error, "announcements"))
        return written

    def _write(self, unit: UnitOfWork, announcement: Announcement) -> bool:
        found = _FINDERS.get(announcement.topic, _find_consent)(unit, announcement)
        if found is None or not unit.announcements.add(announcement):
            return False
        merchant_id, subject_id, payload = found
        unit.outbox.add(
            OutboxRow(
                id=self._ids.new("msg"),
                merchant_id=merchant_id,
                aggregate_id=subject_id,
                topic=announcement.topic,
                payload=payload,
                created_at=unit.wall,
            )
        )
        return True


_Found = tuple[str, str, Snapshot]
"""The id of the merchant, that of the message's subject, and the snapshot."""


def _list_missing(unit: UnitOfWork) -> list[Announcement]:
    missing: list[Announcement] = []
    for offset in sorted({partner.clock_offset_seconds for partner in unit.partners.list_partners()}):
        missing += unit.announcements.list_missing(offset, business_time(unit.wall, offset), BATCH)
    return missing


def _find_consent(unit: UnitOfWork, announcement: Announcement) -> _Found | None:
    """None if the consent was revoked or prolonged in the meantime."""
    consent = unit.consents.lock(announcement.subject_id)
    if consent is None or consent.revoked_at is not None or consent.expires_at != announcement.date:
        return None
    now = unit.business_time(consent.merchant_id)
    has_ended = announcement.topic is Topic.CONSENT_EXPIRED
    at, status = (consent.expires_at, ConsentStatus.EXPIRED) if has_ended else (now, ConsentStatus.ACTIVE)
    return consent.merchant_id, consent.id, snapshot_consent_end(consent, status, at)


def _find_approval(unit: UnitOfWork, announcement: Announcement) -> _Found | None:
    """None if the decision was activated or has ended in the meantime."""
    decision = unit.decisions.lock(announcement.subject_id)
    if decision is None or decision.state.status is not Status.APPROVED:
        return None
    state = decision.state
    event = DecisionEvent(announcement.topic, state.status, state.status, unit.business_time(state.merchant_id))
    return state.merchant_id, state.id, snapshot_decision(state, event, Actor.CLOCK)


def _find_dispute(unit: UnitOfWork, announcement: Announcement) -> _Found | None:
    """None if the dispute was answered or ended in the meantime."""
    unlocked = unit.disputes.load(announcement.subject_id)
    decision = unit.decisions.lock(unlocked.decision_id) if unlocked else None
    dispute = unit.disputes.load(announcement.subject_id)
    if decision is None or dispute is None or dispute.status != DisputeStatus.AWAITING_MERCHANT:
        return None
    state, now = decision.state, unit.business_time(dispute.merchant_id)
    event = DecisionEvent(announcement.topic, state.status, state.status, now)
    payload = snapshot_dispute(
        state, event, Actor.CLOCK, dispute.id, dispute.subject, dispute.respond_by, dispute.status
    )
    return dispute.merchant_id, state.id, payload


_FINDERS = {Topic.DISPUTE_REMINDER: _find_dispute, Topic.DECISION_EXPIRING: _find_approval}
"""What reads the subject of an announcement, where that is no consent."""
