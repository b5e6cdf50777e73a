"""What an entry of the decision log commits to beside its words: the hash of a whole row as it was once the entry was
written. The entry is signed and chained, so that a row which somebody changes afterwards is no longer the one it
committed to.

Each document holds the random id under which the merchant knows the person. Once that is erased, nobody can find out
by trying what an entry committed to.
"""

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway.kit.clock import rfc3339
from gateway.kit.json import canonical
from gateway.store.base import Table, core
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow
from gateway.store.idempotency import IdempotencyRow

DECISION, BEFORE, DISPUTE, CALL = "state", "state_before", "dispute_state", "call"
"""Members of an entry's public part: the decision as the entry leaves it and as it found it, the dispute that it is
about, the call that did it. One that was written before there was such a member commits to nothing."""

COMPUTED = frozenset({"amount_minor", "held_minor", "wakes_at"})
"""Columns of a decision that follow from the others, and are compared with them (gateway.store.books)."""

POINTERS = frozenset({"opened_event", "answered_event", "resolved_event"})
"""Columns of a dispute that name entries. An entry cannot hash its own id; which they are, the entries themselves say
(gateway.store.books_disputes)."""


def of_decision(row: DecisionRow | Row[Any]) -> str:
    """The hash of a decision's state."""
    return _hash(_document(DecisionRow, row, COMPUTED))


def of_dispute(row: DisputeRow | Row[Any], person: str | None) -> str:
    """The hash of a dispute's state. `person` is the subject of its decision."""
    return _hash({**_document(DisputeRow, row, POINTERS), "person": person})


def of_call(row: IdempotencyRow | Row[Any], person: str) -> str:
    """The hash of an idempotency record. `person` is the subject of its decision."""
    return _hash({**_document(IdempotencyRow, row), "person": person})


def found(commitment: Callable[..., str], *rows: Any) -> str | None:
    """The hash of what stands in the database now; None where that is nothing the gateway would write."""
    try:
        return commitment(*rows)
    except (TypeError, ValueError):
        return None


def _document(kind: type[Table], row: object, left_out: Collection[str] = ()) -> dict[str, Any]:
    """The columns that say something: one that a later version adds is null, zero or false in older rows, and what was
    committed to before holds still."""
    values = {column.name: getattr(row, column.name) for column in core(kind).c if column.name not in left_out}
    return {name: _plain(value) for name, value in values.items() if value not in (None, 0)}


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()
