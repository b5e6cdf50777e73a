"""The quick parser returns nodes that are equal to graphql-core's, with equal locations, or None."""

import gc
import weakref
from random import Random

import pytest
from graphql import DocumentNode, GraphQLSyntaxError, Source, get_introspection_query, parse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema.parsing.quick_parser import parse_document, parse_plain
from tests.support.generated_documents import DocumentGenerator
from tests.support.generated_schemas import generate_schema
from tests.support.graphql_world import built
from tests.support.mutated_documents import mutate

TOKENS = 2000
CHARACTERS = "{}()[]:!$@.,\"'\\#&|=-+0123456789eE_aZ \n\r\t\ufeffé\U0001f600\x00\ud800"


def parsed(text: str) -> DocumentNode:
    """Returns the nodes of a plain document. They must be equal to graphql-core's."""
    document, expected = parse_plain(text, TOKENS), parse(text)
    assert document is not None
    assert document == expected
    return document


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{ a }", id="shorthand"),
        pytest.param("{a b,c:d\n\r\n\te}", id="ignored characters"),
        pytest.param("query { a } query Q { a } mutation M { a } subscription S { a }", id="operations"),
        pytest.param("{ }", id="no selections"),
        pytest.param("{ a @b c @d(e: 1) @f { g } }", id="directives"),
        pytest.param("query Q @a { b } fragment F on T @c { d }", id="directives of definitions"),
        pytest.param("{ ...F ...on T { a } ... { b } ... @c { d } ...F2 @e }", id="fragments"),
        pytest.param("fragment on_ on on { on }", id="the name on"),
        pytest.param("{ query mutation fragment true null on }", id="keywords as names"),
        pytest.param("{ a(b: 0 c: -0, d: 12 e: -1.50 f: 1e9 g: 1.0E-7 h: 2e+3) }", id="numbers"),
        pytest.param('{ a(b: "" c: "x y" d: "é😀$#{") }', id="strings"),
        pytest.param("{ a(b: true c: false d: null e: RED f: trueish) }", id="names as values"),
        pytest.param("{ a(b: [] c: [1, [2]] d: {} e: {f: {g: $h}}, i: [$j]) }", id="lists and objects"),
        pytest.param("query ($a: A, $b: [B!]! = [1] @c, $d: [[D]] = {e: 1}) { f(g: $a) }", id="variables"),
        pytest.param(get_introspection_query(), id="introspection"),
    ],
)
def test_nodes_are_equal(text: str) -> None:
    parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# comment\n{ a }", id="comment"),
        pytest.param('{ a(b: """c""") }', id="block string"),
        pytest.param(r'{ a(b: "\n") }', id="escape"),
        pytest.param("\ufeff{ a }", id="byte order mark"),
        pytest.param('"about" query Q { a }', id="description"),
        pytest.param("type T { a: Int }", id="type"),
    ],
)
def test_rare_document_is_left_to_graphql_core(text: str) -> None:
    assert parse_plain(text, TOKENS) is None
    assert parse_document(text, max_tokens=TOKENS, max_comments=1) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", "}", "{ a", "{ a } }", "a", "{ a: }", "{ : a }", "{ a: b: c }", "query Q", "query Q R { a }"),
        *("{ a() }", "{ a(b) }", "{ a(b:) }", "{ a(1: 2) }", "{ a(b: 01) }", "{ a(b: 1.) }", "{ a(b: .1) }"),
        *("{ a(b: 1a) }", "{ a(b: 1e) }", "{ a(b: -) }", "{ a(b: +1) }", "{ a(b: 1.2.3) }", "{ a(b: 0xF) }"),
        *('{ a(b: ") }', '{ a(b: "\n") }', "{ a(b: 'c') }", '{ a(b: "\ud800") }', "{ a(b: $) }", "{ a(b: [1) }"),
        *("{ a(b: {c}) }", "{ a(b: {1: 2}) }", "{ .. F }", "{ ...on }", "{ ...1 }", "{ ... }", "{ ... on { a } }"),
        *("fragment on on T { a }", "fragment F { a }", "fragment F on { a }", "fragment F on T", "{ a @ }", "{ é }"),
        *("query () { a }", "query ($a) { a }", "query (a: B) { a }", "query ($a: B!!) { a }", "query ($a: [B) { a }"),
        *("query ($a: []) { a }", "query ($a: [B C]) { a }", "query ($a: B = $c) { a }", "query ($a: B = [$c]) { a }"),
        *("query ($a: B @c(d: $e)) { a }", "{ a } & { b }", "{ a | b }", "{" * 3000, "{ a(b: " + "[" * 900),
    ],
)
def test_wrong_text_gets_the_error_of_graphql_core(text: str) -> None:
    assert parse_plain(text, TOKENS) is None
    with pytest.raises(GraphQLSyntaxError) as expected:
        parse(text)
    with pytest.raises(GraphQLSyntaxError) as caught:
        parse_document(text, max_tokens=10_000, max_comments=1)
    assert caught.value == expected.value


