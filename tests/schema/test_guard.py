"""Limits of documents: checked in linear time, safe with cycles, open to introspection queries.

Times are CPU time of the thread, so that a busy machine does not fail the tests."""

import time
from contextlib import suppress

import pytest
from graphql import GraphQLError, get_introspection_query, parse

from schema import guard
from schema.documents import Documents, Refused
from tests.support.graphql_world import built


def limit_error(text: str) -> str:
    with pytest.raises(GraphQLError) as caught:
        guard.check(parse(text))
    return caught.value.message


def doubled(levels: int) -> str:
    fragments = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ a: __typename }}"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("{ a " * 13 + "}" * 13, "12 levels"),
        ("{ " + " ".join(f"a{n}: x" for n in range(31)) + " }", "30 aliases"),
        ("{ " + " ".join(f"a{n}" for n in range(21)) + " }", "20 root fields"),
        ("{ ...F } fragment F on Query { " + " ".join(f"a{n}" for n in range(21)) + " }", "20 root fields"),
        ("{ a @x @x @x @x @x }", "4 directives"),
        ("query Q @x @x @x @x @x { a }", "4 directives"),
        ("query Q($v: Int @x @x @x @x @x) { a }", "4 directives"),
        ("{ a { " + " ".join(f"b{n} @x @x @x" for n in range(17)) + " } }", "50 directives"),
        ("{ a } " + " ".join(f"fragment F{n} on Query {{ a }}" for n in range(51)), "50 fragments"),
        (" ".join(f"query Q{n} {{ a }}" for n in range(11)), "10 operations"),
        ("subscription { a }", "only queries and mutations"),
    ],
)
def test_limits(text: str, limit: str) -> None:
    assert limit in limit_error(text)


def test_documents_at_the_limits_pass() -> None:
    guard.check(parse("{ a " * 12 + "}" * 12))
    guard.check(parse("{ a { " + " ".join(f"a{n}: x" for n in range(30)) + " } }"))
    guard.check(parse("{ " + " ".join(f"a{n}" for n in range(20)) + " }"))
    guard.check(parse("{ a @x @x @x @x }"))


def test_introspection_query_passes() -> None:
    text = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    assert Documents(built().schema).prepare(text).node.definitions


def test_sixty_levels_of_doubled_fragments_are_measured_quickly() -> None:
    document = parse(doubled(60))
    started = time.thread_time()
    with pytest.raises(GraphQLError):
        guard.check(document)
    assert time.thread_time() - started < 0.005
    within = parse(doubled(48))
    started = time.thread_time()
    with pytest.raises(GraphQLError, match="30 aliases"):
        guard.check(within)
    assert time.thread_time() - started < 0.005


def test_fragment_cycles_are_reported_by_validation() -> None:
    text = "{ ...A } fragment A on Query { ...B a } fragment B on Query { ...A b }"
    guard.check(parse(text))
    with pytest.raises(Refused) as caught:
        Documents(built().schema).prepare(text)
    assert caught.value.code == "GRAPHQL_VALIDATION_FAILED"


def test_nesting_of_inline_fragments_is_limited() -> None:
    assert "nested too deeply" in limit_error(
        "{ ...A "
        + "}"
        + "".join(
            f" fragment {chr(65 + n)} on Query {{ " + "... { " * 60 + f"...{chr(66 + n)} " + "} " * 60 + "}"
            for n in range(5)
        )
        + " fragment F on Query { a }"
    )


def numbered(text: str, count: int) -> str:
    """Repeats a text that contains a # for the number."""
    return " ".join(text.replace("#", str(number)) for number in range(count))


IN_VIEWER = "... on Viewer { " + "merchant { id } " * 12 + "} "
IN_QUERY = "... on Query { " + "viewer { merchant { id } } " * 4 + "} "


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { " + "appName " * 1900 + "} }",
        "{ viewer { " + "...F " * 600 + "} } fragment F on Viewer { appName }",
        "{ " + " ".join(f"a{n}: viewer {{ appName }}" for n in range(10_000)) + " }",
        "{" * 3000,
        "{ viewer { appName " + "@skip(if: true) " * 600 + "} }",
        '{ node(id: "' + "x" * 60_000 + '") { id } }',
        "#" * 60_000 + "\n{ nope }",
        "# \n" * 20_000 + "{ nope }",
        doubled(60),
        "{ ... { " * 150 + "viewer { appName } " + "} } " * 150,
        pytest.param("{ viewer { " + "merchant { id name } " * 300 + "} }", id="A7-equal-objects"),
        pytest.param("{" + IN_QUERY * 5 + "}", id="A7-nested"),
        pytest.param("{ viewer { " + IN_VIEWER * 30 + "} }", id="A7-inline"),
        pytest.param("\n" * 65_000 + "{ a b c d e f g }", id="A7-lines"),
        pytest.param("\r" * 65_000 + "{ a b c d e f g }", id="A7-carriage-returns"),
        pytest.param("query (" + "$v: ID " * 480 + ") { viewer { appName } }", id="A7-equal-variables"),
        pytest.param(f"query ({numbered('$v#: ID', 480)}) {{ viewer {{ appName }} }}", id="A7-variables"),
        pytest.param(
            f"{{ merchant {{ decisions({numbered('x#: 1', 600)}) {{ nodes {{ id }} }} }} }}", id="A7-arguments"
        ),
        pytest.param(f"{{ decision(by: {{{numbered('x#: 1', 600)}}}) {{ id }} }}", id="A7-input-fields"),
        pytest.param(f"{{ viewer {{ {numbered('x#', 1900)} }} }}", id="A7-unknown-fields"),
        pytest.param("{ nodes(ids: [" + "{a: 1} " * 390 + "]) { id } }", id="A7-wrong-values"),
        pytest.param("{ nodes(ids: " + "[" * 900 + "]" * 900 + ") { id } }", id="A7-nested-lists"),
        pytest.param("{ merchant { decisions(first: " + "9" * 65_000 + ") { nodes { id } } } }", id="A7-long-number"),
        pytest.param("{ merchant { decisions(first: " + "9" * 65_000 + "x) { nodes { id } } } }", id="A7-wrong-number"),
        pytest.param('{ node(id: "' + "x" * 65_000, id="A7-string-without-end"),
        pytest.param("{ a" + " " * 65_000 + "%", id="A7-ignored-characters-before-a-wrong-one"),
        pytest.param('{ node(id: "' + "\\u0041" * 10_000 + '") { id } }', id="A7-escapes"),
        pytest.param('{ node(id: """' + "  x\n" * 4_000 + '""") { id } }', id="A7-block-string"),
        pytest.param("," * 65_000 + "{ viewer { appName } }", id="A7-ignored-characters"),
    ],
)
def test_hostile_documents_are_handled_quickly(text: str) -> None:
    def elapsed() -> float:
        documents = Documents(built().schema)
        started = time.thread_time()
        with suppress(Refused):
            documents.prepare(text)
        return time.thread_time() - started

    # One of several, because a garbage collection or another program on the core may slow some.
    assert any(elapsed() < 0.1 for _ in range(10))
