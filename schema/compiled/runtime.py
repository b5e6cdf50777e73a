"""The functions that compiled operations call: paths, errors, and what happens rarely.

A path within compiled functions is a tuple (previous path, key, type name), because a tuple is cheaper than a Path. It
becomes a Path if a resolver gets it, and a list in an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLAbstractType,
    GraphQLArgument,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    located_error,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.execute import assume_not_awaitable
from graphql.execution.executor import Executor, invalid_return_type_error
from graphql.execution.values import VariableValues, coerce_argument
from graphql.pyutils import Path, gather_with_cancel, inspect, is_iterable
from graphql.type import GraphQLResolveInfoHelpers

TuplePath = tuple[Any, str | int, str | None]
_new = tuple.__new__


def _track_nothing(_: Sequence[Any]) -> None:
    """Does nothing: everything is synchronous."""


_HELPERS = GraphQLResolveInfoHelpers(gather=lambda values: gather_with_cancel(*values), track=_track_nothing)


@dataclass(slots=True)
class Run:
    """One execution of a compiled operation. `conditions` are the values of the variables of @skip and @include.
    `rest` are the members of a GraphQLResolveInfo after `path`, which are equal for all fields."""

    variables: VariableValues
    coerced: Mapping[str, Any]
    conditions: tuple[bool, ...]
    rest: tuple[Any, ...]
    errors: list[GraphQLError] = field(default_factory=list)


def rest_of_info(
    schema: GraphQLSchema,
    fragments: Mapping[str, Any],
    root_value: Any,
    operation: Any,
    variables: VariableValues,
    context: Any,
) -> tuple[Any, ...]:
    """Returns the members of a GraphQLResolveInfo that are equal for all fields of an execution."""
    return (schema, fragments, root_value, operation, variables, context, assume_not_awaitable, None, _HELPERS)


def make_info(run: Run, head: tuple[Any, ...], path: TuplePath) -> GraphQLResolveInfo[Any]:
    """Returns the info of a field. `head` are its members before the path."""
    return _new(GraphQLResolveInfo, (*head, _to_path(path), *run.rest))


def _to_path(path: TuplePath) -> Path:
    previous, key, type_name = path
    return _new(Path, (None if previous is None else _to_path(previous), key, type_name))


def _keys(path: TuplePath) -> list[str | int]:
    keys = []
    current: TuplePath | None = path
    while current is not None:
        keys.append(current[1])
        current = current[0]
    return keys[::-1]


def locate(error: Exception, nodes: Sequence[FieldNode], path: TuplePath) -> GraphQLError:
    """Returns the error with its nodes and path, the error itself if it has a path."""
    return located_error(error, nodes, _keys(path))


def included_nodes(run: Run, nodes: Sequence[tuple[FieldNode, Sequence[tuple[int, bool]]]]) -> list[FieldNode]:
    """Returns the nodes whose conditions hold. A condition has the index of a variable, and the value it must have."""
    conditions = run.conditions
    return [node for node, needed in nodes if all(conditions[index] is wanted for index, wanted in needed)]


def set_argument(
    arguments: dict[str, Any],
    run: Run,
    node: FieldNode,
    name: str,
    definition: GraphQLArgument,
    argument: ArgumentNode | None,
) -> None:
    """Coerces an argument like graphql-core and adds it to `arguments`. Raises GraphQLError."""
    coerce_argument(arguments, node, name, definition, argument, run.variables, None, True)


def iterate(value: Any, field_name: str) -> Iterator[Any]:
    """Returns an iterator of a list's value. Raises GraphQLError if there is none. `field_name` is "Type.field"."""
    if not is_iterable(value):
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field_name}'.")
    return iter(value)


def drain(iterator: Iterator[Any]) -> None:
    """Reads the rest of an iterator, as graphql-core does after an error, so that the same code runs."""
    with suppress(Exception):
        for _ in iterator:
            pass


def raise_null(field_name: str) -> NoReturn:
    """Raises the error of a null in a non-null position. `field_name` is "Type.field"."""
    raise TypeError(f"Cannot return null for non-nullable field {field_name}.")


def raise_no_leaf(type_: GraphQLLeafType, value: Any, coerced: Any) -> NoReturn:
    """Raises the error of a scalar or enum that coerces a value to null."""
    raise TypeError(
        f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})` to return non-nullable value, returned:"
        f" {inspect(coerced)}"
    )


def raise_wrong_type(type_: GraphQLObjectType, value: Any, nodes: Sequence[FieldNode]) -> NoReturn:
    """Raises the error of an object that is not of its type."""
    raise invalid_return_type_error(type_, value, _details(nodes))


@dataclass(frozen=True, slots=True)
class _WithSchema:
    """The part of an executor that the check of a type needs."""

    schema: GraphQLSchema


def raise_no_type(
    schema: GraphQLSchema,
    name: Any,
    abstract: GraphQLAbstractType,
    nodes: Sequence[FieldNode],
    info: GraphQLResolveInfo[Any],
    value: Any,
) -> NoReturn:
    """Raises the error of an abstract type that did not resolve to one of its types."""
    executor = cast("Executor[Any]", _WithSchema(schema))
    Executor.ensure_valid_runtime_type(executor, name, abstract, _details(nodes), info, value)
    raise TypeError(f"{name} is a type of {abstract.name} that was not compiled")


def _details(nodes: Sequence[FieldNode]) -> list[FieldDetails]:
    return [FieldDetails(node, None) for node in nodes]
