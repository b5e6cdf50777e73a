"""Pages of decisions by keyset: filtered ones of a merchant in both directions, and those of a person.

A filter by product or status reads one range of an index for each product and status, at most one page of each, and
merges them. So a page takes the same time however many decisions a merchant has and however few match.

A decision changes only together with a new entry of the decision log, in the same transaction. The hash of its newest
entry is therefore its version: a decision whose version is that of the last page with it is not read again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    union_all,
)

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime
from gateway.store.decisions.decisions import DECISIONS, DERIVED, EXPIRING, MAPPING, OF_USER
from gateway.store.logs.decision_log import DECISION_LOG
from gateway.store.repository import Repository
from gateway.store.snapshots import reads_snapshot
from gateway.store.statements import RawRow, fetch_raw, fetch_values

MAX_COUNT = 10_000
"""The largest count. Counting more would take long for a merchant with many decisions."""

_VARIANTS = 1_024
"""The number of cached variants of each statement: with and without each filter and bound, in each order."""
_KEPT = 2_048
"""The number of decisions that are kept in the memory of one process, at most 18 KB each."""

_FEW = 8
"""The number of decisions that are read by their ids instead of with their page."""

_COLUMNS = DECISIONS.c
_VERSION = (
    select(DECISION_LOG.c.leaf_hash)
    .where(DECISION_LOG.c.decision_id == _COLUMNS.id)
    .order_by(DECISION_LOG.c.leaf_index.desc())
    .limit(1)
    .scalar_subquery()
    .label("version")
)
_VERSIONS = (_COLUMNS.id, _VERSION)
_STATES = (_COLUMNS.id, _VERSION, *(column for column in _COLUMNS if column.name not in {"id", *DERIVED}))
_KEYS = tuple(f"key_{number}" for number in range(_FEW))
_BY_KEYS = select(*_STATES).where(_COLUMNS.id.in_([bindparam(name) for name in _KEYS]))
_OF_USER = OF_USER.order_by(_COLUMNS.id.desc()).limit(bindparam("most"))
_LATE_OF_USER = OF_USER.where(
    _COLUMNS.status == Status.FULFILLED.value,
    _COLUMNS.overdue_at.is_not(None),
    *(_COLUMNS[name].is_(None) for name in ("lapsed_at", "breached_at", "dispute_rejected_at")),
).order_by(_COLUMNS.id.desc())
_OLDER_OF_USER = _OF_USER.where(_COLUMNS.id < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a page of decisions. None filters nothing; an empty set of products or statuses matches nothing."""

    products: frozenset[Product] | None = None
    statuses: frozenset[Status] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def matches_nothing(self) -> bool:
        """Whether no decision can match."""
        return self.products == frozenset() or self.statuses == frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """One keyset page: at most `limit` rows after the position `after` and before the position `before`. A position is
    (time, id)."""

    limit: int
    by_update: bool = False
    descending: bool = True
    after: tuple[datetime, str] | None = None
    before: tuple[datetime, str] | None = None

    def reversed(self) -> "Window":
        """Returns the window over the same rows in reverse order."""
        return replace(self, descending=not self.descending, after=self.before, before=self.after)


@dataclass(slots=True)
class _Kept:
    """The version and the state of a decision, None until it has been read."""

    content: tuple[Any, DecisionState] | None = None

    def state_of(self, version: Any) -> DecisionState | None:
        """Returns the state of a version, None if it is not kept. A decision without an entry in the log has none."""
        content = self.content
        return content[1] if content is not None and version is not None and content[0] == version else None


@lru_cache(maxsize=_KEPT)
def _kept(_decision_id: str) -> _Kept:
    return _Kept()


def _read(row: RawRow) -> DecisionState:
    """Returns the decision in a row of _STATES, and keeps it."""
    kept, version = _kept(row.values[0]), row.values[1]
    state = kept.state_of(version)
    if state is None:
        state = MAPPING.read(row.read())
        kept.content = version, state
    return state


