"""Tells merchants that the tier that they read was wrong, in the unit of work that computes the right one."""

from datetime import datetime, timedelta

from gateway.domain.events import Topic
from gateway.domain.period import parse_moment
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, ScoreState
from gateway.domain.webhooks.tier_correction import READ_WITHIN, Access, TierCorrection
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.ids import Ids
from gateway.kit.json import decode
from gateway.store.logs.access_log import AccessLog, AccessLogRow
from gateway.store.outbox import message_of_tier_correction
from gateway.store.unit import UnitOfWork

_SEARCHED = READ_WITHIN + timedelta(days=1)
"""The age by wall time of the accesses that are read. Business time is never slower than wall time. The day is for
machines whose clocks differ."""


def write_corrections(
    unit: UnitOfWork,
    ids: Ids,
    cards: CardVersions,
    user_id: str,
    behaviour: Behaviour,
    present: ScoreState,
    wrong_since: BusinessTime,
) -> None:
    """Writes one event for each consent whose merchant was told a wrong tier, or had a request decided with one. The
    caller has locked the person's score and has written its present state, which was computed without the wrong
    records. `wrong_since` is since when the earliest of them had counted."""
    newest = unit.scores.list_accesses(user_id, ids.before(AccessLog.NOUN, _SEARCHED))
    if not newest:
        return
    entries = unit.access_log.list_by_ids(each for row in newest for each in (row.read, row.request) if each)
    accesses = {entry.id: _access(entry) for entry in entries}
    correction = TierCorrection(
        cards=cards,
        behaviour=behaviour,
        wrong_since=wrong_since,
        before=unit.scores.load_before(user_id, wrong_since),
        computed=unit.scores.list_tiers(user_id),
        present=present.tier,
    )
    for row in sorted(newest, key=lambda each: str(each.consent_id)):  # in one order, so that no two units deadlock
        consent = unit.consents.lock(row.consent_id)
        if consent is None:
            continue
        at = unit.business_time(consent.merchant_id)
        known = [accesses[each] for each in (row.read, row.request) if each]
        if correction.concerns(consent, known, _last_event(unit, consent.id), at):
            unit.outbox.add(message_of_tier_correction(ids.new("msg"), consent, at, unit.wall))


def _last_event(unit: UnitOfWork, consent_id: str) -> Access | None:
    message = unit.outbox.load_last(consent_id, Topic.TIER_CORRECTED)
    if message is None:
        return None
    return Access(message.created_at, BusinessTime(parse_moment(message.payload["occurredAt"])))


def _access(entry: AccessLogRow) -> Access:
    public = decode(entry.public)
    at, business_at = (datetime.fromisoformat(public[name]) for name in ("at", "business_at"))
    return Access(WallTime(at), BusinessTime(business_at))
