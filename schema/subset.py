"""Compares an exported SDL with the planned schema. The export may lack parts of it, but may add nothing.

Each SDL becomes a set of facts, one line of text per type, field, argument, default, enum value, union member,
interface and applied directive. The comparison is a difference of sets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
    print_ast,
)

TARGET = Path(__file__).parent / "contract" / "target.graphql"
"""The complete contract. The exports have a part of it."""

_BUILT_IN = frozenset({"oneOf", "specifiedBy", "deprecated", "skip", "include"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two SDL texts. `missing`: facts of the target that the export lacks. `foreign`: facts of the
    export that the target lacks, which are violations. Both are sorted."""

    missing: list[str]
    foreign: list[str]


def compare(target_sdl: str, export_sdl: str) -> Comparison:
    """Returns the difference of two SDL texts. Raises GraphQLSyntaxError for a text that is not SDL."""
    target, export = set(_facts(target_sdl)), set(_facts(export_sdl))
    return Comparison(missing=sorted(target - export), foreign=sorted(export - target))


def _facts(sdl: str) -> Iterator[str]:
    for definition in parse(sdl, no_location=True).definitions:
        yield from _of_definition(definition)


def _of_definition(node: Any) -> Iterator[str]:
    match node:
        case DirectiveDefinitionNode():
            if node.name.value not in _BUILT_IN:
                name = f"directive @{node.name.value}"
                yield from (f"{name} on {location.value}" for location in node.locations)
                yield from _of_inputs(name, node.arguments)
        case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode():
            yield from _of_fields("type", node)
        case InterfaceTypeDefinitionNode() | InterfaceTypeExtensionNode():
            yield from _of_fields("interface", node)
        case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
            yield f"input {node.name.value}"
            yield from _of_directives(node.name.value, node.directives)
            yield from _of_inputs(node.name.value, node.fields)
        case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
            yield f"enum {node.name.value}"
            yield from (f"enum value {node.name.value}.{value.name.value}" for value in node.values or ())
        case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
            yield f"union {node.name.value}"
            yield from (f"union member {node.name.value} = {member.name.value}" for member in node.types or ())
        case ScalarTypeDefinitionNode():
            yield f"scalar {node.name.value}"
            yield from _of_directives(node.name.value, node.directives)
        case _:
            yield f"unexpected: {print_ast(node)}"


def _of_fields(kind: str, node: Any) -> Iterator[str]:
    name = node.name.value
    yield f"{kind} {name}"
    yield from (f"{name} implements {interface.name.value}" for interface in node.interfaces or ())
    yield from _of_directives(name, node.directives)
    for field in node.fields or ():
        field_name = f"{name}.{field.name.value}"
        yield f"{field_name}: {print_ast(field.type)}"
        yield from _of_directives(field_name, field.directives)
        yield from _of_inputs(field_name, field.arguments)


def _of_inputs(owner: str, values: Sequence[InputValueDefinitionNode] | None) -> Iterator[str]:
    for value in values or ():
        name = f"{owner}({value.name.value})"
        default = f" = {print_ast(value.default_value)}" if value.default_value else ""
        yield f"{name}: {print_ast(value.type)}{default}"
        yield from _of_directives(name, value.directives)


def _of_directives(owner: str, directives: Sequence[ConstDirectiveNode] | None) -> Iterator[str]:
    for directive in directives or ():
        arguments = sorted(f"{each.name.value}: {print_ast(each.value)}" for each in directive.arguments or ())
        yield f"{owner} @{directive.name.value}({', '.join(arguments)})"
