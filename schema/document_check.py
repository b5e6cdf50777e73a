"""Checks documents before they are registered for a client: as a request checks them, and more strictly, because nobody
waits for a response."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    visit,
)

from gateway.domain.identity.client_rights import usable_scopes
from gateway.domain.identity.trusted_document import TrustedDocument
from gateway.domain.scope import satisfies
from gateway.settings.queries import QuerySettings
from gateway.store.identity.clients import ClientRow
from schema.build import BuiltSchema
from schema.cost.budget import build_pricer
from schema.directives import ScopeGroups
from schema.documents import Documents, PreparedDocument, Refused
from schema.errors import MAX_COST_EXCEEDED, VALIDATION_FAILED
from schema.guard import read_limits
from schema.operations import Operation, list_operations
from schema.permissions import field_scopes, type_scopes

INVALID, FORBIDDEN = "INVALID", "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document cannot be registered. `code` is an error code of requests, or INVALID. Line and column count from
    1; None if the fault has no position."""

    document_id: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None


class DocumentCheck:
    """Checks documents against a schema, the limits and the maximum cost of a deployment."""

    def __init__(self, built: BuiltSchema, settings: QuerySettings) -> None:
        self._schema, self._maximum = built.schema, settings.query_maximum_cost
        self._documents = Documents(built.schema, read_limits(settings))
        self._pricer = build_pricer(built)

    def find_faults(self, documents: Sequence[TrustedDocument], client: ClientRow) -> list[Fault]:
        """Returns the faults of all documents, empty if all can be registered: an identifier of another text, a text
        that a request with it would refuse, an operation that costs too much, and a field for which no token of the
        client can have the scopes. Variables have their defaults in the price, and a page of one object without."""
        allowed = usable_scopes(client.scopes, client.authorization_details_types)
        return [fault for document in documents for fault in self._check(document, allowed)]

    def _check(self, document: TrustedDocument, allowed: frozenset[str]) -> Iterator[Fault]:
        fault = document.find_fault()
        if fault is not None:
            yield Fault(document.id, INVALID, fault)
        try:
            prepared = self._documents.prepare(document.text)
        except Refused as refused:
            yield from (_located(document.id, refused.code, error) for error in refused.errors)
            return
        operations = list_operations(self._schema, prepared.node)
        if not operations:
            yield Fault(document.id, VALIDATION_FAILED, "The document has no operation.")
        for operation in operations:
            yield from self._check_cost(document.id, prepared, operation)
        visitor = _ForbiddenFields(self._schema, allowed)
        visit(prepared.node, TypeInfoVisitor(visitor.types, visitor))
        yield from (_located(document.id, FORBIDDEN, error) for error in visitor.errors)

    def _check_cost(self, document_id: str, prepared: PreparedDocument, operation: Operation) -> Iterator[Fault]:
        fragments = {
            each.name.value: each for each in prepared.node.definitions if isinstance(each, FragmentDefinitionNode)
        }
        variables = {
            each.variable.name.value: _smallest_value(each) for each in operation.node.variable_definitions or ()
        }
        try:
            price = self._pricer.price(operation.node, fragments, variables)
        except GraphQLError as error:
            yield _located(document_id, VALIDATION_FAILED, error)
            return
        if price.requested > self._maximum:
            path = ".".join(price.dearest_path())
            message = (
                f"The operation {operation.name or 'without a name'} costs {price.requested} points, more than the"
                f" maximum of {self._maximum}. The dearest field is {path}."
            )
            yield _located(document_id, MAX_COST_EXCEEDED, GraphQLError(message, operation.node))


class _ForbiddenFields(Visitor):
    """Collects an error for each field that no token with the allowed scopes can read."""

    def __init__(self, schema: GraphQLSchema, allowed: frozenset[str]) -> None:
        super().__init__()
        self.types, self.errors = TypeInfo(schema), list[GraphQLError]()
        self._schema, self._allowed = schema, allowed

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, name = self.types.get_parent_type(), node.name.value
        if parent is None or name.startswith("__"):
            return
        possible = [parent] if isinstance(parent, GraphQLObjectType) else self._schema.get_possible_types(parent)
        required = [_required_scopes(each.fields[name]) for each in possible if name in each.fields]
        missing = [groups for groups in required if not all(satisfies(self._allowed, each) for each in groups)]
        if required and len(missing) == len(required):
            scopes = " or ".join(" and ".join(group) for group in missing[0][0])
            message = f"No token of this client can read {parent.name}.{name}. It needs the scope {scopes}."
            self.errors.append(GraphQLError(message, node))


def _required_scopes(field: GraphQLField) -> list[ScopeGroups]:
    """Returns the scopes of the field, and those of the type of the objects that it returns."""
    returned: GraphQLNamedType = get_named_type(field.type)
    return [scopes for scopes in (field_scopes(field), type_scopes(returned)) if scopes is not None]


def _smallest_value(definition: VariableDefinitionNode) -> Any:
    """Returns the part of a variable's default value that a price depends on. Without a default: a list of one value
    for a list, 1 for any other type."""
    default = definition.default_value
    if isinstance(default, IntValueNode):
        return int(default.value)
    if isinstance(default, BooleanValueNode):
        return default.value
    if isinstance(default, ListValueNode):
        return list(default.values)
    type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    return [None] if isinstance(type_, ListTypeNode) else 1


def _located(document_id: str, code: str, error: GraphQLError) -> Fault:
    location = error.locations[0] if error.locations else None
    return Fault(document_id, code, error.message, location and location.line, location and location.column)