class DecisionPageRepository(Repository):
    """Reads pages."""

    def load_page(self, merchant_id: str, filtered: Filter, window: Window, now: BusinessTime) -> list[DecisionState]:
        """Returns at most `window.limit` decisions of one merchant, with their status at `now`, in the order of the
        window."""
        if filtered.matches_nothing:
            return []
        shape = _Shape(filtered, window.after is not None, window.before is not None)
        parameters = _parameters(merchant_id, filtered, now)
        for name, position in (("after", window.after), ("before", window.before)):
            if position is not None:
                parameters[f"{name}_at"], parameters[f"{name}_id"] = position
        parameters["most"] = window.limit
        return [state.as_of(now) for state in self._load(shape, window, parameters)]

    def _load(self, shape: "_Shape", window: Window, parameters: Mapping[str, Any]) -> Sequence[DecisionState]:
        """Returns the stored decisions of a page."""
        connection = self._connection
        if not reads_snapshot(connection):  # what it sees may be rolled back, and log entries come last
            page = _page(shape, _STATES, window.by_update, window.descending)
            return [MAPPING.read(row) for row in self._run(page, parameters).rows]
        page = _page(shape, _VERSIONS, window.by_update, window.descending)
        versions = fetch_values(connection, page, parameters)
        states: dict[str, Any] = {key: _kept(key).state_of(version) for key, version in versions}
        missing = [key for key, state in states.items() if state is None]
        if len(missing) > _FEW:
            page = _page(shape, _STATES, window.by_update, window.descending)
            states.update((row.values[0], _read(row)) for row in fetch_raw(connection, page, parameters))
        elif missing:
            keys = {name: missing[number % len(missing)] for number, name in enumerate(_KEYS)}
            states.update((row.values[0], _read(row)) for row in fetch_raw(connection, _BY_KEYS, keys))
        return list(states.values())

    def count(self, merchant_id: str, filtered: Filter, now: BusinessTime) -> tuple[int, bool]:
        """Returns the number of decisions that match the filter, at most MAX_COUNT, and whether there are no more."""
        if filtered.matches_nothing:
            return 0, True
        parameters = _parameters(merchant_id, filtered, now)
        number = int(self._value(_count(_Shape(filtered)), **parameters, most=MAX_COUNT + 1))
        return min(number, MAX_COUNT), number <= MAX_COUNT

    def list_of_user(self, user_id: str, limit: int, before: str | None = None) -> list[DecisionState]:
        """Returns a person's stored decisions at all merchants, newest first, at most `limit`. With `before`, only
        those that are older than the decision with this id."""
        parameters = {"user_id": user_id, "most": limit}
        if before is None:
            return [MAPPING.read(row) for row in self._rows(_OF_USER, **parameters)]
        return [MAPPING.read(row) for row in self._rows(_OLDER_OF_USER, **parameters, before=before)]

    def list_late_settlements(self, user_id: str) -> list[DecisionState]:
        """Returns a person's late settlements about which no dispute was rejected or withdrawn, newest first."""
        return [MAPPING.read(row) for row in self._rows(_LATE_OF_USER, user_id=user_id)]


