"""Parses most executable documents in less than half the time of graphql-core, to equal nodes.

graphql-core's lexer reads one character after the other. Here a regular expression splits the text into tokens. What is
rare is left to graphql-core, which also writes the syntax errors: comments, block strings, escapes in strings,
descriptions, and all that is not executable.

The locations of these nodes have no tokens. graphql-core's are a list with links in both directions, so that only the
garbage collector can free a document. These are freed when the last reference to them ends.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Source,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
)
from graphql.language import Location
from graphql.language.parser import MAX_NESTING_DEPTH

from schema.parsing.tokens import NAME_START, NUMBER_START, NotPlain, split

_OPERATIONS = {each.value: each for each in OperationType}

T = TypeVar("T")


class _Place(Location):
    """The location of a node, without tokens."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:
        self.start, self.end, self.source = start, end, source


def parse_document(text: str, *, max_tokens: int, max_comments: int) -> DocumentNode:
    """Returns the nodes of a document. Raises GraphQLSyntaxError, also if it has more tokens or comments."""
    document = parse_plain(text, max_tokens)
    if document is None:
        document = parse(text, max_lexical_tokens=max_tokens, max_comments=max_comments)
    return document


def parse_plain(text: str, max_tokens: int) -> DocumentNode | None:
    """Returns the nodes of a document, None if only graphql-core can parse it, or if it has an error."""
    try:
        return _Parser(text, max_tokens).document()
    except (NotPlain, RecursionError):
        return None


