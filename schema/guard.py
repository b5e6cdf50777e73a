"""Limits of a document, checked before validation in one traversal. Each fragment is measured once.

Levels of fields are counted without fields that begin with __, because the introspection query of every tool is deeper.
Aliases and root fields are counted as if fragments were inlined. Only queries and mutations are allowed.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from gateway.settings.queries import QuerySettings

DIRECTIVES_PER_LOCATION = 4

_NESTING = 200  # fields, inline fragments and spreads together; far below Python's recursion limit


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one document that are settings. `tokens` is checked by the parser."""

    depth: int = 12
    aliases: int = 30
    root_fields: int = 20
    directives: int = 50
    fragments: int = 50
    operations: int = 10
    tokens: int = 2000


DEFAULT_LIMITS = Limits()


def read_limits(settings: QuerySettings) -> Limits:
    """Returns the limits in the settings."""
    return Limits(
        depth=settings.query_maximum_depth,
        aliases=settings.query_maximum_aliases,
        root_fields=settings.query_maximum_root_fields,
        directives=settings.query_maximum_directives,
        fragments=settings.query_maximum_fragments,
        operations=settings.query_maximum_operations,
        tokens=settings.query_maximum_tokens,
    )


@dataclass(slots=True)
class _Measure:
    """Depth, aliases and fields of a selection set."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0


_NOTHING = _Measure()


class _Measurer:
    """Measures selection sets and counts directives."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limits: Limits) -> None:
        self._fragments, self._limits = fragments, limits
        self._measured: dict[str, _Measure] = {}
        self.directives = 0

    def count_directives(self, node: Node) -> None:
        """Counts the directives of one node. Raises GraphQLError if there are too many."""
        number = len(getattr(node, "directives", None) or ())
        if number:
            self.directives += number
            if number > DIRECTIVES_PER_LOCATION:
                raise _limit_exceeded(f"at most {DIRECTIVES_PER_LOCATION} directives at one location")
            if self.directives > self._limits.directives:
                raise _limit_exceeded(f"at most {self._limits.directives} directives")

    def measure(self, selection_set: SelectionSetNode, nesting: int) -> _Measure:
        """Returns the measure of a selection set. Values stop at one more than their limit."""
        if nesting > _NESTING:
            raise _limit_exceeded("selections are nested too deeply")
        depth = aliases = fields = 0
        for node in selection_set.selections:
            if node.directives:
                self.count_directives(node)
            if isinstance(node, FieldNode):
                inner = self.measure(node.selection_set, nesting + 1) if node.selection_set else _NOTHING
                if not node.name.value.startswith("__"):
                    depth = max(depth, inner.depth + 1)
                aliases += inner.aliases + (node.alias is not None)
                fields += 1
                continue
            if isinstance(node, InlineFragmentNode):
                inner = self.measure(node.selection_set, nesting + 1)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._fragment(node.name.value, nesting + 1)
            depth, aliases, fields = max(depth, inner.depth), aliases + inner.aliases, fields + inner.fields
        limits = self._limits
        return _Measure(
            min(depth, limits.depth + 1), min(aliases, limits.aliases + 1), min(fields, limits.root_fields + 1)
        )

    def _fragment(self, name: str, nesting: int) -> _Measure:
        measured = self._measured.get(name)
        if measured is not None:
            return measured
        fragment = self._fragments.get(name)
        if fragment is None:
            return _NOTHING  # validation reports it
        self._measured[name] = _NOTHING  # a cycle adds nothing; validation reports it
        self.count_directives(fragment)
        measured = self._measured[name] = self.measure(fragment.selection_set, nesting)
        return measured


def check(document: DocumentNode, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raises GraphQLError for a document that exceeds a limit. Takes time linear in the size of the document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(document.definitions) - len(operations) > limits.fragments:
        raise _limit_exceeded(f"at most {limits.fragments} fragments")
    if len(operations) > limits.operations:
        raise _limit_exceeded(f"at most {limits.operations} operations")
    measurer = _Measurer(fragments, limits)
    for operation in operations:
        if operation.operation is OperationType.SUBSCRIPTION:
            raise _limit_exceeded("only queries and mutations are allowed")
        measurer.count_directives(operation)
        for variable in operation.variable_definitions or ():
            measurer.count_directives(variable)
        measure = measurer.measure(operation.selection_set, 0)
        if measure.depth > limits.depth:
            raise _limit_exceeded(f"at most {limits.depth} levels of fields")
        if measure.aliases > limits.aliases:
            raise _limit_exceeded(f"at most {limits.aliases} aliases")
        if measure.fields > limits.root_fields:
            raise _limit_exceeded(f"at most {limits.root_fields} root fields")


def _limit_exceeded(limit: str) -> GraphQLError:
    return GraphQLError(f"The document exceeds a limit: {limit}.")
