"""Which parts of a document, its variables and its response are secret."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    type_from_ast,
)

from schema.documents import MAX_COMMENTS, MAX_LINES
from schema.guard import Limits
from schema.parsing.quick_parser import parse_document
from schema.redaction.marks import MARKED
from schema.redaction.patterns import REDACTED, hide_literals, hide_secrets, looks_secret

_USER_ERROR = "UserError"

Plan = Mapping[str, Any]
"""The secret fields of an object in a response by response key: REDACTED, or the plan of the object below."""


@dataclass(slots=True)
class RedactedDocument:
    """A document without its secrets. Without `operations` the text cannot be parsed. `hidden` are the strings that
    were replaced, `secret_variables` the variables that are secret as a whole, `variables` the types of the others by
    operation and name, None for an unknown type. `reads_secrets` is whether a secret field is selected. `error_keys`
    are the response keys of user errors, `code_keys` those of their codes. `plans` are kept by operation."""

    text: str
    tree: DocumentNode | None = None
    operations: Mapping[str | None, OperationDefinitionNode] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    secret_variables: set[str] = field(default_factory=set)
    variables: dict[str | None, Mapping[str, GraphQLType | None]] = field(default_factory=dict)
    reads_secrets: bool = False
    error_keys: set[str] = field(default_factory=set)
    code_keys: set[str] = field(default_factory=set)
    plans: dict[str | None, Plan] = field(default_factory=dict)

    def choose(self, name: str | None) -> OperationDefinitionNode | None:
        """Returns the operation with this name, or the only one without a name. None if there is none."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        return self.operations.get(name)


