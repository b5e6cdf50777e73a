"""Whether the books agree with each other: decisions, lines of trust, log, outbox and idempotency records. Each is
written in one transaction with the others, so that any disagreement is a fault, of ours or of somebody's hand."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlmodel import col

from gateway.store.consents import ConsentRow
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.decisions import DecisionRow, standing_of
from gateway.store.exposures import ExposureRow
from gateway.store.idempotency import IdempotencyRow
from gateway.store.outbox import OutboxRow

BATCH = 500


def faults(session: Session) -> Iterator[str]:
    """A sentence for each disagreement that one snapshot shows; ids only, nothing about anybody."""
    yield from _derived(session)
    yield from _lines(session)
    yield from _unsent(session)
    yield from _keys(session)


def _derived(session: Session) -> Iterator[str]:
    """What a decision's row repeats of its standing."""
    query = select(DecisionRow).order_by(col(DecisionRow.id)).limit(BATCH)
    rows = session.scalars(query).all()
    while rows:
        for row in rows:
            standing = standing_of(row)
            derived = (standing.committed.minor, standing.held.minor, standing.wakes_at)
            if derived != (row.amount_minor, row.held_minor, row.wakes_at):
                yield f"Decision {row.id}: what it commits, what it holds or when it wakes is not what its state says."
        rows = session.scalars(query.where(col(DecisionRow.id) > rows[-1].id)).all()


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


def _unsent(session: Session) -> Iterator[str]:
    """Every entry of the decision log has its message, and every message of a decision its entry."""
    entries, messages = col(DecisionLogRow.id), col(OutboxRow.id)
    silent = select(entries).where(entries.not_in(select(messages)))
    for entry in session.scalars(silent):
        yield f"Event {entry}: it was logged, but no message tells of it."
    told = select(messages).where(col(OutboxRow.topic).startswith("DECISION_"), messages.not_in(select(entries)))
    for message in session.scalars(told):
        yield f"Message {message}: it tells of an event that is not logged."


def _keys(session: Session) -> Iterator[str]:
    """Every idempotency record leads to a decision."""
    decision = col(IdempotencyRow.decision_id)
    lost = select(decision).where(decision.not_in(select(col(DecisionRow.id)))).distinct()
    for decision_id in session.scalars(lost):
        yield f"Decision {decision_id}: an idempotency record leads to it, but it is not there."
