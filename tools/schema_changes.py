"""The page with the changes of the GraphQL schema: between the committed versions, and since the newest of them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from graphql import (
    BreakingChange,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    is_introspection_type,
    is_specified_scalar_type,
)

VERSIONS = Path(__file__).resolve().parent.parent / "schema" / "versions"
CURRENT = VERSIONS.parent / "gateway.graphql"


def changes_page(current: str) -> tuple[str, str]:
    """Returns title and body. `current` is the SDL of a live deployment. Newest changes come first."""
    files = sorted(VERSIONS.glob("*.graphql"))
    schemas = [(file.stem, build_schema(file.read_text(encoding="utf-8"))) for file in files]
    schemas.append(("Since then", build_schema(current)))
    parts = [
        "Generated from the versions of the schema in `schema/versions`. *Breaking*: a document that was valid can"
        " fail. Nothing is breaking within a stable version of the API; until the first one, everything can change."
    ]
    for (_, old), (name, new) in reversed([*pairwise(schemas)]):
        parts.append(f"## {name}\n\n{describe_changes(old, new)}")
    parts.append(f"## {schemas[0][0]}\n\nThe first version listed here.")
    return "Changes of the schema", "\n\n".join(parts)


def describe_changes(old: GraphQLSchema, new: GraphQLSchema) -> str:
    """Returns the changes as a list, or a sentence if there are none."""
    lines = [f"* *Breaking.* {_sentence(change)}" for change in find_breaking_changes(old, new)]
    lines += [f"* Added {each}." for each in _added(old, new)]
    lines += [
        f"* {_sentence(change)}"
        for change in find_dangerous_changes(old, new)
        if "ADDED" not in change.type.name or "DEFAULT" in change.type.name
    ]
    return "\n".join(sorted(set(lines), key=lambda line: (not line.startswith("* *"), line))) or "No changes."


def _sentence(change: "BreakingChange | object") -> str:
    text = str(getattr(change, "description", "")).rstrip(".")
    return f"{text}."


def _added(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[str]:
    """New types, and the new fields, arguments and values of types that were there."""
    for name, kind in new.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        before = old.type_map.get(name)
        if before is None:
            yield f"the type `{name}`"
            continue
        if isinstance(kind, GraphQLEnumType) and isinstance(before, GraphQLEnumType):
            yield from (f"the value `{name}.{value}`" for value in kind.values if value not in before.values)
        holders = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType
        if isinstance(kind, holders) and isinstance(before, holders):
            for field, each in kind.fields.items():
                if field not in before.fields:
                    yield f"the field `{name}.{field}`"
                    continue
                known = getattr(before.fields[field], "args", {})
                yield from (
                    f"the argument `{argument}` of `{name}.{field}`"
                    for argument in getattr(each, "args", {})
                    if argument not in known
                )
