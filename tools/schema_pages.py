"""The reference pages of the GraphQL schema: queries, mutations, types, inputs and enums, with scopes and costs."""

import re
from collections.abc import Callable, Iterator

from graphql import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from merchants.registry import discover
from schema.export import sdl
from tools.adapter_pages import BUILT_IN

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
Holder = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | InputObjectTypeDefinitionNode
_OUTPUT = (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, UnionTypeDefinitionNode)
_PAGES: dict[str, tuple[str, str, tuple[type[DefinitionNode], ...]]] = {
    "types": (
        "Types",
        "What the API returns.",
        (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, UnionTypeDefinitionNode),
    ),
    "inputs": ("Inputs", "What the API takes.", (InputObjectTypeDefinitionNode,)),
    "enums": ("Enums", "Values from a fixed list.", (EnumTypeDefinitionNode,)),
    "scalars": ("Scalars", "Values with a format.", (ScalarTypeDefinitionNode,)),
}
_STATED = re.compile(r" (Scope: [a-z:_ ]+\.|Cost: [0-9]+\.)")
_ROOTS = {"Query": "queries", "Mutation": "mutations"}
_NOTE = (
    "This is the schema of a sandbox. *Sandbox only* marks what a live deployment does not have. A field without a cost"
    " costs 0, or 1 if it returns an object ([cost.md](../../cost.md)). Of several scopes the token needs one."
)


def schema_pages(table: Table) -> dict[str, tuple[str, str]]:
    """Returns title and body of each page by file name."""
    registry = discover(BUILT_IN)
    return _SchemaPages(sdl(registry, sandbox=True), sdl(registry, sandbox=False), table).pages()