@dataclass(frozen=True, slots=True, init=False)
class _Shape:
    """The parts of a filter and its bounds that decide which variant of a statement is used."""

    by_kind: bool
    by_status: bool
    created_after: bool
    created_before: bool
    after: bool
    before: bool

    def __init__(self, filtered: Filter, after: bool = False, before: bool = False) -> None:
        values = {
            "by_kind": filtered.products is not None or filtered.statuses is not None,
            "by_status": filtered.statuses is not None,
            "created_after": filtered.created_after is not None,
            "created_before": filtered.created_before is not None,
            "after": after,
            "before": before,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _parameters(merchant_id: str, filtered: Filter, now: BusinessTime) -> dict[str, Any]:
    parameters: dict[str, Any] = {"merchant_id": merchant_id}
    if filtered.products is not None or filtered.statuses is not None:
        for product in Product:
            for status in Status:
                is_wanted = product in (filtered.products or Product) and status in (filtered.statuses or Status)
                parameters[_switch(product, status)] = int(is_wanted)
    if filtered.statuses is not None:
        parameters["now"] = now
    bounds = {"created_after": filtered.created_after, "created_before": filtered.created_before}
    return parameters | {name: moment for name, moment in bounds.items() if moment is not None}


def _switch(product: Product, status: Status) -> str:
    """The name of the parameter that is 1 if decisions of this product and status are wanted, otherwise 0."""
    return f"wanted_{product.value}_{status.value}".lower()


@lru_cache(maxsize=_VARIANTS)
def _page(shape: _Shape, columns: tuple[Any, ...], by_update: bool, descending: bool) -> Select[Any]:
    moment = _COLUMNS.updated_at if by_update else _COLUMNS.created_at
    order = (moment.desc(), _COLUMNS.id.desc()) if descending else (moment.asc(), _COLUMNS.id.asc())
    most: Any = bindparam("most")
    bounds = [*_creation_bounds(shape), *_window_bounds(shape, moment, descending)]
    if not shape.by_kind:
        return select(*columns).where(_of_merchant(), *bounds).order_by(*order).limit(most)
    parts = [
        select(_COLUMNS.id, moment.label("moment")).where(*kind, *bounds).order_by(*order).limit(most).subquery()
        for kind in _kinds(shape)
    ]
    merged = union_all(*(select(part.c.id, part.c.moment) for part in parts)).subquery()
    direction = (merged.c.moment.desc(), merged.c.id.desc()) if descending else (merged.c.moment, merged.c.id)
    wanted = select(merged.c.id).order_by(*direction).limit(most).subquery()
    return select(*columns).where(_COLUMNS.id.in_(select(wanted.c.id))).order_by(*order)


@lru_cache(maxsize=_VARIANTS)
def _count(shape: _Shape) -> Select[Any]:
    most: Any = bindparam("most")
    bounds = _creation_bounds(shape)
    if shape.by_kind:
        parts: list[Subquery] = [
            select(_COLUMNS.id).where(*kind, *bounds).limit(most).subquery() for kind in _kinds(shape)
        ]
        matching = union_all(*(select(part.c.id) for part in parts)).limit(most).subquery()
    else:
        matching = select(_COLUMNS.id).where(_of_merchant(), *bounds).limit(most).subquery()
    return select(func.count()).select_from(matching)


def _of_merchant() -> ColumnElement[bool]:
    return _COLUMNS.merchant_id == bindparam("merchant_id")


def _kinds(shape: _Shape) -> Iterator[list[ColumnElement[bool]]]:
    """Yields the conditions of each product and status, each a range of an index. Together they exclude each other and
    match what `status_at` returns: after `valid_until` an approval or request is EXPIRED, even if that is not saved
    yet."""
    now: BindParameter[Any] = bindparam("now", type_=_COLUMNS.valid_until.type)
    for product in Product:
        for status in Status:
            stored = [_of_merchant(), _COLUMNS.product == product.value, _COLUMNS.status == status.value]
            is_wanted = bindparam(_switch(product, status), type_=Integer) == 1
            if not shape.by_status or status not in EXPIRING:
                yield [*stored, is_wanted]
                continue
            expired_is_wanted = bindparam(_switch(product, Status.EXPIRED), type_=Integer) == 1
            yield [*stored, is_wanted, or_(_COLUMNS.valid_until.is_(None), _COLUMNS.valid_until > now)]
            yield [*stored, expired_is_wanted, _COLUMNS.valid_until <= now]


def _creation_bounds(shape: _Shape) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if shape.created_after:
        bounds.append(_COLUMNS.created_at > bindparam("created_after"))
    if shape.created_before:
        bounds.append(_COLUMNS.created_at < bindparam("created_before"))
    return bounds


def _window_bounds(shape: _Shape, moment: Column[Any], descending: bool) -> Iterator[ColumnElement[bool]]:
    """Yields comparisons of row values, which are ranges of an index. With "or" instead, the database would read all
    rows from the first of the merchant."""
    position = tuple_(moment, _COLUMNS.id)
    for name, bound, beyond in (("after", shape.after, not descending), ("before", shape.before, descending)):
        if bound:
            at = tuple_(bindparam(f"{name}_at", type_=moment.type), bindparam(f"{name}_id", type_=_COLUMNS.id.type))
            yield position > at if beyond else position < at
