"""Whether the books agree with each other: decisions, lines of trust, disputes, log, outbox and idempotency records.
Each is written in one transaction with the others, so that any disagreement is a fault, of ours or of somebody's hand.

What the log says is taken for true here: it is signed, and has a check of its own (gateway.store.log_check).
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from gateway.domain.dispute import OPEN
from gateway.store import books_calls, books_consents, books_disputes, books_events
from gateway.store.consents import ConsentRow
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow, standing_of
from gateway.store.disputes import DisputeRow
from gateway.store.exposures import ExposureRow
from gateway.store.log_decisions import compared

BATCH = 500


def faults(session: Session, now: datetime) -> Iterator[str]:
    """A sentence for each disagreement that one snapshot shows; ids only, nothing about anybody. `now` is wall time:
    idempotency records are kept for a while only."""
    yield from (difference.sentence for _, difference in compared(session, BATCH) if difference)
    yield from _derived(session)
    yield from _lines(session)
    yield from books_disputes.faults(session, BATCH)
    yield from books_events.faults(session, now, BATCH)
    yield from books_calls.faults(session, BATCH)
    yield from books_consents.faults(session, BATCH)


def _derived(session: Session) -> Iterator[str]:
    """What a decision's row repeats of its standing, and whether it is contested."""
    query = select(DecisionRow).order_by(col(DecisionRow.id)).limit(BATCH)
    rows = session.scalars(query).all()
    while rows:
        disputes = _open_disputes(session, [row.id for row in rows])
        for row in rows:
            yield from _unlike(row, disputes.get(row.id, 0))
        rows = session.scalars(query.where(col(DecisionRow.id) > rows[-1].id)).all()


def _unlike(row: DecisionRow, disputes: int) -> Iterator[str]:
    try:
        standing = standing_of(row)
        derived = (standing.committed.minor, standing.held.minor, standing.wakes_at)
    except Exception:  # noqa: BLE001  # whatever somebody has written there, the check goes on
        yield f"Decision {row.id}: its row says nothing that can be understood."
        return
    if derived != (row.amount_minor, row.held_minor, row.wakes_at):
        yield f"Decision {row.id}: what it commits, what it holds or when it wakes is not what its state says."
    if disputes != int(standing.contested):
        contested = "is contested" if standing.contested else "is not contested"
        yield f"Decision {row.id}: it {contested}, and of the disputes about it {disputes} are open."


def _open_disputes(session: Session, decisions: list[str]) -> dict[str, int]:
    about = col(DisputeRow.decision_id)
    query = select(about, func.count()).where(about.in_(decisions), col(DisputeRow.status).in_(OPEN)).group_by(about)
    return {row[0]: row[1] for row in session.execute(query)}


def _lines(session: Session) -> Iterator[str]:
    """Every line of trust against the promises that take it up."""
    promises = (
        select(col(ConsentRow.user_id), col(DecisionRow.currency), func.sum(col(DecisionRow.held_minor)))
        .join(ConsentRow, col(ConsentRow.id) == col(DecisionRow.consent_id))
        .group_by(col(ConsentRow.user_id), col(DecisionRow.currency))
    )
    held = {(user, currency): int(total) for user, currency, total in session.execute(promises)}
    for line in session.scalars(select(ExposureRow)):
        there = held.pop((line.user_id, line.currency), 0)
        if line.held_minor != there:
            yield f"User {line.user_id}: the line in {line.currency} says {line.held_minor}, the promises {there}."
    for (user, currency), total in held.items():
        if total:
            yield f"User {user}: promises of {total} in {currency} stand on no line."
