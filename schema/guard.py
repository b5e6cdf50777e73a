"""What a document may be, measured before it is validated: one walk, each fragment measured once and remembered.

Limits per document: 12 levels of fields (fields that begin with __ stay out: the introspection query of every tool
is deeper), 30 aliases and 20 root fields (counted as if fragments were written out), 50 directives and 4 at one place,
50 fragments, 10 operations, 30 uses of one name in one selection set. Only queries and mutations.
"""

from collections import Counter
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

DEPTH = 12
ALIASES = 30
ROOT_FIELDS = 20
DIRECTIVES = 50
DIRECTIVES_AT_ONE_PLACE = 4
FRAGMENTS = 50
OPERATIONS = 10
SAME_NAME = 30
"""Validation compares equal names of one selection set pairwise, so their number must stay small."""

_NESTING = 200  # fields, inline fragments and spreads together; keeps this walk far from Python's own limit


@dataclass(frozen=True, slots=True)
class _Measure:
    depth: int = 0
    aliases: int = 0
    fields: int = 0


_NOTHING = _Measure()


class _Walk:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, _Measure] = {}
        self.directives = 0

    def at(self, node: Node) -> None:
        """Counts the directives of one place."""
        found = len(getattr(node, "directives", None) or ())
        if found:
            self.directives += found
            if found > DIRECTIVES_AT_ONE_PLACE:
                raise _refused(f"at most {DIRECTIVES_AT_ONE_PLACE} directives at one place")
            if self.directives > DIRECTIVES:
                raise _refused(f"at most {DIRECTIVES} directives")

    def selections(self, selected: SelectionSetNode | None, nesting: int) -> _Measure:
        """What a selection set comes to. Aliases and fields are counted up to one past their limit."""
        if selected is None:
            return _NOTHING
        if nesting > _NESTING:
            raise _refused("selections are nested too deeply")
        depth = aliases = fields = 0
        names = Counter[str]()
        for node in selected.selections:
            self.at(node)
            if isinstance(node, FieldNode):
                names[(node.alias or node.name).value] += 1
                inner = self.selections(node.selection_set, nesting + 1)
                if not node.name.value.startswith("__"):
                    depth = max(depth, inner.depth + 1)
                aliases += inner.aliases + (node.alias is not None)
                fields += 1
                continue
            if isinstance(node, InlineFragmentNode):
                inner = self.selections(node.selection_set, nesting + 1)
            elif isinstance(node, FragmentSpreadNode):
                names[f"...{node.name.value}"] += 1
                inner = self._fragment(node.name.value, nesting + 1)
            depth, aliases, fields = max(depth, inner.depth), aliases + inner.aliases, fields + inner.fields
        if names and names.most_common(1)[0][1] > SAME_NAME:
            raise _refused(f"at most {SAME_NAME} uses of one name in one selection set")
        return _Measure(min(depth, DEPTH + 1), min(aliases, ALIASES + 1), min(fields, ROOT_FIELDS + 1))

    def _fragment(self, name: str, nesting: int) -> _Measure:
        known = self._measured.get(name)
        if known is not None:
            return known
        fragment = self._fragments.get(name)
        if fragment is None:
            return _NOTHING  # validation reports it
        self._measured[name] = _NOTHING  # while it is being measured: a cycle adds nothing, validation reports it
        self.at(fragment)
        measure = self._measured[name] = self.selections(fragment.selection_set, nesting)
        return measure


def check(document: DocumentNode) -> None:
    """Raises GraphQLError for a document beyond the limits. Linear in the size of the document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(document.definitions) - len(operations) > FRAGMENTS:
        raise _refused(f"at most {FRAGMENTS} fragments")
    if len(operations) > OPERATIONS:
        raise _refused(f"at most {OPERATIONS} operations")
    walk = _Walk(fragments)
    for operation in operations:
        if operation.operation is OperationType.SUBSCRIPTION:
            raise _refused("only queries and mutations are served here")
        walk.at(operation)
        for variable in operation.variable_definitions or ():
            walk.at(variable)
        measure = walk.selections(operation.selection_set, 0)
        if measure.depth > DEPTH:
            raise _refused(f"at most {DEPTH} levels of fields")
        if measure.aliases > ALIASES:
            raise _refused(f"at most {ALIASES} aliases")
        if measure.fields > ROOT_FIELDS:
            raise _refused(f"at most {ROOT_FIELDS} root fields")


def _refused(limit: str) -> GraphQLError:
    return GraphQLError(f"The document is beyond a limit: {limit}.")
