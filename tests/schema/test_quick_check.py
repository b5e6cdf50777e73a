"""The quick check accepts no document in which graphql-core finds an error, and nearly all others."""

import re
from collections import Counter
from random import Random

import pytest
from graphql import GraphQLSchema, build_schema, get_introspection_query, parse, specified_rules, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema.documents import RULES
from schema.validation import overlapping_fields
from schema.validation.quick_check import QuickCheck
from tests.support.generated_documents import DocumentGenerator
from tests.support.generated_schemas import generate_schema
from tests.support.graphql_world import built
from tests.support.mutated_documents import mutate

RULES_OF_GRAPHQL_CORE = set(
    re.findall(
        r"\w+",
        """
ExecutableDefinitionsRule KnownOperationTypesRule UniqueOperationNamesRule LoneAnonymousOperationRule
SingleFieldSubscriptionsRule KnownTypeNamesRule FragmentsOnCompositeTypesRule VariablesAreInputTypesRule ScalarLeafsRule
FieldsOnCorrectTypeRule UniqueFragmentNamesRule KnownFragmentNamesRule NoUnusedFragmentsRule PossibleFragmentSpreadsRule
NoFragmentCyclesRule UniqueVariableNamesRule NoUndefinedVariablesRule NoUnusedVariablesRule KnownDirectivesRule
UniqueDirectivesPerLocationRule DeferStreamDirectiveOnRootField DeferStreamDirectiveOnValidOperationsRule
DeferStreamDirectiveLabel StreamDirectiveOnListField KnownArgumentNamesRule UniqueArgumentNamesRule
ValuesOfCorrectTypeRule ProvidedRequiredArgumentsRule VariablesInAllowedPositionRule OverlappingFieldsCanBeMergedRule
UniqueInputFieldNamesRule MaxIntrospectionDepthRule""",
    )
)
SCHEMA = build_schema("""
directive @other on QUERY | FIELD | FRAGMENT_DEFINITION | VARIABLE_DEFINITION
type Query {
  s: String a(x: Int, o: In, l: [In!]): A n: N u: U
  r(x: Int!, y: Int! = 1): String one(by: One!): A free(f: Free): A
}
type Mutation { s: String }
type Subscription { s: String }
scalar Free
enum E { RED }
input In { p: Int! q: [Int] e: E = RED inner: In }
input One @oneOf { id: ID name: String many: [ID!] in: In }
interface N { s: String n: N }
type A implements N { s: String n: N a: A t: Int }
type B implements N { s: String n: N t: String }
type C { s: String }
union U = A | B
""")
CHECK = QuickCheck(SCHEMA)


