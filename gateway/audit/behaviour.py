"""Compares the behaviour records of decisions with the decisions: each record says what its decision says, and a
decision that ended after its person's first score, or has a claim that stands, has the record that it must have.
Compares present scores with their history."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, not_, or_, select

from gateway.audit.batches import read_batches
from gateway.domain.decisions.behaviour import RECORDED_STATUSES, record_of
from gateway.domain.scoring.record import BehaviourRecord
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.scoring.records import GATEWAY, RECORDS, read_record
from gateway.store.scoring.scores import PERSON_SCORES, SNAPSHOTS
from gateway.store.unit import UnitOfWork

_first_score = select(func.min(SNAPSHOTS.c.as_of)).where(SNAPSHOTS.c.user_id == CONSENTS.c.user_id).scalar_subquery()
_D = DECISIONS.c
_CAN_HAVE_RECORD = or_(
    _D.status.in_(sorted(RECORDED_STATUSES)),
    and_(_D.claim_accepted_at.is_not(None), _D.claim_contradicted_at.is_(None)),
)
"""As `can_have_record`. The condition is never null for a decision."""
_ENDED = (
    select(
        DECISIONS,
        MERCHANTS.c.partner_id.label("partner"),
        CONSENTS.c.user_id.label("person"),
        _first_score.label("first_score"),
    )
    .join(MERCHANTS, MERCHANTS.c.id == DECISIONS.c.merchant_id)
    .join(CONSENTS, CONSENTS.c.id == DECISIONS.c.consent_id)
    .where(_CAN_HAVE_RECORD)
)
_OF_DECISIONS = select(RECORDS).where(
    RECORDS.c.source == GATEWAY, RECORDS.c.reference.in_(bindparam("ids", expanding=True))
)
_WITHOUT_DECISION = (
    select(RECORDS.c.reference)
    .outerjoin(DECISIONS, DECISIONS.c.id == RECORDS.c.reference)
    .where(RECORDS.c.source == GATEWAY, or_(_D.id.is_(None), not_(_CAN_HAVE_RECORD)))
    .order_by(RECORDS.c.reference)
)
_P, _H = PERSON_SCORES.c, SNAPSHOTS.c
_COMPARED = ("as_of", "score", "tier", "held_until", "card", "card_hash", "open_overdue", "has_document", "cause")
_own = SNAPSHOTS.alias("own").c
_newest = (
    select(_own.id)
    .where(_own.user_id == _P.user_id)
    .correlate(PERSON_SCORES)
    .order_by(_own.as_of.desc(), _own.id.desc())
    .limit(1)
    .scalar_subquery()
)
_UNLIKE_HISTORY = (
    select(_P.user_id)
    .select_from(PERSON_SCORES.outerjoin(SNAPSHOTS, _H.id == _newest))
    .where(_P.as_of.is_not(None), or_(*(_P[name].is_distinct_from(_H[name]) for name in _COMPARED)))
    .order_by(_P.user_id)
)


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each decision whose behaviour record is wrong or missing, for each record of a decision
    that has none, and for each present score that is not the newest one in its history."""
    for rows in read_batches(unit.connection, _ENDED, (DECISIONS.c.id,), batch):
        yield from _compare(unit, rows)
    for decision_id in unit.connection.scalars(_WITHOUT_DECISION):
        yield f"Decision {decision_id}: it has a behaviour record, but has not ended, and no claim stands."
    for user_id in unit.connection.scalars(_UNLIKE_HISTORY):
        yield f"User {user_id}: the present score is not the newest one in its history."


def _compare(unit: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[str]:
    records = unit.connection.execute(_OF_DECISIONS, {"ids": [row.id for row in rows]})
    stored = {record.reference: record for record in records}
    for row in rows:
        record = stored.get(row.id)
        try:
            fault = _fault(row, record)
        except (ValueError, TypeError, LookupError):  # values that the gateway never writes
            fault = "its behaviour record cannot be read" if record is not None else None
        if fault is not None:
            yield f"Decision {row.id}: {fault}."


def _fault(row: Row[Any], stored: Row[Any] | None) -> str | None:
    state = MAPPING.read(row)
    if stored is None:
        is_older = row.first_score is None or state.updated_at < row.first_score
        missing = record_of(state, row.partner, state.updated_at) is not None and not is_older
        return "it has no behaviour record" if missing else None
    record: BehaviourRecord = read_record(stored)
    expected = record_of(state, row.partner, record.at)
    if stored.user_id != row.person:
        return "its behaviour record is of another person"
    if record != expected:
        return "its behaviour record does not say what the decision says"
    return None
