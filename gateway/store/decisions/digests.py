"""The digests in an entry of the decision log: of the decision, the dispute, the idempotency record of the call and the
message in the outbox. Entries cannot be changed unnoticed, so a row that is changed afterwards no longer matches the
digest in its newest entry.

Each digested document holds the person's random pairwise id. After that id is erased, the content of a digest can no
longer be guessed. The names in these documents never change.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Row, Table

from gateway.store.decisions.disputes import DISPUTES, DisputeRow
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS, IdempotencyRow
from gateway.store.decisions.mapping import digest_document

DECISION, BEFORE, DISPUTE, CALL, MESSAGE = "state", "state_before", "dispute_state", "call", "message"
"""Members of an entry's public part: the digest of the decision after the event, the previous digest, the digest of the
dispute, that of the idempotency record, and that of the message's payload. Entries that are older than a member do not
have it."""

POINTERS = frozenset({"opened_event", "answered_event", "resolved_event"})
"""Columns of a dispute with ids of log entries. An entry cannot contain its own id, so the digest leaves them out."""


def digest_dispute(row: DisputeRow | Row[Any], person: str | None) -> str:
    """Returns the digest of a dispute. `person` is the subject of its decision."""
    return digest_document({**_columns(DISPUTES, row, POINTERS), "person": person})


def digest_call(row: IdempotencyRow | Row[Any], person: str) -> str:
    """Returns the digest of an idempotency record. `person` is the subject of its decision."""
    return digest_document({**_columns(IDEMPOTENCY_RECORDS, row), "person": person})


def digest_message(payload: Mapping[str, Any], person: str) -> str:
    """Returns the digest of the payload of a message. `person` is the subject of its decision."""
    return digest_document({**payload, "person": person})


def try_digest(digest: Callable[..., str], *rows: Any) -> str | None:
    """Returns the digest of stored rows, or None for values that the gateway never writes."""
    try:
        return digest(*rows)
    except (TypeError, ValueError):
        return None


def _columns(table: Table, row: object, excluded: Collection[str] = ()) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in table.c if column.name not in excluded}
