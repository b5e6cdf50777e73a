"""Ask types: frozen dataclasses whose fields have descriptions.

GraphQL input types are generated from them. A field is Money, Period, timedelta, Decimal, str, bool or int, or one of
these `| None`.
"""

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from gateway.domain.errors import Misconfigured
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.kit.names import camel_case

T = TypeVar("T")
ASK_FIELD_TYPES = (Money, Period, timedelta, Decimal, str, bool, int)


def ask_field(description: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Declares a field of an ask type. `description` is one English sentence that partners read in the schema."""
    return dataclasses.field(default=default, metadata={"description": description})


@typing.dataclass_transform(frozen_default=True, field_specifiers=(ask_field,))
def ask_type(cls: type[T]) -> type[T]:
    """Returns the class, with its `ask_field(...)` fields, as a frozen dataclass. Type checkers treat it as one."""
    return dataclass(frozen=True, slots=True)(cls)


@dataclass(frozen=True, slots=True)
class AskField:
    """One field of an ask type: `name` in Python, `member` in GraphQL, `type` without None, `default` or MISSING."""

    name: str
    member: str
    type: type[Any]
    optional: bool
    description: str
    default: Any = dataclasses.MISSING

    @property
    def required(self) -> bool:
        """Whether a merchant must send the field, because it may not be null and has no default."""
        return not self.optional and self.default is dataclasses.MISSING


def ask_fields(cls: type[Any]) -> tuple[AskField, ...]:
    """The fields of an ask type in their order, cached by type. Raises Misconfigured for a class that is not a frozen
    dataclass, and for a field that has no description or a type other than the allowed ones."""
    hashable: Any = cls  # the cache takes a Hashable, which a class is not for mypy
    return _ask_fields(hashable)


@cache
def _ask_fields(cls: Any) -> tuple[AskField, ...]:
    parameters = getattr(cls, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise Misconfigured(f"{cls.__name__} must be a frozen dataclass")
    hints = typing.get_type_hints(cls)
    return tuple(_ask_field(cls, field, hints[field.name]) for field in dataclasses.fields(cls))


def _ask_field(cls: type[Any], field: "dataclasses.Field[Any]", hint: Any) -> AskField:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [option for option in options if option is not types.NoneType]
    name = f"{cls.__name__}.{field.name}"
    if len(kinds) != 1 or kinds[0] not in ASK_FIELD_TYPES:
        allowed = ", ".join(kind.__name__ for kind in ASK_FIELD_TYPES)
        raise Misconfigured(f"{name} must be one of {allowed}, or one of them | None")
    if not field.metadata.get("description"):
        raise Misconfigured(f"{name} has no description: use ask_field(...)")
    description, default = field.metadata["description"], field.default
    return AskField(field.name, camel_case(field.name), kinds[0], len(options) > 1, description, default)
