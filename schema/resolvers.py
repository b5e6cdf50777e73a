"""Resolvers that replace those of strawberry. Compiled operations do what most of them do, without calling them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import GraphQLAbstractType, GraphQLIsTypeOfFn, GraphQLResolveInfo, GraphQLTypeResolver

T = TypeVar("T")

VALUE_ATTRIBUTE = "__value_attribute__"
"""The extension of an object type that is made of a value: the name of the attribute that has it."""


def made_of(attribute: str) -> Callable[[type[T]], type[T]]:
    """Returns a decorator of an object type that is made of an immutable value, in this attribute. Each field without
    an info is a function of this value and of its arguments: it reads no clock, no settings and no store. So a compiled
    operation can keep its data."""

    def mark(cls: type[T]) -> type[T]:
        setattr(cls, VALUE_ATTRIBUTE, attribute)
        return cls

    return mark


@dataclass(frozen=True, slots=True)
class AttributeReader:
    """Returns an attribute of the source."""

    name: str

    def __call__(self, source: Any, _: Any) -> Any:
        return getattr(source, self.name)


@dataclass(frozen=True, slots=True)
class MethodCaller:
    """Returns the result of a function of the source."""

    method: Callable[[Any], Any]

    def __call__(self, source: Any, _: Any) -> Any:
        return self.method(source)


@dataclass(frozen=True, slots=True)
class InfoMethodCaller:
    """Returns the result of a function of the source and of strawberry's info. `make_info` makes that of graphql-core's
    info."""

    method: Callable[..., Any]
    make_info: Callable[[GraphQLResolveInfo[Any]], Any]

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return self.method(source, info=self.make_info(info))


@dataclass(frozen=True, slots=True)
class ArgumentsCaller:
    """Returns the result of a function of the source, of strawberry's info if there is a `make_info`, and of converted
    arguments. `parameters` are their names and conversions by the GraphQL names of the arguments; a conversion of None
    leaves a value as it is."""

    method: Callable[..., Any]
    make_info: Callable[[GraphQLResolveInfo[Any]], Any] | None
    parameters: Mapping[str, tuple[str, Callable[[Any], Any] | None]]

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        converted = {}
        for name, value in arguments.items():
            parameter, convert = self.parameters[name]
            converted[parameter] = value if convert is None else convert(value)
        if self.make_info is not None:
            converted["info"] = self.make_info(info)
        return self.method(source, **converted)


@dataclass(frozen=True, slots=True)
class TypeOfClass:
    """Returns the name of the object type of a value by the value's class, or what `resolve` returns for other
    classes."""

    names: Mapping[type, str]
    resolve: GraphQLTypeResolver

    def __call__(self, value: Any, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> Any:
        return self.names.get(type(value)) or self.resolve(value, info, abstract)


@dataclass(frozen=True, slots=True)
class CheckOfClass:
    """Whether a value is of an object type: True for values of `origin`, or what `check` returns for other classes."""

    origin: type
    check: GraphQLIsTypeOfFn

    def __call__(self, value: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return type(value) is self.origin or self.check(value, info)