def test_graphql_core_has_no_rule_that_the_quick_check_does_not_know() -> None:
    assert {rule.__name__ for rule in specified_rules} == RULES_OF_GRAPHQL_CORE, "the quick check needs the same rule"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{ s }", id="shorthand"),
        pytest.param("{ s a { s __typename } n { s } u { __typename } }", id="object, interface and union"),
        pytest.param("mutation { s }", id="mutation"),
        pytest.param("query Q { s } query R { s }", id="two operations"),
        pytest.param("{ x: s y: s x: s a { s } a { t } }", id="fields that merge"),
        pytest.param("{ n { ... on A { t } ... { s } ... @skip(if: true) { s } } }", id="inline fragments"),
        pytest.param("{ ...F a { ...G } } fragment F on Query { s n { ...H } } fragment G on A { t ...H } "
            "fragment H on N { s }", id="fragments"),
        pytest.param("{ s @skip(if: true) @include(if: false) }", id="directives"),
        pytest.param('{ r(x: 1) a(x: -1, o: {p: 1, q: [1, null], e: RED, inner: {p: 2}}) { s } }', id="literals"),
        pytest.param("{ a(o: {p: 1, q: 1}, l: {p: 1}) { s } }", id="values for lists"),
        pytest.param("query ($x: Int!, $p: Int!, $o: In) { a(x: $x, o: {p: $p, inner: $o}) { s } }", id="variables"),
        pytest.param("query ($x: Int = 1, $y: Int) { r(x: $x, y: $y) }", id="nullable variables with defaults"),
        pytest.param("query ($c: Boolean!) { ...F } fragment F on Query { s @skip(if: $c) }", id="in a fragment"),
        pytest.param("query ($i: ID!) { one(by: {id: $i}) { s } }", id="variable of oneOf"),
        pytest.param("query ($l: [ID!]!) { one(by: {many: $l}) { s } }", id="list of oneOf"),
        pytest.param("query ($l: In = {p: 1}) { a(o: $l) { s } }", id="default of an object"),
    ],
)  # fmt: skip
def test_valid_document_is_accepted(text: str) -> None:
    assert validate(SCHEMA, parse(text), RULES) == []
    assert CHECK.accepts(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "type T { a: Int } { s }",
        "query Q { s } query Q { s }",
        "{ s } query Q { s }",
        "{ s } { s }",
        "fragment F on Query { s }",
        "{ unknown }",
        "{ u { s } }",
        "{ s { s } }",
        "{ a }",
        "{ ...F } fragment F on Unknown { s }",
        "{ ...F } fragment F on Int { s }",
        "{ ... on Unknown { s } }",
        "{ ... on E { s } }",
        "{ ...F ...F } fragment F on Query { s } fragment F on Query { s }",
        "{ ...Unknown }",
        "{ s } fragment F on Query { s }",
        "{ s } fragment F on Query { ...G } fragment G on Query { s }",
        "{ a { ... on B { s } } }",
        "{ u { ...F } } fragment F on C { s }",
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { a { ... on A { s } } ...F }",
        "query ($x: Int, $x: Int) { a(x: $x) { s } }",
        "query ($x: Unknown) { a(x: $x) { s } }",
        "query ($x: A) { a(x: $x) { s } }",
        "query ($x: Int) { s }",
        "{ a(x: $x) { s } }",
        "query Q($x: Int) { ...F } query R { ...F } fragment F on Query { a(x: $x) { s } }",
        "query Q($x: Int) { ...F } query R($x: ID) { ...F } fragment F on Query { a(x: $x) { s } }",
        "{ s @unknown }",
        "query @skip(if: true) { s }",
        "{ ...F } fragment F on Query @include(if: true) { s }",
        "query ($x: Int @skip(if: true)) { a(x: $x) { s } }",
        "{ s @skip(if: true) @skip(if: true) }",
        "{ s @skip }",
        "{ s @skip(if: 1) }",
        "{ s @skip(if: true, unless: true) }",
        "query ($c: Boolean) { s @skip(if: $c) }",
        "{ a(unknown: 1) { s } }",
        "{ a(x: 1, x: 1) { s } }",
        "{ r }",
        "{ r(y: 1) }",
        "{ r(x: null) }",
        '{ a(x: "1") { s } }',
        "{ a(x: RED) { s } }",
        "{ a(o: 1) { s } }",
        "{ a(o: {}) { s } }",
        "{ a(o: {p: 1, p: 1}) { s } }",
        "{ a(o: {p: 1, unknown: 1}) { s } }",
        "{ a(o: {p: 1, e: BLUE}) { s } }",
        "{ a(o: {p: 1, inner: {q: 1}}) { s } }",
        "query ($o: In = {p: 1, p: 1}) { a(o: $o) { s } }",
        "query ($x: Int! = null) { r(x: $x) }",
        'query ($x: Int = "1") { a(x: $x) { s } }',
        "query ($x: Int) { r(x: $x) }",
        "query ($x: String) { a(x: $x) { s } }",
        "query ($x: [Int]) { a(x: $x) { s } }",
        "query ($x: Int) { a(o: {p: $x}) { s } }",
        "query ($x: Int) { a(o: {p: 1, q: $x}) { s } }",
        "query ($o: In) { a(l: [$o]) { s } }",
        "{ one(by: {}) { s } }",
        '{ one(by: {id: "1", name: "2"}) { s } }',
        "{ one(by: {id: null}) { s } }",
        "query ($i: ID) { one(by: {id: $i}) { s } }",
        'query ($i: ID = "1") { one(by: {id: $i}) { s } }',
        "{ x: s x: __typename }",
        "{ a(x: 1) { s } a(x: 2) { s } }",
        "{ n { ... on A { t } ... on B { t } } }",
        "{ ...F s: __typename } fragment F on Query { s }",
    ],
)
def test_invalid_document_is_not_accepted(text: str) -> None:
    assert validate(SCHEMA, parse(text), RULES) != []
    assert not CHECK.accepts(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(get_introspection_query(), id="introspection"),
        pytest.param("{ __type(name: \"A\") { name } }", id="a type"),
        pytest.param("subscription { s }", id="subscription"),
        pytest.param("query @other { s @other }", id="another directive"),
        pytest.param("{ free(f: {a: 1, b: [1]}) { s } }", id="object for a scalar"),
        pytest.param("query ($v: Int) { free(f: [$v]) { s } }", id="variable inside a scalar"),
    ],
)  # fmt: skip
def test_rare_document_is_left_to_graphql_core(text: str) -> None:
    assert validate(SCHEMA, parse(text), RULES) == []
    assert not CHECK.accepts(parse(text))


