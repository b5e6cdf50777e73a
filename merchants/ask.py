"""What a merchant asks, as a typed form: frozen dataclasses whose fields carry descriptions.

GraphQL input types are generated from them, so a field is Money, Period, timedelta, Decimal, str, bool or int, or
one of these `| None`.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.money import Money
from gateway.domain.period import Period

T = TypeVar("T")
ASK_FIELD_TYPES = (Money, Period, timedelta, Decimal, str, bool, int)


def asked(description: str, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of an ask: `description` is one English sentence that partners read in the schema."""
    return dataclasses.field(default=default, metadata={"description": description})


@typing.dataclass_transform(frozen_default=True, field_specifiers=(asked,))
def ask_type(form: type[T]) -> type[T]:
    """Makes a class with `asked(...)` fields into a frozen dataclass that the type checker understands as one."""
    return dataclass(frozen=True, slots=True)(form)


@dataclass(frozen=True, slots=True)
class AskField:
    """One field: `name` in Python, `member` in GraphQL, its `type` without None, `default` if there is one."""

    name: str
    member: str
    type: type[Any]
    optional: bool
    description: str
    default: Any = dataclasses.MISSING

    @property
    def required(self) -> bool:
        """Whether a merchant must send it: it may not be null and has no default."""
        return not self.optional and self.default is dataclasses.MISSING


def ask_fields(form: type[Any]) -> tuple[AskField, ...]:
    """The fields of an ask type in their order. Raises Misconfigured for a type or field that cannot be asked."""
    known: Any = form  # the cache asks for a Hashable, and mypy does not take a class for one
    return _ask_fields(known)


@cache
def _ask_fields(form: Any) -> tuple[AskField, ...]:
    shape = getattr(form, "__dataclass_params__", None)
    if shape is None or not shape.frozen:
        raise Misconfigured(f"{form.__name__} must be a frozen dataclass")
    hints = typing.get_type_hints(form)
    return tuple(_ask_field(form, field, hints[field.name]) for field in dataclasses.fields(form))


def ask_document(ask: Any) -> dict[str, Any]:
    """The ask as the GraphQL input has it: camelCase keys, JSON-safe values, every field present."""
    return {field.member: _plain(getattr(ask, field.name)) for field in ask_fields(type(ask))}


def ask_from_document(form: type[T], document: Mapping[str, Any]) -> T:
    """The ask that a document holds; absent fields take their defaults.

    Raises InvalidInput with a field path relative to the ask for whatever is missing, unknown or unreadable.
    """
    fields = ask_fields(form)
    for key in document:
        if key not in {field.member for field in fields}:
            raise InvalidInput("INVALID", "there is no such field", (key,))
    values = {}
    for field in fields:
        value = document.get(field.member)
        if value is not None:
            values[field.name] = _typed(field, value)
        elif field.required or (field.member in document and not field.optional):
            raise InvalidInput("INVALID", "a value is needed", (field.member,))
        elif field.member in document or field.default is dataclasses.MISSING:
            values[field.name] = None
    return form(**values)


def camel(name: str) -> str:
    """vehicle_value becomes vehicleValue."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _ask_field(form: type[Any], field: "dataclasses.Field[Any]", hint: Any) -> AskField:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [option for option in options if option is not types.NoneType]
    place = f"{form.__name__}.{field.name}"
    if len(kinds) != 1 or kinds[0] not in ASK_FIELD_TYPES:
        allowed = ", ".join(kind.__name__ for kind in ASK_FIELD_TYPES)
        raise Misconfigured(f"{place} must be one of {allowed}, or one of them | None")
    if not field.metadata.get("description"):
        raise Misconfigured(f"{place} has no description: use asked(...)")
    description, default = field.metadata["description"], field.default
    return AskField(field.name, camel(field.name), kinds[0], len(options) > 1, description, default)


def _plain(value: Any) -> Any:
    if isinstance(value, Money | Period):
        return value.document()
    if isinstance(value, timedelta):
        return format_duration(value)
    return format(value, "f") if isinstance(value, Decimal) else value


def _typed(field: AskField, value: Any) -> Any:
    try:
        if field.type is Money:
            return Money.parse(value["amount"], value["currency"])
        if field.type is Period:
            return Period.from_document(value)
        if field.type is timedelta:
            return parse_duration(value)
        if field.type is Decimal:
            return _decimal(value)
        if type(value) is not field.type:
            raise InvalidInput("INVALID", f"needs a value of type {field.type.__name__}")
    except InvalidInput as error:
        raise error.under(field.member) from None
    except (KeyError, TypeError, AttributeError):
        raise InvalidInput("INVALID", "is not of the form that this field has", (field.member,)) from None
    return value


def _decimal(value: Any) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise InvalidInput("INVALID", "needs a decimal number, as a string")
    return number
