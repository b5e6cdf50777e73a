"""Events as merchants read them: the messages of the outbox, in pages of a merchant's feed or of one subject."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select, union_all

from gateway.store.outbox import OUTBOX, OutboxRow
from gateway.store.repository import Repository

_O = OUTBOX.c
_BY_IDS = select(OUTBOX).where(_O.id.in_(bindparam("ids", expanding=True)))
_SEQUENCES = select(_O.id, _O.sequence).where(_O.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class MessageWindow:
    """One page of events: at most `limit` after the number `after` and before the number `before`, from the first or,
    if `backward`, from the last. The number is the position in a feed, the sequence number among those of a subject."""

    limit: int
    backward: bool = False
    after: int | None = None
    before: int | None = None

    @property
    def bounds(self) -> dict[str, int]:
        """The bounds that are set, by name."""
        bounds = {"after": self.after, "before": self.before}
        return {name: number for name, number in bounds.items() if number is not None}


def _within(column: ColumnElement[Any], bounds: Iterable[str]) -> list[ColumnElement[bool]]:
    names = set(bounds)
    return [
        *([column > bindparam("after", type_=column.type)] if "after" in names else []),
        *([column < bindparam("before", type_=column.type)] if "before" in names else []),
    ]


@lru_cache
def _of_subject(backward: bool, bounds: frozenset[str]) -> Select[Any]:
    return (
        select(OUTBOX)
        .where(_O.aggregate_id == bindparam("subject_id"), *_within(_O.sequence, bounds))
        .order_by(_O.sequence.desc() if backward else _O.sequence)
        .limit(bindparam("most"))
    )


@lru_cache(maxsize=512)
def _feed(topics: int, backward: bool, bounds: frozenset[str]) -> Select[Any]:
    """The statement for a feed with this number of topics. It reads one range of an index for each of them, at most one
    page, so it takes the same time however many events a merchant has and however few have the topics."""
    most: Any = bindparam("most")
    parts = []
    for number in range(topics):
        part = (
            select(_O.id, _O.position)
            .where(
                _O.merchant_id == bindparam("merchant_id"),
                _O.topic == bindparam(f"topic_{number}"),
                _O.position.is_not(None),
                *_within(_O.position, bounds),
            )
            .order_by(_O.position.desc() if backward else _O.position)
            .limit(most)
            .subquery()
        )
        parts.append(select(part.c.id, part.c.position))
    merged = union_all(*parts).subquery()
    order = merged.c.position.desc() if backward else merged.c.position
    wanted = select(merged.c.id).order_by(order).limit(most).subquery()
    return (
        select(OUTBOX).where(_O.id.in_(select(wanted.c.id))).order_by(_O.position.desc() if backward else _O.position)
    )


class EventRepository(Repository):
    """Reads messages of the outbox."""

    def list_feed(self, merchant_id: str, topics: Sequence[str], window: MessageWindow) -> list[OutboxRow]:
        """Returns the events of a merchant with one of these topics in a page by position, in its direction. Events
        without a position are not there yet."""
        if not topics:
            return []
        statement = _feed(len(topics), window.backward, frozenset(window.bounds))
        named = {f"topic_{number}": topic for number, topic in enumerate(topics)}
        return self._all(OutboxRow, statement, merchant_id=merchant_id, most=window.limit, **named, **window.bounds)

    def list_of_subject(self, subject_id: str, window: MessageWindow) -> list[OutboxRow]:
        """Returns the events of a subject in a page by sequence number, in its direction, also those without a
        position."""
        statement = _of_subject(window.backward, frozenset(window.bounds))
        return self._all(OutboxRow, statement, subject_id=subject_id, most=window.limit, **window.bounds)

    def list_by_ids(self, event_ids: Iterable[str]) -> list[OutboxRow]:
        """Returns these events in any order, without unknown ones."""
        return self._all(OutboxRow, _BY_IDS, ids=sorted(set(event_ids)))

    def load_sequences(self, event_ids: Iterable[str]) -> Mapping[str, int]:
        """Returns the sequence numbers of these events by id, without unknown ones."""
        return {row.id: row.sequence for row in self._rows(_SEQUENCES, ids=sorted(set(event_ids)))}
