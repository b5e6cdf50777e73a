"""Maps the state of a decision to columns, rows and digests, by the types of its fields."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from types import new_class
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field
from sqlmodel.sql.sqltypes import AutoString

from gateway.domain.decisions.outcome import Outcome, outcome_from_document
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime, WallTime, rfc3339
from gateway.kit.json import canonical
from gateway.store.base import Moment, Record, Row, amount_column, values_of

S = TypeVar("S", bound=DecisionState)
Values = Mapping[str, Any]

CURRENCY = "currency"
"""The column with the currency of all amounts of a decision."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How values of one type are stored. `read` takes the stored value and the whole row."""

    sql_type: Any
    write: Callable[[Any], Any]
    read: Callable[[Any, Values], Any]


def _as_is(value: Any, _: Values | None = None) -> Any:
    return value


_TEXT = _Kind(AutoString, _as_is, _as_is)
_MOMENT = _Kind(Moment, _as_is, _as_is)
_JSON = JSON(none_as_null=True)
_KINDS: dict[Any, _Kind] = {
    str: _TEXT,
    BusinessTime: _MOMENT,
    WallTime: _MOMENT,
    Money: _Kind(BigInteger, lambda money: money.minor, lambda minor, row: Money(minor, row[CURRENCY])),
    timedelta: _Kind(
        BigInteger, lambda length: int(length.total_seconds()), lambda seconds, _: timedelta(seconds=seconds)
    ),
    Outcome: _Kind(_JSON, lambda outcome: outcome.document(), lambda document, _: outcome_from_document(document)),
    Windows: _Kind(_JSON, lambda windows: windows.document(), lambda document, _: Windows.from_document(document)),
    Mapping[str, Any]: _Kind(_JSON, dict, _as_is),
}
_NULL_MEANS_DEFAULT = frozenset({Windows})
"""Types whose column may be null in rows of older versions; their `read` takes None."""


@dataclass(frozen=True, slots=True)
class StoredField:
    """One field: its name, its column, its name in digests, and how it is stored."""

    name: str
    column: str
    digest: str
    kind: _Kind
    nullable: bool
    default: Any


class StateMapping(Generic[S]):
    """The mapping of a state class. `derived` are further columns that are computed from the fields for use in queries.
    They are not part of digests."""

    def __init__(self, state_type: type[S], derived: Mapping[str, tuple[Any, Callable[[S], Any]]]) -> None:
        self._type, self._derived = state_type, derived
        hints = get_type_hints(state_type)
        self.fields = tuple(
            _stored_field(each.name, hints[each.name], each.metadata, each.default) for each in fields(state_type)
        )
        self._as_is = tuple((each.name, each.column) for each in self.fields if each.kind.read is _as_is)
        self._values = attrgetter(*(each.name for each in self.fields))
        self._columns = tuple(each.column for each in self.fields)
        self._written = tuple((each.column, each.kind.write) for each in self.fields if each.kind.write is not _as_is)
        self._converted = tuple(each for each in self.fields if each.kind.read is not _as_is)

    def declare(
        self, module: str, name: str, table: str, options: Mapping[str, Mapping[str, Any]], arguments: Any = ()
    ) -> type[Record]:
        """Returns the SQLModel table with these columns, as if the class `name` were declared in `module`. `options`
        are further arguments of single columns (keys, indexes), `arguments` those of the table."""
        namespace: dict[str, Any] = {"__module__": module, "__tablename__": table, "__table_args__": arguments}
        annotations: dict[str, Any] = {}
        for each in self.fields:
            annotations[each.column] = Any
            namespace[each.column] = _column(each, options.get(each.column, {}))
        for column, (field, _) in self._derived.items():
            annotations[column], namespace[column] = Any, field
        namespace["__annotations__"] = annotations
        return cast("type[Record]", new_class(name, (Record,), {"table": True}, lambda body: body.update(namespace)))

    def write(self, state: S) -> dict[str, Any]:
        """Returns the columns of a state, including derived ones."""
        values = dict(zip(self._columns, self._values(state), strict=True))
        for column, write in self._written:
            if values[column] is not None:
                values[column] = write(values[column])
        return {**values, **self.derive(state)}

    def read(self, row: Row | Values) -> S:
        """Returns the state in a row. Raises ValueError, TypeError or LookupError for values that `write` never
        returns."""
        values = _values(row)
        arguments = {name: values[column] for name, column in self._as_is}
        for each in self._converted:
            arguments[each.name] = _read(each, values)
        return self._type(**arguments)

    def derive(self, state: S) -> dict[str, Any]:
        """Returns the derived columns of a state."""
        return {column: derive(state) for column, (_, derive) in self._derived.items()}

    def digest(self, row: Row | Values) -> str:
        """Returns SHA-256 hex over a row without derived columns. Columns that are null or zero are left out, so that a
        new column does not change the digests of older rows."""
        values = _values(row)
        return digest_document({each.digest: values[each.column] for each in self.fields})


def _values(row: Row | Values) -> Values:
    return row if isinstance(row, Mapping) else values_of(row)


def digest_document(document: Values) -> str:
    """Returns SHA-256 hex over the canonical JSON of the members that are not null, zero or false."""
    plain = {name: _plain(value) for name, value in document.items() if value not in (None, 0)}
    return hashlib.sha256(canonical(plain)).hexdigest()


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value


def _stored_field(name: str, hint: Any, metadata: Mapping[str, str], default: Any) -> StoredField:
    base, nullable = _without_none(hint)
    kind = _KINDS.get(base)
    if kind is None and isinstance(base, type) and issubclass(base, StrEnum):
        members = {member.value: member for member in base}
        kind = _Kind(AutoString, str, lambda text, _: members[text])
    if kind is None:
        raise TypeError(f"{name}: no way to store {hint}")
    column = metadata.get("column") or name
    nullable = nullable or base in _NULL_MEANS_DEFAULT
    return StoredField(name, column, metadata.get("digest") or column, kind, nullable, default)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """Returns the type without None, and whether it contained None."""
    if hint in _KINDS or get_origin(hint) is Mapping:
        return hint, False
    parts = get_args(hint)
    others = tuple(part for part in parts if part is not type(None))
    if len(others) < len(parts):
        return others[0] if len(others) == 1 else Union[others], True  # noqa: UP007  # a tuple of types
    return hint, False


def _column(field: StoredField, options: Mapping[str, Any]) -> Any:
    if field.kind.sql_type is BigInteger:
        return amount_column()
    settings: dict[str, Any] = {"sa_type": field.kind.sql_type, "nullable": field.nullable, **options}
    if field.nullable:
        settings["default"] = None
    return Field(**settings)


def _read(field: StoredField, values: Values) -> Any:
    value = values[field.column]
    if value is None and field.default is None:
        return None
    return field.kind.read(value, values)
