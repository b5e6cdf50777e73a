"""Converts coerced arguments to those of resolvers as strawberry does, with functions that are made once.

Strawberry finds the names and types of all arguments again at each call. This module uses its internals: check it when
the pinned version of strawberry changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from functools import partial
from typing import Any

import strawberry
from strawberry.relay.types import GlobalID
from strawberry.schema.name_converter import NameConverter
from strawberry.types.arguments import _is_leaf_type
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

Convert = Callable[[Any], Any]


class NotCovered(Exception):
    """Only strawberry converts values of this type."""


@dataclass(frozen=True, slots=True)
class BuildInput:
    """Creates an input of strawberry with `build`, from the coerced values by GraphQL name."""

    build: Convert

    def __call__(self, _: type, values: Any, __: Any) -> Any:
        return self.build(values)


@dataclass(frozen=True, slots=True)
class _ToInput:
    """Converts coerced values by GraphQL name to an input class. `fields` are GraphQL names, names of the class and
    conversions, `defaults` the values of absent fields that have no default in the class."""

    cls: Callable[..., Any]
    defaults: Mapping[str, None]
    fields: tuple[tuple[str, str, Convert | None], ...]

    def __call__(self, values: Any) -> Any:
        members: dict[str, Any] = dict(self.defaults)
        for name, python_name, convert in self.fields:
            if name in values:
                value = values[name]
                members[python_name] = value if convert is None else convert(value)
        return self.cls(**members)


class ArgumentConversions:
    """Makes the conversions for one schema. `scalars` are those of its converter."""

    def __init__(self, names: NameConverter, scalars: Mapping[object, Any]) -> None:
        self._names, self._scalars = names, scalars
        self._known: dict[Any, Convert | None] = {}
        self._open: set[Any] = set()

    def of_field(self, field: StrawberryField) -> dict[str, tuple[str, Convert | None]]:
        """Returns the name of the parameter and the conversion, None for values that stay as they are, by the GraphQL
        name of the argument. Raises NotCovered."""
        return {
            self._names.from_argument(each): (each.python_name, self.of_type(each.type)) for each in field.arguments
        }

    def of_type(self, type_: Any) -> Convert | None:
        """Returns the conversion of values of a type of strawberry, None if they stay as they are. Raises
        NotCovered."""
        convert = self._of_non_null(type_.of_type if _is_optional(type_) else type_)
        return None if convert is None else partial(_convert_present, convert)

    def _of_non_null(self, type_: Any) -> Convert | None:
        if isinstance(type_, StrawberryList):
            item: Any = type_.of_type
            if self._is_leaf(item.of_type if _is_optional(item) else item):
                return list  # a copy, because graphql-core gives the same default to each execution
            return partial(_convert_items, self.of_type(item))
        if self._is_leaf(type_):
            return None
        if isinstance(type_, LazyType):
            return self._of_non_null(type_.resolve_type())
        if has_enum_definition(type_):
            return None
        if has_object_definition(type_):
            return self._of_input(type_)
        raise NotCovered(type_)

    def _is_leaf(self, type_: Any) -> bool:
        if type_ is GlobalID:
            raise NotCovered(type_)
        return _is_leaf_type(type_, self._scalars)

    def _of_input(self, type_: Any) -> Convert | None:
        definition = type_.__strawberry_definition__
        if isinstance(definition.from_input, BuildInput):
            return definition.from_input.build
        if definition.from_input is not None or not definition.is_input or type_ in self._open:
            raise NotCovered(type_)
        if type_ not in self._known:
            self._open.add(type_)
            try:
                self._known[type_] = _ToInput(
                    type_,
                    {
                        each.python_name: None
                        for each in definition.fields
                        if each.default_value is MISSING and each.default_factory is MISSING
                    },
                    tuple(
                        (
                            self._names.from_field(each),
                            each.python_name,
                            self.of_type(each.resolve_type(type_definition=definition)),
                        )
                        for each in definition.fields
                    ),
                )
            finally:
                self._open.discard(type_)
        return self._known[type_]


def _is_optional(type_: Any) -> bool:
    if isinstance(type_, StrawberryMaybe):
        raise NotCovered(type_)
    return isinstance(type_, StrawberryOptional)


def _convert_present(convert: Convert, value: Any) -> Any:
    return value if value is None or value is strawberry.UNSET else convert(value)


def _convert_items(convert: Convert | None, items: Any) -> list[Any]:
    return [item if convert is None else convert(item) for item in items]
