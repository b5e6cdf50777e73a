"""Checks which operations a schema breaks, by graphql-core's validation and its list of breaking changes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BreakingChangeType,
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    NoDeprecatedCustomRule,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    build_client_schema,
    build_schema,
    find_breaking_changes,
    get_named_type,
    parse,
    specified_rules,
    type_from_ast,
    validate,
    visit,
)

from gateway.domain.errors import InvalidInput
from gateway.kit import json

_RULES = tuple(rule for rule in specified_rules if rule is not NoUnusedFragmentsRule)
_COORDINATE = re.compile(r"\b([A-Za-z_]\w*\.[A-Za-z_]\w*)(?![\w(])")
_TYPE = re.compile(r"([A-Za-z_]\w*) changed from ")
_OF_RESPONSES = {BreakingChangeType.FIELD_CHANGED_KIND}
_OF_VARIABLES = {
    BreakingChangeType.FIELD_CHANGED_KIND,
    BreakingChangeType.FIELD_REMOVED,
    BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED,
    BreakingChangeType.VALUE_REMOVED_FROM_ENUM,
}
_MOST_ERRORS = 1_000


@dataclass(frozen=True, slots=True)
class OperationText:
    """A text with operations and fragments, and the name of its source, such as the path of its file."""

    source: str
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in a source that a schema breaks, or that it deprecates. Line and column count from 1. `operation` is
    the name of the operation there, None in a fragment or in an operation without a name."""

    source: str
    line: int
    column: int
    operation: str | None = field(compare=False)
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check: how many operations were checked, what breaks, and what works but deserves a look."""

    operations: int
    breaks: list[Finding]
    warnings: list[Finding]


def read_schema(content: str) -> GraphQLSchema:
    """Returns the schema of an SDL text, or of the result of an introspection query as JSON. Raises InvalidInput."""
    try:
        introspection = json.decode(content)
    except ValueError:
        introspection = None
    try:
        if isinstance(introspection, dict):
            schema = build_client_schema(introspection.get("data", introspection))
        else:
            schema = build_schema(content)
    except RecursionError:
        raise InvalidInput("INVALID", "It is nested too deeply.") from None
    except Exception as error:  # noqa: BLE001  # graphql-core raises errors of several types
        lines = [each.line for each in getattr(error, "locations", None) or ()]
        message = str(error).partition("\n")[0] or type(error).__name__
        raise InvalidInput("INVALID", f"line {lines[0]}: {message}" if lines else message) from None
    if schema.query_type is None:
        raise InvalidInput("INVALID", "It has no type Query.")
    return schema


def check_operations(texts: Sequence[OperationText], new: GraphQLSchema, old: GraphQLSchema | None = None) -> Report:
    """Returns what the schema `new` breaks in these texts. A text may use the fragments of the others. With `old`,
    the schema for which they were written: what is not valid in it either is a warning, and changes of types count
    which validation does not notice. Raises InvalidInput for a text that cannot be parsed."""
    documents = _parse(texts)
    changes = _Changes(old, new) if old is not None else None
    breaks, warnings = set[Finding](), set[Finding]()
    for document in documents:
        errors = _found(document, validate(new, document, _RULES, max_errors=_MOST_ERRORS))
        before = set[Finding]()
        if old is not None:
            before = _found(document, validate(old, document, _RULES, max_errors=_MOST_ERRORS))
        breaks |= errors - before
        warnings |= {_also_before(each) for each in errors & before}
        if changes is not None and not before:
            breaks |= _found(document, changes.find(document))
        warnings |= _found(document, validate(new, document, [NoDeprecatedCustomRule], max_errors=_MOST_ERRORS))
    number = len({id(each) for document in documents for each in document.definitions if _is_operation(each)})
    return Report(number, sorted(breaks), sorted(warnings))


def _also_before(finding: Finding) -> Finding:
    message = f"Not valid with the present schema either: {finding.message}"
    return Finding(finding.source, finding.line, finding.column, finding.operation, message)


def _is_operation(node: DefinitionNode) -> bool:
    return isinstance(node, OperationDefinitionNode)


def _parse(texts: Sequence[OperationText]) -> list[DocumentNode]:
    """The documents of the texts, each with the fragments of others that it uses."""
    parsed = []
    for each in texts:
        try:
            parsed.append(parse(Source(each.text, each.source)))
        except GraphQLSyntaxError as error:
            line = error.locations[0].line if error.locations else 1
            raise InvalidInput("INVALID", f"{each.source}:{line}: {error.message}") from None
    fragments: dict[str, FragmentDefinitionNode] = {}
    for document in parsed:
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                fragments.setdefault(definition.name.value, definition)
    return [_with_fragments(document, fragments) for document in parsed]


def _with_fragments(document: DocumentNode, fragments: Mapping[str, FragmentDefinitionNode]) -> DocumentNode:
    own = {each.name.value for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    added: dict[str, FragmentDefinitionNode] = {}
    waiting: list[Node] = list(document.definitions)
    while waiting:
        for name in _spreads(waiting.pop()):
            if name in fragments and name not in own and name not in added:
                added[name] = fragments[name]
                waiting.append(fragments[name])
    return DocumentNode(definitions=(*document.definitions, *added.values()), loc=document.loc)


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names = list[str]()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.append(node.name.value)


def _spreads(node: Node) -> list[str]:
    """The names of the fragments that a definition uses."""
    visitor = _Spreads()
    visit(node, visitor)
    return visitor.names


def _found(document: DocumentNode, errors: Sequence[GraphQLError]) -> set[Finding]:
    return {_finding(document, error) for error in errors}


def _finding(document: DocumentNode, error: GraphQLError) -> Finding:
    node = error.nodes[0] if error.nodes else document
    location = node.loc or document.loc
    assert location is not None
    place = location.source.get_location(location.start)
    operation = next(
        (
            each.name.value
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
            and each.name
            and each.loc
            and each.loc.source is location.source
            and each.loc.start <= location.start < each.loc.end
        ),
        None,
    )
    return Finding(location.source.name, place.line, place.column, operation, error.message)


class _Changes:
    """The breaking changes between two schemas that validation does not notice: of the types of responses, and of what
    a variable may have in it."""

    def __init__(self, old: GraphQLSchema, new: GraphQLSchema) -> None:
        self._old = old
        self._of_fields: dict[str, str] = {}
        self._of_inputs: dict[str, list[str]] = {}
        self._of_kinds: dict[str, str] = {}
        for change in find_breaking_changes(old, new):
            kind = _TYPE.match(change.description)
            coordinate = _COORDINATE.search(change.description)
            if change.type is BreakingChangeType.TYPE_CHANGED_KIND and kind:
                self._of_kinds[kind[1]] = change.description
            elif coordinate:
                owner = coordinate[1].partition(".")[0]
                is_input = isinstance(old.type_map.get(owner), GraphQLInputObjectType)
                is_enum = change.type is BreakingChangeType.VALUE_REMOVED_FROM_ENUM
                if change.type in _OF_VARIABLES and (is_input or is_enum):
                    self._of_inputs.setdefault(owner, []).append(change.description)
                elif change.type in _OF_RESPONSES:
                    self._of_fields[coordinate[1]] = change.description

    def find(self, document: DocumentNode) -> list[GraphQLError]:
        """Returns an error for each change that a document meets, where it does."""
        uses = _Uses(self._old, self.of_field, self.of_variable)
        visit(document, TypeInfoVisitor(uses.types, uses))
        return uses.errors

    def of_field(self, coordinate: str, kind: str) -> list[str]:
        """Returns the changes of a field of a response, which has this named type."""
        found = (self._of_fields.get(coordinate), self._of_kinds.get(kind))
        return [change for change in found if change is not None]

    def of_variable(self, name: str, kind: Any) -> list[str]:
        """Returns the changes of what a variable of this type may have in it."""
        return [
            f"{change} The variable ${name} may have it."
            for each in sorted(_reachable(kind))
            for change in self._of_inputs.get(each, ())
        ]


class _Uses(Visitor):
    """Collects an error for each use of something that has changed."""

    def __init__(
        self,
        schema: GraphQLSchema,
        of_field: Callable[[str, str], list[str]],
        of_variable: Callable[[str, Any], list[str]],
    ) -> None:
        super().__init__()
        self.types, self.errors = TypeInfo(schema), list[GraphQLError]()
        self._schema, self._of_field, self._of_variable = schema, of_field, of_variable

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, kind = self.types.get_parent_type(), get_named_type(self.types.get_type())
        changes = self._of_field(f"{parent}.{node.name.value}", str(kind))
        self.errors += [GraphQLError(change, node) for change in changes]

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        kind = get_named_type(type_from_ast(self._schema, node.type))
        changes = self._of_variable(node.variable.name.value, kind)
        self.errors += [GraphQLError(change, node) for change in changes]


def _reachable(kind: Any) -> set[str]:
    """The names of an input type and of all types of its fields."""
    names, waiting = set[str](), [kind]
    while waiting:
        each = waiting.pop()
        if each is not None and each.name not in names:
            names.add(each.name)
            if isinstance(each, GraphQLInputObjectType):
                waiting.extend(get_named_type(member.type) for member in each.fields.values())
    return names