def chain(number: int, body: str) -> str:
    """A document with this many fragments, of which each spreads the next one."""
    texts = [f"fragment F{each} on Query {{ {body} ...F{each + 1} }}" for each in range(number)]
    return " ".join(["{ ...F0 }", *texts, f"fragment F{number} on Query {{ s }}"])


def test_document_with_too_many_levels_is_not_accepted() -> None:
    text = chain(210, "")
    assert [error.message for error in validate(SCHEMA, parse(text), RULES)] == ["Validation aborted."]
    assert not CHECK.accepts(parse(text))


def test_document_whose_fragments_take_too_much_work_is_not_accepted() -> None:
    operations = " ".join(f"query Q{each}($x: Int!) {{ ...F }}" for each in range(51))
    text = operations + f" fragment F on Query {{ a(o: {{p: 1, q: [{'$x ' * 1000}]}}) {{ s }} }}"
    assert [error.message for error in validate(SCHEMA, parse(text), RULES)] == ["Validation aborted."]
    assert not CHECK.accepts(parse(text))


def test_document_with_more_fields_than_are_compared_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlapping_fields, "MAX_FIELDS", 100)
    monkeypatch.setattr("schema.validation.quick_check.MAX_FIELDS", 100)
    for number in (20, 33, 34, 50, 101):
        document = parse(f"{{ {' '.join(f's{each}: s' for each in range(number))} }}")
        assert CHECK.accepts(document) is (validate(SCHEMA, document, RULES) == [])


def names_of(schema: GraphQLSchema) -> list[str]:
    """The names of types, fields and arguments."""
    names = set(schema.type_map)
    for type_ in schema.type_map.values():
        for name, each in getattr(type_, "fields", {}).items():
            names |= {name, *getattr(each, "args", {})}
    return sorted(names)


def compare(check: QuickCheck, text: str, seen: Counter[str]) -> None:
    """Checks one document in both ways."""
    document = parse(text)
    is_accepted, errors = check.accepts(document), validate(check.schema, document, RULES, max_errors=1)
    assert not (is_accepted and errors), (text, errors)
    seen["accepted" if is_accepted else "invalid" if errors else "valid, not accepted"] += 1


def check_random_documents(rounds: int, documents: int) -> tuple[Counter[str], Counter[str]]:
    """Compares documents for the published schema and for random ones, and each with changes. Returns what the
    documents without changes were, and those with changes."""
    valid, changed = Counter[str](), Counter[str]()

    @settings(
        max_examples=rounds,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**63))
    def compare_some(seed: int) -> None:
        random = Random(seed)
        check = QuickCheck(random.choice([built().schema, generate_schema(random).schema]))
        names = names_of(check.schema)
        for _ in range(documents):
            text = DocumentGenerator(random, check.schema).document()
            compare(check, text, valid)
            for _ in range(4):
                compare(check, mutate(random, text, names), changed)

    compare_some()
    return valid, changed


def test_random_documents_are_accepted_only_if_they_are_valid() -> None:
    valid, changed = check_random_documents(12, 5)
    assert valid["accepted"] > 40
    assert changed["accepted"] > 20
    assert changed["invalid"] > 120


@pytest.mark.slow
def test_12000_random_documents_are_accepted_only_if_they_are_valid() -> None:
    valid, changed = check_random_documents(200, 12)
    assert valid["accepted"] >= max(1800, 20 * valid["valid, not accepted"])
    assert changed["accepted"] >= 1000
    assert changed["invalid"] >= 6000