class _SchemaPages:
    """The pages of one SDL. What is not in `live` is marked."""

    def __init__(self, text: str, live: str, table: Table) -> None:
        self._types = dict(_definitions(text))
        self._live = {name: _members(node) for name, node in _definitions(live)}
        self._table = table
        kinds = [(kind, page) for page, (_, _, kinds) in _PAGES.items() for kind in kinds]
        self._page_of = {
            name: next((page for kind, page in kinds if isinstance(node, kind)), "types")
            for name, node in self._types.items()
        }

    def pages(self) -> dict[str, tuple[str, str]]:
        """Title and body of each page by file name."""
        rows = [(f"[{title}]({page}.md)", text) for page, title, text in self._contents()]
        index = ("GraphQL schema", f"{_NOTE}\n\n{self._table(('page', 'what it has'), rows)}")
        roots = {page: (page.capitalize(), self._root(name)) for name, page in _ROOTS.items()}
        others = {page: (title, self._all(page, text)) for page, (title, text, _) in _PAGES.items()}
        return {"schema/README.md": index, **{f"schema/{name}.md": page for name, page in (roots | others).items()}}

    def _contents(self) -> Iterator[tuple[str, str, str]]:
        yield "queries", "Queries", "The fields of the type Query."
        yield "mutations", "Mutations", "The fields of the type Mutation."
        for page, (title, text, _) in _PAGES.items():
            yield page, title, text
        yield "changes", "Changes", "What was added, changed and removed."

    def _root(self, name: str) -> str:
        node = self._types[name]
        assert isinstance(node, ObjectTypeDefinitionNode)
        return "\n\n".join(self._operation(name, field) for field in node.fields)

    def _operation(self, root: str, field: FieldDefinitionNode) -> str:
        parts = [f"## {field.name.value}", self._mark(root, field.name.value) + _text(field)]
        facts = [f"Returns {self._link(field.type)}.", _scopes(field), f"Cost: {_cost(field) or 0}."]
        parts.append(" ".join(filter(None, facts)))
        if field.arguments:
            parts.append(self._fields("argument", root, field.arguments))
        return "\n\n".join(filter(None, parts))

    def _all(self, page: str, text: str) -> str:
        names = sorted(name for name, at in self._page_of.items() if at == page and name not in _ROOTS)
        return "\n\n".join([text, *(self._one(name) for name in names)])

    def _one(self, name: str) -> str:
        node = self._types[name]
        parts = [f"## {name}", ("" if name in self._live else "*Sandbox only.* ") + _text(node)]
        if isinstance(node, UnionTypeDefinitionNode):
            parts.append(f"One of {', '.join(self._link(each) for each in node.types)}.")
        elif isinstance(node, EnumTypeDefinitionNode):
            rows = [(f"`{v.name.value}`", self._mark(name, v.name.value) + _text(v)) for v in node.values]
            parts.append(self._table(("value", "meaning"), rows))
        elif isinstance(node, Holder):
            implemented = [] if isinstance(node, InputObjectTypeDefinitionNode) else node.interfaces
            if implemented:
                parts.append(f"Implements {', '.join(self._link(each) for each in implemented)}.")
            parts.append(self._fields("field", name, node.fields))
        return "\n\n".join(filter(None, parts))

    def _fields(
        self, word: str, owner: str, fields: "tuple[FieldDefinitionNode | InputValueDefinitionNode, ...]"
    ) -> str:
        rows = []
        for field in fields:
            name, cost = field.name.value, _cost(field)
            facts = [_scopes(field), f"Cost: {cost}." if cost else ""]
            if isinstance(field, InputValueDefinitionNode) and field.default_value is not None:
                facts.append(f"Default: `{print_ast(field.default_value)}`.")
            text = self._mark(owner, name) if word == "field" else ""
            shown = f"{name}({', '.join(each.name.value for each in getattr(field, 'arguments', None) or ())})"
            shown = shown.removesuffix("()")
            rows.append((f"`{shown}`", self._link(field.type), " ".join(filter(None, [text + _text(field), *facts]))))
        return self._table((word, "type", "meaning"), rows)

    def _mark(self, owner: str, member: str) -> str:
        known = self._live.get(owner)
        return "*Sandbox only.* " if known is not None and member not in known else ""

    def _link(self, node: "TypeNode") -> str:
        """The type with a link to its description, such as [Decision](types.md#decision) followed by `!`."""
        text = print_ast(node)
        name = text.strip("[]!")
        if name not in self._page_of:
            return f"`{text}`"
        before, _, after = text.partition(name)
        linked = f"[{name}]({self._page_of[name]}.md#{name.lower()})"
        return "".join([f"`{before}`" if before else "", linked, f"`{after}`" if after else ""])


def _definitions(text: str) -> Iterator[tuple[str, DefinitionNode]]:
    kinds = tuple(kind for _, _, kinds in _PAGES.values() for kind in kinds)
    for node in parse(text).definitions:
        if isinstance(node, kinds):
            yield node.name.value, node  # type: ignore[attr-defined]


def _members(node: DefinitionNode) -> set[str]:
    """The names of the fields or values of a type."""
    return {each.name.value for each in (*getattr(node, "fields", ()), *getattr(node, "values", ()))}


def _text(node: DefinitionNode) -> str:
    """The description in one line, without what the columns say too."""
    described = getattr(node, "description", None)
    text = _STATED.sub("", " ".join(described.value.split())) if described else ""
    return text.replace("<", "&lt;")


def _cost(node: DefinitionNode) -> str:
    for directive in node.directives or ():  # type: ignore[attr-defined]
        if directive.name.value == "cost":
            return print_ast(directive.arguments[0].value)
    return ""


def _scopes(node: DefinitionNode) -> str:
    for directive in node.directives or ():  # type: ignore[attr-defined]
        if directive.name.value == "requiresScopes":
            lists = directive.arguments[0].value
            assert isinstance(lists, ListValueNode)
            names = [" and ".join(f"`{_string(each)}`" for each in scopes.values) for scopes in lists.values]
            return f"Scope: {' or '.join(names)}."
    return ""


def _string(node: object) -> str:
    assert isinstance(node, StringValueNode)
    return node.value
