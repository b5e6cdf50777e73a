"""Reconciles disputes with the decision log. `gateway.audit.events` finds deleted disputes by the events that name
them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from gateway.audit.batches import read_batches
from gateway.domain.events import Topic
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.logs.decision_log import DECISION_LOG, read_public
from gateway.store.unit import UnitOfWork

_DISPUTES = select(DISPUTES, DECISIONS.c.subject.label("person")).outerjoin(
    DECISIONS, DECISIONS.c.id == DISPUTES.c.decision_id
)
_ENTRIES: Executable = (
    select(DECISION_LOG.c.id, DECISION_LOG.c.decision_id, DECISION_LOG.c.public)
    .where(
        DECISION_LOG.c.decision_id.in_(bindparam("ids", expanding=True)), DECISION_LOG.c.public.contains('"dispute":')
    )
    .order_by(DECISION_LOG.c.leaf_index)
)


@dataclass(slots=True)
class _Logged:
    """The log entries about one dispute."""

    opened_event: str
    answered_event: str | None = None
    resolved_event: str | None = None
    newest: str = ""
    digest: str | None = None


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each dispute that does not match its entries. Disputes are read in batches."""
    for rows in read_batches(unit.connection, _DISPUTES, (DISPUTES.c.id,), batch):
        logged = _read_entries(unit, {row.decision_id for row in rows}, batch)
        for row in rows:
            yield from _compare(row, logged.get((row.decision_id, row.id)))


def _read_entries(unit: UnitOfWork, decision_ids: Collection[str], batch: int) -> dict[tuple[str, str], _Logged]:
    """Returns the log entries about the disputes of these decisions, by decision and dispute id."""
    logged: dict[tuple[str, str], _Logged] = {}
    parameters = {"ids": sorted(decision_ids)}
    for entry in unit.connection.execute(_ENTRIES, parameters, execution_options={"yield_per": batch}):
        public = read_public(entry)
        key = entry.decision_id, str(public.get("dispute"))
        if key not in logged:
            logged[key] = _Logged(entry.id)
        elif public.get("topic") == Topic.DISPUTE_RESOLVED:
            logged[key].resolved_event = entry.id
        else:
            logged[key].answered_event = entry.id
        logged[key].newest, logged[key].digest = entry.id, public.get(digests.DISPUTE)
    return logged


def _compare(row: Row[Any], logged: _Logged | None) -> Iterator[str]:
    if logged is None:
        yield f"Dispute {row.id}: the log of decision {row.decision_id} has no entry for it."
        return
    for column in sorted(digests.POINTERS):
        written, expected = getattr(row, column), getattr(logged, column)
        if written != expected:
            yield f"Dispute {row.id}: its {column} is {written}, but {expected} in the log."
    if logged.digest is not None and digests.try_digest(digests.digest_dispute, row, row.person) != logged.digest:
        yield f"Dispute {row.id}: its row does not match the digest in its newest entry {logged.newest}."