def redact_document(text: str, schema: GraphQLSchema, limits: Limits) -> RedactedDocument:
    """Returns the redacted document of a text, whether it is valid or not. Strings in arguments that the schema does
    not have count as secret. Of a text that cannot be parsed all strings do."""
    try:
        if text.count("\n") + text.count("\r") >= MAX_LINES:
            raise GraphQLError("The document has too many lines.")
        tree = parse_document(text, max_tokens=limits.tokens, max_comments=MAX_COMMENTS)
    except GraphQLError:
        return RedactedDocument(hide_secrets(hide_literals(text)))
    document = RedactedDocument(text, tree)
    search = _Search(schema, document)
    operations = {}
    for definition in tree.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
            search.visit_operation(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            search.visit_directives(definition.directives)
            search.visit_selections(definition.selection_set, schema.type_map.get(definition.type_condition.name.value))
    document.operations = operations
    document.text = hide_secrets(_without(text, search.places))
    return document


def plan_response(document: RedactedDocument, operation: OperationDefinitionNode, schema: GraphQLSchema) -> Plan:
    """Returns the plan of the data in the response to a valid operation."""
    name = operation.name.value if operation.name else None
    if not document.reads_secrets or document.tree is None:
        return {}
    if name not in document.plans:
        fragments = {
            each.name.value: each for each in document.tree.definitions if isinstance(each, FragmentDefinitionNode)
        }
        root = schema.get_root_type(operation.operation)
        document.plans[name] = _Planner(schema, fragments).plan([(operation.selection_set, root)])
    return document.plans[name]


def _without(text: str, places: Iterable[tuple[int, int]]) -> str:
    """The text with these places replaced by strings."""
    parts, end = list[str](), 0
    for start, stop in sorted(places):
        if start >= end:
            parts += text[end:start], f'"{REDACTED}"'
            end = stop
    return "".join([*parts, text[end:]])


def _field_of(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    return schema.get_field(parent, name) if is_composite_type(parent) else None


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


class _Search:
    """Finds the places of secret literals, secret variables, and whether secret fields are selected."""

    def __init__(self, schema: GraphQLSchema, document: RedactedDocument) -> None:
        self._schema, self._document = schema, document
        self.places = list[tuple[int, int]]()

    def visit_operation(self, node: OperationDefinitionNode) -> None:
        types: dict[str, GraphQLType | None] = {}
        for variable in node.variable_definitions or ():
            kind = types[variable.variable.name.value] = type_from_ast(self._schema, variable.type)
            if variable.default_value is not None:
                self._visit_value(variable.default_value, kind)
            self.visit_directives(variable.directives)
        self._document.variables[node.name.value if node.name else None] = types
        self.visit_directives(node.directives)
        self.visit_selections(node.selection_set, self._schema.get_root_type(node.operation))
        for variable in node.variable_definitions or ():
            if variable.default_value and variable.variable.name.value in self._document.secret_variables:
                self._hide(variable.default_value)

    def visit_selections(self, node: SelectionSetNode | None, parent: GraphQLNamedType | None) -> None:
        for selection in node.selections if node else ():
            self.visit_directives(selection.directives)
            if isinstance(selection, FieldNode):
                self._visit_field(selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = self._schema.type_map.get(condition.name.value) if condition else parent
                self.visit_selections(selection.selection_set, kind)

    def visit_directives(self, nodes: Iterable[DirectiveNode] | None) -> None:
        for node in nodes or ():
            directive = self._schema.get_directive(node.name.value)
            self._visit_arguments(node.arguments, directive.args if directive else {}, f"@{node.name.value}")

    def _visit_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        name, document = f"{parent}.{node.name.value}", self._document
        definition = _field_of(self._schema, parent, node.name.value)
        kind = get_named_type(definition.type) if definition else None
        document.reads_secrets |= name in MARKED
        if kind is not None and kind.name == _USER_ERROR:
            document.error_keys.add(_key(node))
        if parent is not None and parent.name == _USER_ERROR and node.name.value == "code":
            document.code_keys.add(_key(node))
        self._visit_arguments(node.arguments, definition.args if definition else {}, name)
        self.visit_selections(node.selection_set, kind)

    def _visit_arguments(
        self, nodes: Iterable[ArgumentNode] | None, known: Mapping[str, GraphQLArgument], owner: str
    ) -> None:
        for node in nodes or ():
            argument = known.get(node.name.value)
            if f"{owner}({node.name.value})" in MARKED:
                self._hide(node.value)
            else:
                self._visit_value(node.value, argument.type if argument else None)

    def _visit_value(self, node: ValueNode, kind: GraphQLType | None) -> None:
        """`kind` is None if the schema has no type for the value: then its strings are hidden."""
        while isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if isinstance(node, ListValueNode):
            inner = kind.of_type if isinstance(kind, GraphQLList) else kind
            for value in node.values:
                self._visit_value(value, inner)
        elif isinstance(node, ObjectValueNode):
            fields = fields_of(kind)
            for each in node.fields:
                if f"{get_named_type(kind) if kind else None}.{each.name.value}" in MARKED:
                    self._hide(each.value)
                else:
                    known = fields.get(each.name.value)
                    self._visit_value(each.value, known.type if known else None)
        elif isinstance(node, StringValueNode) and (kind is None or fields_of(kind) or looks_secret(node.value)):
            self._hide(node)

    def _hide(self, node: ValueNode) -> None:
        """Hides all strings of a secret value, and the variables in it."""
        if isinstance(node, ListValueNode):
            for value in node.values:
                self._hide(value)
        elif isinstance(node, ObjectValueNode):
            for each in node.fields:
                self._hide(each.value)
        elif isinstance(node, VariableNode):
            self._document.secret_variables.add(node.name.value)
        elif isinstance(node, StringValueNode) and node.loc:
            self._document.hidden.add(node.value)
            self.places.append((node.loc.start, node.loc.end))


def fields_of(kind: GraphQLType | None) -> Mapping[str, GraphQLInputField]:
    """Returns the fields of an input type, also within lists. None of any other type."""
    named = get_named_type(kind) if kind is not None else None
    return named.fields if isinstance(named, GraphQLInputObjectType) else {}


class _Planner:
    """Makes plans. Equal selections of a type are planned once."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema, self._fragments = schema, fragments
        self._kept: dict[tuple[tuple[int, str], ...], Plan] = {}

    def plan(self, selections: Sequence[tuple[SelectionSetNode, GraphQLNamedType | None]]) -> Plan:
        key = tuple((id(node), str(parent)) for node, parent in selections)
        if key not in self._kept:
            self._kept[key] = self._make(selections)
        return self._kept[key]

    def _make(self, selections: Sequence[tuple[SelectionSetNode, GraphQLNamedType | None]]) -> Plan:
        below: dict[str, list[tuple[SelectionSetNode, GraphQLNamedType | None]]] = {}
        plan: dict[str, Any] = {}
        waiting, seen = list(selections), set[str]()
        kind: GraphQLNamedType | None
        while waiting:
            node, parent = waiting.pop()
            for selection in node.selections:
                if isinstance(selection, FieldNode):
                    definition = _field_of(self._schema, parent, selection.name.value)
                    if f"{parent}.{selection.name.value}" in MARKED:
                        plan[_key(selection)] = REDACTED
                    elif selection.selection_set and definition:
                        kind = get_named_type(definition.type)
                        below.setdefault(_key(selection), []).append((selection.selection_set, kind))
                elif isinstance(selection, InlineFragmentNode):
                    condition = selection.type_condition
                    kind = self._schema.type_map.get(condition.name.value) if condition else parent
                    waiting.append((selection.selection_set, kind))
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                    seen.add(selection.name.value)
                    fragment = self._fragments.get(selection.name.value)
                    if fragment is not None:
                        kind = self._schema.type_map.get(fragment.type_condition.name.value)
                        waiting.append((fragment.selection_set, kind))
        for response_key, inner in below.items():
            if plan.get(response_key) != REDACTED and (inner_plan := self.plan(inner)):
                plan[response_key] = inner_plan
        return plan
