"""Ends the execution of a document whose deadline is over, by wrapping the resolvers of the built schema.

Only fields with objects are wrapped. Between two of them a document reads attributes of objects that it has, which its
cost bounds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, is_composite_type
from graphql.type import get_named_type

from gateway.kit.deadline import check_deadline


@dataclass(frozen=True, slots=True)
class DeadlineCheck:
    """A resolver that raises DeadlineExceeded if the deadline is over, and otherwise calls another one."""

    resolve: Callable[..., Any]

    def __call__(self, source: Any, info: Any, **arguments: Any) -> Any:
        check_deadline()
        return self.resolve(source, info, **arguments)


def enforce(schema: GraphQLSchema) -> None:
    """Wraps the resolvers of a schema in place. They raise DeadlineExceeded."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for field in type_.fields.values():
                if field.resolve is not None and is_composite_type(get_named_type(field.type)):
                    field.resolve = DeadlineCheck(field.resolve)
