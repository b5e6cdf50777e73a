"""Resolvers that replace those of strawberry. Compiled operations do what the first two do, without calling them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo


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