def test_limit_of_tokens_is_that_of_graphql_core() -> None:
    text = "{ a b: c } "
    assert parse_plain(text, 6) == parse(text, max_lexical_tokens=6)
    with pytest.raises(GraphQLSyntaxError, match="more than 5 tokens"):
        parse_document(text, max_tokens=5, max_comments=0)


@pytest.mark.parametrize(("begin", "end"), [("{ a ", "}"), ("{ ... ", "}")])
def test_limit_of_nesting_is_that_of_graphql_core(begin: str, end: str) -> None:
    with pytest.raises(GraphQLSyntaxError, match="nested too deeply"):
        parse_document(begin * 201 + "{ a }" + end * 201, max_tokens=TOKENS, max_comments=0)
    parsed(begin * 80 + "{ a }" + end * 80)


def test_each_location_has_the_source() -> None:
    text = "query Q($a: Int = 1) { b(c: $a) { ...F } } fragment F on T { d }"
    document = parsed(text)
    assert document.loc is not None
    assert document.loc.source == Source(text)
    field = document.definitions[1].selection_set.selections[0]  # type: ignore[attr-defined]  # a fragment
    assert (field.loc.source.get_location(field.loc.start).column, field.loc.source.body) == (62, text)


def test_document_is_freed_without_the_garbage_collector() -> None:
    document = weakref.ref(node := parsed("{ a(b: [1]) { ...F } } fragment F on T { c }"))
    gc.disable()
    try:
        del node
        assert document() is None
    finally:
        gc.enable()


def compare(text: str) -> bool:
    """Compares the nodes of a text. Returns whether the quick parser has parsed it."""
    document = parse_plain(text, TOKENS)
    if document is not None:
        assert document == parse(text), text
    return document is not None


def damage(random: Random, text: str) -> str:
    """Returns the text with one to three characters inserted, removed or replaced."""
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(text) + 1)
        text = text[:place] + random.choice(["", *CHARACTERS]) + text[place + random.randrange(2) :]
    return text


def compare_random_documents(rounds: int, documents: int) -> int:
    """Compares random documents, and each with changes. Returns how many with wrong characters could be parsed."""
    still_plain = 0

    @settings(
        max_examples=rounds,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**63))
    def compare_some(seed: int) -> None:
        nonlocal still_plain
        random = Random(seed)
        schema = random.choice([built().schema, generate_schema(random).schema])
        for _ in range(documents):
            text = DocumentGenerator(random, schema).document()
            assert compare(text), text
            compare(mutate(random, text, ["a", "on", "true"]))
            still_plain += sum(compare(damage(random, text)) for _ in range(6))

    compare_some()
    return still_plain


def test_random_documents_have_equal_nodes() -> None:
    assert compare_random_documents(20, 5) > 50


@pytest.mark.slow
def test_16000_random_documents_have_equal_nodes() -> None:
    assert compare_random_documents(200, 10) > 1200
