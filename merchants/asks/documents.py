"""The JSON document of an ask: camelCase keys as in the GraphQL input, and JSON values."""

from collections.abc import Mapping
from dataclasses import MISSING
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.number import format_decimal, parse_decimal
from gateway.domain.period import Period
from gateway.kit.text import refused_character
from merchants.asks.fields import AskField, ask_fields

T = TypeVar("T")


def ask_document(ask: Any) -> dict[str, Any]:
    """The document of an ask. Every field is present."""
    return {field.member: _plain(getattr(ask, field.name)) for field in ask_fields(type(ask))}


def ask_from_document(cls: type[T], document: Mapping[str, Any]) -> T:
    """The ask in a document. Absent fields get their defaults.

    Raises InvalidInput, with a field path relative to the ask, for a missing, unknown or invalid field.
    """
    fields = ask_fields(cls)
    members = {field.member for field in fields}
    unknown = [key for key in document if key not in members]
    if unknown:
        raise InvalidInput("INVALID", "there is no such field", (unknown[0],))
    values = {}
    for field in fields:
        value = document.get(field.member)
        if value is not None:
            values[field.name] = _typed(field, value)
        elif field.required or (field.member in document and not field.optional):
            raise InvalidInput("INVALID", "must have a value", (field.member,))
        elif field.member in document or field.default is MISSING:
            values[field.name] = None
    return cls(**values)


def ask_from_values(form: type[T], values: Mapping[str, Any]) -> T:
    """The ask in coerced GraphQL input: values by their GraphQL names. Absent fields get their defaults.

    A point in time is a datetime, a duration is a timedelta. All other values are as in a document. Raises
    InvalidInput with a field path relative to the ask.
    """
    typed: dict[str, Any] = {}
    for field in ask_fields(form):
        value = values.get(field.member)
        if value is None:
            if field.member in values or (field.optional and field.default is MISSING):
                typed[field.name] = None
        elif field.type is Period:
            try:
                typed[field.name] = Period(**value)
            except InvalidInput as error:
                raise error.with_prefix(field.member) from None
        else:
            typed[field.name] = value if field.type is timedelta else _typed(field, value)
    return form(**typed)


def _plain(value: Any) -> Any:
    if isinstance(value, Money | Period):
        return value.document()
    if isinstance(value, timedelta):
        return format_duration(value)
    return format_decimal(value) if isinstance(value, Decimal) else value


def _typed(field: AskField, value: Any) -> Any:
    try:
        if field.type is Money:
            return Money.parse(value["amount"], value["currency"])
        if field.type is Period:
            return Period.from_document(value)
        if field.type is timedelta:
            return parse_duration(value)
        if field.type is Decimal:
            return parse_decimal(value)
        if type(value) is not field.type:
            raise InvalidInput("INVALID", f"must be of type {field.type.__name__}")
        if field.type is str and (refused := refused_character(value)):
            raise InvalidInput("INVALID", f"must have printable characters only, not {refused}")
    except InvalidInput as error:
        raise error.with_prefix(field.member) from None
    except (KeyError, TypeError, AttributeError):
        raise InvalidInput("INVALID", "does not have the form of this field", (field.member,)) from None
    return value
