"""Operations that are not compiled: each reason, and that the result is the same."""

from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse

from schema.compiled import source
from schema.compiled.reasons import Reason, Unsupported
from schema.compiled.source import literal
from tests.support.executions import compiled, run_compiled

SCHEMA = build_schema(
    """
directive @defer(if: Boolean) on FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @noted on QUERY
type Query { a: Query b: String c(x: String): Int }
type Subscription { a: Int }
"""
)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{ b __schema { description } }", Reason.INTROSPECTION),
        ('{ a { b } ...F } fragment F on Query { a { c } __type(name: "Query") { name } }', Reason.INTROSPECTION),
        ("subscription { a }", Reason.OPERATION_TYPE),
        ("query @noted { b }", Reason.DIRECTIVE),
        ("{ ... @defer { b } }", Reason.DIRECTIVE),
        ("query ($x: Boolean!) { b @include(if: $x) c b }", Reason.MERGED_CONDITIONS),
        ("query ($x: Boolean!) { ...F @skip(if: $x) ...F } fragment F on Query { b }", Reason.MERGED_CONDITIONS),
    ],
)
def test_operation_is_not_compiled(document: str, reason: Reason) -> None:
    with pytest.raises(Unsupported) as raised:
        compiled(SCHEMA, parse(document))
    assert raised.value.reason is reason


def test_fragment_with_variables_is_not_compiled() -> None:
    document = parse("{ ...F(x: 1) } fragment F($x: Int) on Query { b }", experimental_fragment_arguments=True)
    with pytest.raises(Unsupported) as raised:
        compiled(SCHEMA, document)
    assert raised.value.reason is Reason.FRAGMENT_VARIABLES


def test_operation_with_too_long_source_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    small = parse("{ a { a { b } } }")
    monkeypatch.setattr(source, "MAX_SOURCE", compiled(SCHEMA, small).source_size)
    compiled(SCHEMA, small)
    with pytest.raises(Unsupported) as raised:
        compiled(SCHEMA, parse("{ a { a { a { b } } } }"))
    assert raised.value.reason is Reason.SIZE


@pytest.mark.parametrize("directives", ["@skip(if: $x)", "@include(if: false) @skip(if: $x)"])
def test_null_condition_is_found_before_a_resolver_runs(directives: str) -> None:
    calls: list[Any] = []
    document = parse(f"query ($x: Boolean = true) {{ b a {{ c {directives} }} }}")
    with pytest.raises(Unsupported) as raised:
        run_compiled(SCHEMA, document, {"x": None}, root_value={"b": lambda _: calls.append("b")})
    assert raised.value.reason is Reason.NULL_CONDITION
    assert calls == []


def test_nested_fragments_are_compiled_in_linear_size() -> None:
    def size(levels: int) -> int:
        fragments = [f"fragment F{n} on Query {{ a {{ ...F{n + 1} }} }} " for n in range(levels)]
        doubled = [f"fragment G{n} on Query {{ x: a {{ ...G{n + 1} }} y: a {{ ...G{n + 1} }} }}" for n in range(levels)]
        ends = f"fragment F{levels} on Query {{ b }} fragment G{levels} on Query {{ b }}"
        return compiled(SCHEMA, parse(f"{{ ...F0 ...G0 }} {' '.join(fragments + doubled)} {ends}")).source_size

    assert size(20) < 2.2 * size(10)


@pytest.mark.parametrize("text", ["x'", "a b", "", "1", "é", "a\n", "__import__('os')"])
def test_no_text_but_a_name_gets_into_the_source(text: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        literal(text)


def test_schema_is_checked() -> None:
    with pytest.raises(TypeError, match="Query root type must be provided"):
        compiled(GraphQLSchema(), parse("{ a }"))
