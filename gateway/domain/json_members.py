"""JSON documents of dataclasses. The types of the fields give the encoding, the decoding and the JSON Schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gateway.domain.events import Topic, topic_named, wire_name
from gateway.domain.money import Money
from gateway.domain.period import format_milliseconds, parse_moment
from gateway.kit.names import camel_case

D = TypeVar("D")
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one type are written as JSON. `encode` is None if a value is its own JSON. `decode` raises
    ValueError, KeyError, TypeError or InvalidInput for what `encode` never returns. `definitions` are the schemas to
    which `schema` refers."""

    schema: Schema
    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any]
    definitions: Schema = field(default_factory=dict)


def member(description: str, *, name: str = "", **keywords: Any) -> dict[str, Any]:
    """Returns the metadata of a field: its description for the schema, and further keywords of its schema. `name` is
    its name in JSON, by default its own in camelCase."""
    return {"name": name, "keywords": {"description": description, **keywords}}


def encode(kind: type[Any], value: Any) -> dict[str, Any]:
    """Returns the JSON document of a dataclass: the members of `kind`, which is its class or a base of it."""
    return _declared(kind).write(value)


def decode(kind: type[D], document: Any) -> D:
    """Returns the dataclass in a document that `encode` returned. Raises ValueError, KeyError, TypeError or
    InvalidInput for other documents."""
    return kind(**decode_members(kind, document))


def decode_members(kind: type[Any], document: Any) -> dict[str, Any]:
    """Returns the values of the fields of a dataclass in a document, by their names in Python. Raises as `decode`."""
    return _declared(kind).read_members(document)


def schema_of(kind: type[Any]) -> tuple[dict[str, Any], Schema]:
    """Returns the JSON Schema (2020-12) of a dataclass, and the definitions to which it refers. It accepts no other
    members."""
    declared = _declared(kind)
    return declared.schema, declared.definitions


class _Object:
    """The members of a dataclass."""

    def __init__(self, kind: type[Any]) -> None:
        hints = get_type_hints(kind)
        self._kind = kind
        self._members: list[tuple[str, str, Kind]] = []
        self.definitions: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        for each in fields(kind):
            name = each.metadata.get("name") or camel_case(each.name)
            its = kind_of(hints[each.name])
            self._members.append((each.name, name, its))
            properties[name] = {**its.schema, **each.metadata.get("keywords", {})}
            self.definitions |= its.definitions
        values = attrgetter(*(attribute for attribute, _, _ in self._members))
        is_single = len(self._members) == 1  # for one attribute, attrgetter returns the value and no tuple
        self._values: Callable[[Any], Any] = (lambda each: (values(each),)) if is_single else values
        self._names = tuple(name for _, name, _ in self._members)
        self._encoded = tuple((name, its.encode) for _, name, its in self._members if its.encode)
        self.schema: dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def write(self, value: Any) -> dict[str, Any]:
        document = dict(zip(self._names, self._values(value), strict=True))
        for name, encode_member in self._encoded:
            if document[name] is not None:
                document[name] = encode_member(document[name])
        return document

    def read(self, document: Any) -> Any:
        return self._kind(**self.read_members(document))

    def read_members(self, document: Any) -> dict[str, Any]:
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")
        return {attribute: its.decode(document[name]) for attribute, name, its in self._members}


@cache
def _object(kind: Any) -> _Object:
    return _Object(kind)


def _declared(kind: type[Any]) -> _Object:
    hashable: Any = kind  # the cache takes a Hashable, which a class is not for mypy
    return _object(hashable)


@cache
def kind_of(hint: Any) -> Kind:
    """Returns how values of this type are written: str, int, bool, datetime, Money, a StrEnum, a dataclass, a tuple of
    such values of any length, or one of these `| None`. Raises TypeError for any other type."""
    if hint in _KINDS:
        return _KINDS[hint]
    parts = get_args(hint)
    if get_origin(hint) is UnionType and NoneType in parts:
        return _or_null(kind_of(next(part for part in parts if part is not NoneType)))
    if get_origin(hint) is tuple:
        return _list_of(kind_of(parts[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Kind({"enum": [each.value for each in hint]}, None, hint)
    if isinstance(hint, type) and is_dataclass(hint):
        declared = _declared(hint)
        name = hint.__name__
        reference = {"$ref": f"#/$defs/{name}"}
        return Kind(reference, declared.write, declared.read, {**declared.definitions, name: declared.schema})
    raise TypeError(f"no JSON for {hint}")


def _or_null(kind: Kind) -> Kind:
    def read(value: Any) -> Any:
        return None if value is None else kind.decode(value)

    return Kind({"anyOf": [kind.schema, {"type": "null"}]}, kind.encode, read, kind.definitions)


def _list_of(kind: Kind) -> Kind:
    def write(values: tuple[Any, ...]) -> list[Any]:
        return list(values) if kind.encode is None else list(map(kind.encode, values))

    def read(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise ValueError("not a JSON array")
        return tuple(map(kind.decode, values))

    return Kind({"type": "array", "items": kind.schema}, write, read, kind.definitions)


def _plain(kind: type[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"not a {kind.__name__}")
        return value

    return read


_MONEY = {
    "type": "object",
    "description": "An exact amount, never a float, and its ISO 4217 currency.",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
}
_KINDS: dict[Any, Kind] = {
    str: Kind({"type": "string"}, None, _plain(str)),
    int: Kind({"type": "integer"}, None, _plain(int)),
    bool: Kind({"type": "boolean"}, None, _plain(bool)),
    datetime: Kind({"type": "string", "format": "date-time"}, format_milliseconds, parse_moment),
    Money: Kind({"$ref": "#/$defs/Money"}, Money.document, Money.from_document, {"Money": _MONEY}),
    Topic: Kind({"enum": [wire_name(each) for each in Topic]}, wire_name, topic_named),
}
