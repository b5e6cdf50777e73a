"""The part of the quick check about arguments, their values, and variables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Never

from graphql import (
    ArgumentNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_input_type,
    is_nullable_type,
    type_from_ast,
)
from graphql.utilities.validate_input_value import validate_input_literal
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

from schema.validation.selectable_types import Arguments


class NotSure(Exception):
    """The document has an error, or something rare that the quick check does not check."""


@dataclass(frozen=True, slots=True)
class VariableUsage:
    """A variable where a value of `type` is expected. `default` is that of its argument or input field, or Undefined.
    `inside` is the type of the objects that contain it, None for the whole value of an argument."""

    name: str
    type: GraphQLInputType
    default: Any
    inside: GraphQLNamedType | None


def check_arguments(nodes: Sequence[ArgumentNode], arguments: Arguments, usages: list[VariableUsage]) -> None:
    """Checks the arguments of a field or directive, and appends their variables to `usages`. Raises NotSure."""
    if not arguments.required <= require_different(node.name.value for node in nodes):
        raise NotSure
    for node in nodes:
        argument = arguments.by_name.get(node.name.value)
        if argument is None:
            raise NotSure
        if not isinstance(node.value, VariableNode):
            validate_input_literal(node.value, argument.type, raise_not_sure)
        _check_value(node.value, argument.type, usages, _default(argument))


def _check_value(
    node: ValueNode,
    type_: GraphQLInputType,
    usages: list[VariableUsage],
    default: Any = Undefined,
    inside: GraphQLNamedType | None = None,
) -> None:
    """Appends the variables in a value, and checks that the fields of each object have different names. The types of
    its literals are already checked. `default` and `inside` are those of VariableUsage."""
    if isinstance(node, VariableNode):
        usages.append(VariableUsage(node.name.value, type_, default, inside))
    elif isinstance(node, ListValueNode):
        list_type = get_nullable_type(type_)
        if not isinstance(list_type, GraphQLList):
            raise NotSure  # the value of a scalar
        for value in node.values:
            _check_value(value, list_type.of_type, usages, inside=get_named_type(type_))
    elif isinstance(node, ObjectValueNode):
        object_type = get_named_type(type_)
        if not isinstance(object_type, GraphQLInputObjectType):
            raise NotSure  # the value of a scalar
        require_different(each.name.value for each in node.fields)
        for each in node.fields:
            field = object_type.fields[each.name.value]
            _check_value(each.value, field.type, usages, _default(field), object_type)


def check_variables(
    schema: GraphQLSchema, nodes: Sequence[VariableDefinitionNode], usages: Sequence[VariableUsage]
) -> None:
    """Checks the variables that an operation defines, and where it and its fragments use them. Raises NotSure."""
    definitions = {node.variable.name.value: (_variable_type(schema, node), node.default_value) for node in nodes}
    if len(definitions) < len(nodes) or {usage.name for usage in usages} != definitions.keys():
        raise NotSure
    for usage in usages:
        type_, default = definitions[usage.name]
        if not allowed_variable_usage(schema, type_, default, usage.type, usage.default):
            raise NotSure
        if isinstance(usage.inside, GraphQLInputObjectType) and usage.inside.is_one_of and is_nullable_type(type_):
            raise NotSure


def _variable_type(schema: GraphQLSchema, node: VariableDefinitionNode) -> GraphQLInputType:
    type_ = type_from_ast(schema, node.type)
    if node.directives or not is_input_type(type_):
        raise NotSure
    if node.default_value is not None:
        validate_input_literal(node.default_value, type_, raise_not_sure)
        _check_value(node.default_value, type_, [])
    return type_


def require_different(names: Iterable[str]) -> set[str]:
    """Returns the names as a set. Raises NotSure if two are equal."""
    all_names = list(names)
    different = set(all_names)
    if len(different) < len(all_names):
        raise NotSure
    return different


def raise_not_sure(*_: Any) -> Never:
    """Raises NotSure. graphql-core's functions call it with an error."""
    raise NotSure


def _default(definition: GraphQLArgument | GraphQLInputField) -> Any:
    return definition.default_value if definition.default is None else definition.default
