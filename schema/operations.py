"""The operations of a document: selects one, and finds what it needs before its unit of work begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from gateway.domain.scope import satisfies
from gateway.services.query_unit import Needs
from schema.directives import ScopeGroups
from schema.permissions import field_scopes

SCORE_FIELDS = frozenset(
    {"ConsentedUser.scoreTier", "ConsentedUser.score", "ConsentedUser.meetsTier", "Query.decisionPreview"}
)
"""Fields that read the user's score. A test fails if another resolver reads it."""

_MAX_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document that `Documents` has accepted for `schema`."""

    schema: GraphQLSchema
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        """The operation's name, None for an anonymous operation."""
        return self.node.name.value if self.node.name else None

    @property
    def is_mutation(self) -> bool:
        """Whether the operation is a mutation. Otherwise it is a query."""
        return self.node.operation is OperationType.MUTATION

    def coerce_variables(self, variables: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Returns the variables coerced to their types, with defaults, or the errors of variables that do not fit."""
        definitions = self.node.variable_definitions or ()
        return get_variable_values(self.schema, definitions, dict(variables), _MAX_ERRORS, hide_suggestions=True)

    def needs(self, fields: frozenset[str], allowed: frozenset[str]) -> Needs:
        """Returns what the operation needs before it runs, for a token with these expanded scopes. `fields` are the
        fields that it may execute, by "Type.field". A field that the token may not read needs nothing."""
        return _needs(self.schema, fields, allowed)


@lru_cache(maxsize=1024)
def _needs(schema: GraphQLSchema, fields: frozenset[str], allowed: frozenset[str]) -> Needs:
    """Cached, because the requests of a client have the same few documents and scopes."""
    return Needs(score=any(satisfies(allowed, _scopes(schema, name)) for name in SCORE_FIELDS & fields))


def _scopes(schema: GraphQLSchema, name: str) -> ScopeGroups:
    type_name, field_name = name.split(".")
    type_ = schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    return field_scopes(type_.fields[field_name]) or ((),)


def list_operations(schema: GraphQLSchema, document: DocumentNode) -> list[Operation]:
    """Returns the operations of a document in their order."""
    return [Operation(schema, node) for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def choose_operation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Operation | str:
    """Returns the operation of this name, or the only one. Returns an error message if there is no such operation."""
    operations = list_operations(schema, document)
    if not name:
        if len(operations) == 1:
            return operations[0]
        return "operationName must say which operation of the document to run."
    for operation in operations:
        if operation.name == name:
            return operation
    return "The document has no operation with this operationName."


def root_fields(document: DocumentNode, operation: Operation) -> frozenset[str]:
    """Returns the names of the root fields of an operation, also of those in fragments."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    names, waiting, spread = set[str](), list(operation.node.selection_set.selections), set[str]()
    while waiting:
        selection = waiting.pop()
        if isinstance(selection, FieldNode):
            names.add(selection.name.value)
        elif isinstance(selection, InlineFragmentNode):
            waiting += selection.selection_set.selections
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            waiting += fragments[selection.name.value].selection_set.selections
    return frozenset(names)
