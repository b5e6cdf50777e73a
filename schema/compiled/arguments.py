"""The source that coerces the arguments of a field.

Values that are equal in each execution are coerced once. Variables are read directly. All else is coerced by
graphql-core in each execution, because an input object may not be shared between executions.
"""

from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLString,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    VariableNode,
    is_required_argument,
)
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from schema.compiled.source import Source, literal

_IMMUTABLE = (GraphQLString, GraphQLID, GraphQLInt, GraphQLFloat, GraphQLBoolean)


def write_arguments(source: Source, definition: GraphQLField, node: FieldNode) -> bool:
    """Writes the statements that set `arguments`. Returns False if the field has none, and then writes nothing."""
    if not definition.args:
        return False
    nodes = {argument.name.value: argument for argument in node.arguments or ()}
    source.write("arguments = {}")
    for name, argument in definition.args.items():
        _write_argument(source, node, name, argument, nodes.get(name))
    return True


def _write_argument(
    source: Source, node: FieldNode, name: str, definition: GraphQLArgument, argument: ArgumentNode | None
) -> None:
    target = f"arguments[{source.bind(definition.out_name or name)}]"
    general = (
        f"set_argument(arguments, run, {source.bind(node)}, {source.bind(name)}, {source.bind(definition)},"
        f" {source.bind(argument)})"
    )
    is_required = is_required_argument(definition)
    if argument is None:
        if is_required:
            source.write(general)  # raises; validation has refused such a document
        else:
            _write_default(source, definition, target, general)
        return
    value = argument.value
    if isinstance(value, VariableNode):
        with source.block(f"if {literal(value.name.value)} in run.coerced:"):
            source.write(f"argument = run.coerced[{literal(value.name.value)}]")
            if isinstance(definition.type, GraphQLNonNull):
                with source.block("if argument is None:"):
                    source.write(general)  # raises
            source.write(f"{target} = argument")
        with source.block("else:"):
            if is_required:
                source.write(general)  # raises
            else:
                _write_default(source, definition, target, general)
        return
    constant = _constant(value, definition)
    source.write(general if constant is Undefined else f"{target} = {source.bind(constant)}")


def _write_default(source: Source, definition: GraphQLArgument, target: str, general: str) -> None:
    try:
        default = coerce_default_value(definition)  # graphql-core also coerces it once
    except TypeError:
        source.write(general)  # raises
        return
    source.write("pass" if default is Undefined else f"{target} = {source.bind(default)}")


def _constant(value: Any, definition: GraphQLArgument) -> Any:
    """Returns the value of a literal if it may be shared between executions, else Undefined."""
    type_ = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    if isinstance(value, ListValueNode | ObjectValueNode):
        return Undefined
    if isinstance(type_, GraphQLEnumType) or type_ in _IMMUTABLE:
        return coerce_input_literal(value, definition.type)
    return Undefined
