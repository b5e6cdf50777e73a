"""The digests that an entry of the decision log holds: of the decision, the dispute and the call it was written with.
An entry is signed and chained, so a row that somebody changes afterwards no longer has the digest in its newest entry.

Each document holds the random id under which the merchant knows the person. Once that is erased, nobody can find out
by trying what a digest was made of. The names in these documents never change.
"""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Row, Table

from gateway.store.decisions.disputes import DISPUTES, DisputeRow
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS, IdempotencyRow
from gateway.store.decisions.mapping import digest_document

DECISION, BEFORE, DISPUTE, CALL = "state", "state_before", "dispute_state", "call"
"""Members of an entry's public part: the digest of the decision after and before the event, of the dispute that it is
about, and of the idempotency record of the call. An entry from before there was a member says nothing about it."""

POINTERS = frozenset({"opened_event", "answered_event", "resolved_event"})
"""Columns of a dispute that name entries. An entry cannot contain its own id, so they are not part of the digest."""


def digest_dispute(row: DisputeRow | Row[Any], person: str | None) -> str:
    """The digest of a dispute. `person` is the subject of its decision."""
    return digest_document({**_columns(DISPUTES, row, POINTERS), "person": person})


def digest_call(row: IdempotencyRow | Row[Any], person: str) -> str:
    """The digest of an idempotency record. `person` is the subject of its decision."""
    return digest_document({**_columns(IDEMPOTENCY_RECORDS, row), "person": person})


def try_digest(digest: Callable[..., str], *rows: Any) -> str | None:
    """The digest of what is in the database; None for values that the gateway never writes."""
    try:
        return digest(*rows)
    except (TypeError, ValueError):
        return None


def _columns(table: Table, row: object, left_out: Collection[str] = ()) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in table.c if column.name not in left_out}