class _Parser:
    """Parses one text. `_at` is the number of the next token. All methods raise NotPlain."""

    def __init__(self, text: str, max_tokens: int) -> None:
        self._source = Source(text)
        self._tokens, self._starts = split(text, max_tokens)
        self._at = self._nesting = 0

    def document(self) -> DocumentNode:
        definitions = [self._definition()]
        while self._tokens[self._at]:
            definitions.append(self._definition())
        return DocumentNode(definitions=tuple(definitions), loc=_Place(0, len(self._source.body), self._source))

    def _definition(self) -> DefinitionNode:
        first, text = self._at, self._tokens[self._at]
        if text == "{":
            selections = self._selection_set()
            return OperationDefinitionNode(
                operation=OperationType.QUERY, selection_set=selections, loc=self._loc(first)
            )
        self._at += 1
        if text == "fragment":
            name = self._fragment_name()
            self._expect("on")
            return FragmentDefinitionNode(
                name=name,
                variable_definitions=(),
                type_condition=self._named_type(),
                directives=self._directives(),
                selection_set=self._selection_set(),
                loc=self._loc(first),
            )
        operation = _OPERATIONS.get(text)
        if operation is None:
            raise NotPlain
        return OperationDefinitionNode(
            operation=operation,
            name=self._name() if self._tokens[self._at][:1] in NAME_START else None,
            variable_definitions=self._optional_list("(", self._variable_definition, ")"),
            directives=self._directives(),
            selection_set=self._selection_set(),
            loc=self._loc(first),
        )

    def _selection_set(self) -> SelectionSetNode:
        first = self._at
        selections = self._list("{", self._selection, "}")
        return SelectionSetNode(selections=selections, loc=self._loc(first))

    def _selection(self) -> SelectionNode:
        first, tokens = self._at, self._tokens
        if tokens[first] == "...":
            self._at += 1
            return self._fragment(first)
        alias, name = None, self._name()
        if tokens[self._at] == ":":
            self._at += 1
            alias, name = name, self._name()
        return FieldNode(
            alias=alias,
            name=name,
            arguments=self._arguments(),
            directives=self._directives(),
            selection_set=self._selection_set() if tokens[self._at] == "{" else None,
            loc=self._loc(first),
        )

    def _fragment(self, first: int) -> FragmentSpreadNode | InlineFragmentNode:
        text = self._tokens[self._at]
        if text != "on" and text[:1] in NAME_START:
            name = self._name()
            return FragmentSpreadNode(name=name, directives=self._directives(), loc=self._loc(first))
        condition = None
        if text == "on":
            self._at += 1
            condition = self._named_type()
        return InlineFragmentNode(
            type_condition=condition,
            directives=self._directives(),
            selection_set=self._selection_set(),
            loc=self._loc(first),
        )

    def _directives(self) -> tuple[DirectiveNode, ...] | None:
        directives = []
        while self._tokens[self._at] == "@":
            first = self._at
            self._at += 1
            directives.append(DirectiveNode(name=self._name(), arguments=self._arguments(), loc=self._loc(first)))
        return tuple(directives) or None

    def _arguments(self) -> tuple[ArgumentNode, ...] | None:
        return self._optional_list("(", self._argument, ")")

    def _argument(self) -> ArgumentNode:
        first, name = self._at, self._name()
        self._expect(":")
        return ArgumentNode(name=name, value=self._value(), loc=self._loc(first))

    def _object_field(self) -> ObjectFieldNode:
        first, name = self._at, self._name()
        self._expect(":")
        return ObjectFieldNode(name=name, value=self._value(), loc=self._loc(first))

    def _value(self) -> ValueNode:
        first, text = self._at, self._tokens[self._at]
        start = text[:1]
        if start == "$":
            return self._variable()
        if start == "[":
            return ListValueNode(values=self._list("[", self._value, "]"), loc=self._loc(first))
        if start == "{":
            return ObjectValueNode(fields=self._list("{", self._object_field, "}"), loc=self._loc(first))
        self._at += 1
        loc = self._loc(first)
        if start == '"':
            return StringValueNode(value=text[1:-1], block=False, loc=loc)
        if start in NUMBER_START:
            kind = IntValueNode if text.lstrip("-").isdecimal() else FloatValueNode
            return kind(value=text, loc=loc)
        if start not in NAME_START:
            raise NotPlain
        if text in {"true", "false"}:
            return BooleanValueNode(value=text == "true", loc=loc)
        return NullValueNode(loc=loc) if text == "null" else EnumValueNode(value=text, loc=loc)

    def _variable_definition(self) -> VariableDefinitionNode:
        first, variable = self._at, self._variable()
        self._expect(":")
        type_ = self._type()
        default: Any = None  # any value that has no variable
        if self._tokens[self._at] == "=":
            self._at += 1
            default = self._value()
        directives: Any = self._directives()
        if self._tokens[first : self._at].count("$") > 1:
            raise NotPlain  # a variable in a constant
        return VariableDefinitionNode(
            variable=variable, type=type_, default_value=default, directives=directives, loc=self._loc(first)
        )

    def _variable(self) -> VariableNode:
        first = self._at
        self._expect("$")
        return VariableNode(name=self._name(), loc=self._loc(first))

    def _type(self) -> TypeNode:
        first, type_ = self._at, self._nullable_type()
        if self._tokens[self._at] != "!":
            return type_
        self._at += 1
        return NonNullTypeNode(type=type_, loc=self._loc(first))

    def _nullable_type(self) -> NamedTypeNode | ListTypeNode:
        first = self._at
        if self._tokens[first] != "[":
            return self._named_type()
        items = self._list("[", self._type, "]")
        if len(items) != 1:
            raise NotPlain
        return ListTypeNode(type=items[0], loc=self._loc(first))

    def _named_type(self) -> NamedTypeNode:
        first = self._at
        return NamedTypeNode(name=self._name(), loc=self._loc(first))

    def _fragment_name(self) -> NameNode:
        if self._tokens[self._at] == "on":
            raise NotPlain
        return self._name()

    def _name(self) -> NameNode:
        at = self._at
        text = self._tokens[at]
        if text[:1] not in NAME_START:
            raise NotPlain
        self._at = at + 1
        return NameNode(value=text, loc=self._loc(at))

    def _list(self, opening: str, parse_item: Callable[[], T], closing: str) -> tuple[T, ...]:
        """Returns the items in brackets that nest."""
        self._expect(opening)
        self._nesting += 1
        if self._nesting > MAX_NESTING_DEPTH:
            raise NotPlain
        items = []
        while self._tokens[self._at] != closing:
            items.append(parse_item())
        self._at += 1
        self._nesting -= 1
        return tuple(items)

    def _optional_list(self, opening: str, parse_item: Callable[[], T], closing: str) -> tuple[T, ...] | None:
        """Returns the items in brackets, of which there must be one, None if there are no brackets."""
        if self._tokens[self._at] != opening:
            return None
        self._at += 1
        items = [parse_item()]
        while self._tokens[self._at] != closing:
            items.append(parse_item())
        self._at += 1
        return tuple(items)

    def _expect(self, text: str) -> None:
        if self._tokens[self._at] != text:
            raise NotPlain
        self._at += 1

    def _loc(self, first: int) -> _Place:
        """Returns the location from a token to the last one that was parsed."""
        last = self._at - 1
        return _Place(self._starts[first], self._starts[last] + len(self._tokens[last]), self._source)
