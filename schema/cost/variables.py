"""The variables on which the price of an operation depends."""

from typing import Any

from graphql import ArgumentNode, DocumentNode, VariableNode, Visitor, visit


def cost_variables(document: DocumentNode, slicing_arguments: frozenset[str]) -> frozenset[str]:
    """Returns the names of the variables on which the price of an operation of this document can depend: those in
    directives, and in arguments with these names."""
    visitor = _CostVariables(slicing_arguments)
    visit(document, visitor)
    return frozenset(visitor.names)


class _CostVariables(Visitor):
    def __init__(self, slicing_arguments: frozenset[str]) -> None:
        super().__init__()
        self._slicing, self.names = slicing_arguments, set[str]()

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if node.name.value in self._slicing | {"if"} and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)
