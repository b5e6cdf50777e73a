"""The variables on which the price of an operation depends."""

from collections.abc import Iterable, Iterator, Set

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
)

_CONDITION = frozenset({"if"})


def cost_variables(document: DocumentNode, slicing_arguments: Set[str]) -> frozenset[str]:
    """Returns the names of the variables on which the price of an operation of this document can depend: those in
    directives, and in arguments with these names."""
    return frozenset(
        name
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
        for name in _in_selections(definition.selection_set.selections, slicing_arguments)
    )


def _in_selections(selections: Iterable[SelectionNode], slicing_arguments: Set[str]) -> Iterator[str]:
    for node in selections:
        for directive in node.directives or ():
            yield from _in_arguments(directive.arguments or (), _CONDITION)
        if isinstance(node, FieldNode) and node.arguments:
            yield from _in_arguments(node.arguments, slicing_arguments)
        if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
            yield from _in_selections(node.selection_set.selections, slicing_arguments)


def _in_arguments(arguments: Iterable[ArgumentNode], names: Set[str]) -> Iterator[str]:
    for argument in arguments:
        if argument.name.value in names and isinstance(argument.value, VariableNode):
            yield argument.value.name.value
