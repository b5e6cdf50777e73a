"""The needs of an operation: computed before it runs, for exactly the fields that will run."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, GraphQLObjectType, parse
from graphql.execution.values import VariableValues

import gateway.services
from gateway.domain.scope import expand
from gateway.services.query_unit import Needs
from schema.connection import MAX_SIZE
from schema.cost.pricing import Pricer
from schema.cost.weights import read_weights
from schema.documents import Documents
from schema.operations import SCORE_FIELDS, Operation, choose_operation
from tests.support.graphql_world import USER_SCOPES, built

SCHEMA = built().schema
PRICER = Pricer(SCHEMA, read_weights(built().sdl, SCHEMA), largest_page=MAX_SIZE)
ALLOWED = expand((*USER_SCOPES, "decisions:preview"))
NOTHING = Needs()
ASK = '{ask: {onlineOrder: {amount: {amount: "1.00", currency: "CNY"}, payWithin: "P7D"}}}'


def operation(text: str, name: str | None = None) -> Operation:
    chosen = choose_operation(SCHEMA, Documents(SCHEMA).prepare(text).node, name)
    assert isinstance(chosen, Operation), chosen
    return chosen


def needs(text: str, allowed: frozenset[str] = ALLOWED, name: str | None = None, **variables: Any) -> Needs:
    document, chosen = parse(text), operation(text, name)
    values = chosen.coerce_variables(variables)
    assert isinstance(values, VariableValues), values
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    return chosen.needs(PRICER.price(chosen.node, fragments, values.coerced).names, allowed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ viewer { appName } }", NOTHING),
        ("{ __typename __schema { types { name } } }", NOTHING),
        ("{ consentedUser { id } }", NOTHING),
        ("{ consentedUser { scoreTier { tier } } }", Needs(score=True)),
        ("{ consentedUser { score } }", Needs(score=True)),
        ("{ consentedUser { meetsTier(minimum: GOOD) } }", Needs(score=True)),
        (f"{{ decisionPreview(input: {ASK}) {{ eligible }} }}", Needs(score=True)),
        # Aliases, and one response key that is written more than once.
        ("{ consentedUser { a: meetsTier(minimum: GOOD) b: meetsTier(minimum: GOOD) } }", Needs(True)),
        ("{ consentedUser { meetsTier(minimum: GOOD) meetsTier(minimum: GOOD) } }", Needs(True)),
        ("{ consentedUser { meetsTier(minimum: GOOD) } consentedUser { meetsTier(minimum: GOOD) } }", Needs(True)),
        (
            "{ a: consentedUser { meetsTier(minimum: GOOD) } b: consentedUser { meetsTier(minimum: GOOD) } }",
            Needs(True),
        ),
        ("{ consentedUser { scoreTier: id } }", NOTHING),
        ("{ consentedUser { id: scoreTier { tier } } }", Needs(score=True)),
        # Fragments.
        ("{ consentedUser { ... { scoreTier { tier } } } }", Needs(score=True)),
        ("{ consentedUser { ... on ConsentedUser { scoreTier { tier } } } }", Needs(score=True)),
        (
            "{ consentedUser { ...F } } fragment F on ConsentedUser { ...G } fragment G on ConsentedUser { score }",
            Needs(True),
        ),
        (
            "{ consentedUser { ...F ...F ... { ...F } } } fragment F on ConsentedUser { meetsTier(minimum: GOOD) }",
            Needs(True),
        ),
        ("{ ...F } fragment F on Query { consentedUser { score } viewer { appName } }", Needs(score=True)),
        # In interfaces and lists.
        ('{ node(id: "x") { id ... on ConsentedUser { score } } }', Needs(score=True)),
        ('{ node(id: "x") { ...F } } fragment F on Node { id ... on ConsentedUser { score } }', Needs(score=True)),
        ('{ nodes(ids: ["x", "y"]) { ... on ConsentedUser { meetsTier(minimum: GOOD) } } }', Needs(True)),
        ('{ node(id: "x") { ... on Decision { id outcome { __typename } } } }', NOTHING),
        ("{ merchant { decisions { nodes { consent { id } timeline { nodes { topic } } } } } }", NOTHING),
        # The score of a persona is not measured.
        ("{ sandboxPersonas { score tier } }", NOTHING),
        ('{ node(id: "x") { ... on SandboxPersona { score } } }', NOTHING),
    ],
)
def test_needs(text: str, expected: Needs) -> None:
    assert needs(text) == expected


@pytest.mark.parametrize(
    ("directives", "needed"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@skip(if: false) @include(if: false)", False),
        ("@skip(if: true) @include(if: true)", False),
        ("@skip(if: false) @include(if: true)", True),
        ("@skip(if: $yes)", False),
        ("@skip(if: $no)", True),
        ("@include(if: $yes)", True),
        ("@include(if: $no)", False),
        ("@include(if: $by_default)", False),
        ("@skip(if: $by_default)", True),
    ],
)
def test_skip_and_include(directives: str, needed: bool) -> None:
    head = "query Q($yes: Boolean!, $no: Boolean!, $by_default: Boolean! = false) {"
    uses = "a: __typename @skip(if: $yes) b: __typename @skip(if: $no) c: __typename @skip(if: $by_default)"
    tail = "fragment F on ConsentedUser { score }"
    for selection in (f"score {directives}", f"... {directives} {{ score }}", f"...F {directives}"):
        text = f"{head} {uses} consentedUser {{ id {selection} }} }} {tail if '...F' in selection else ''}"
        assert needs(text, yes=True, no=False) == Needs(score=needed), selection


def test_skipped_spread_does_not_hide_the_next() -> None:
    text = "{ consentedUser { ...F @skip(if: true) ...F } } fragment F on ConsentedUser { score }"
    assert needs(text) == Needs(score=True)


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ((), NOTHING),
        (("decisions:read",), NOTHING),
        (("score:threshold",), Needs(True)),
        (("score:tier",), Needs(True)),
        (("decisions:preview",), Needs(True)),
        (("score:tier", "decisions:preview"), Needs(True)),
    ],
)
def test_field_that_the_token_may_not_read_needs_nothing(scopes: tuple[str, ...], expected: Needs) -> None:
    text = f"{{ consentedUser {{ meetsTier(minimum: GOOD) }} decisionPreview(input: {ASK}) {{ eligible }} }}"
    assert needs(text, expand(scopes)) == expected


def test_needs_are_those_of_the_chosen_operation() -> None:
    text = "query A { viewer { appName } } query B { consentedUser { score } } mutation C { __typename }"
    assert needs(text, name="A") == NOTHING
    assert needs(text, name="B") == Needs(score=True)
    assert operation(text, "C").is_mutation
    assert not operation(text, "A").is_mutation
    assert isinstance(choose_operation(SCHEMA, parse(text), None), str)
    assert isinstance(choose_operation(SCHEMA, parse(text), "D"), str)


def test_invalid_variables_return_errors() -> None:
    errors = operation("query Q($on: Boolean!) { viewer @include(if: $on) { appName } }").coerce_variables({"on": None})
    assert isinstance(errors, list)
    assert len(errors) == 1


# SCORE_FIELDS is complete: services read scores in these four methods only, and each resolver that calls one of them
# is in the list.
SCORE_READERS = {
    "ScoreService.load_measurement": ".scores.load_measurement(",
    "ScoreService.check_threshold": ".scores.check_threshold(",
    "ScoreService.load_score": ".scores.load_score(",
    "DecisionQueries.preview": ".decisions.preview(",
}


def readers(*attributes: str) -> set[str]:
    """Returns the methods of services that use one of these attributes of a QueryUnit."""
    found = set()
    for file in Path(str(gateway.services.__file__)).parent.rglob("*.py"):
        for class_ in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(class_, ast.ClassDef) and class_.name != "QueryUnit":
                for method in class_.body:
                    if isinstance(method, ast.FunctionDef) and set(attributes) & set(_attributes_of_query(method)):
                        found.add(f"{class_.name}.{method.name}")
    return found


def _attributes_of_query(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "query":
            yield node.attr


def resolvers(*, sandbox: bool) -> Iterator[tuple[str, str]]:
    """Yields name and source of each resolver that is a method."""
    for type_ in built(sandbox=sandbox).schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                definition = field.extensions.get("strawberry-definition")
                if definition is not None and definition.base_resolver is not None:
                    yield f"{type_.name}.{name}", inspect.getsource(definition.base_resolver.wrapped_func)


def test_e3_only_these_methods_of_services_read_scores_and_each_takes_an_inquiry() -> None:
    assert readers("score", "require_measurement", "take_inquiry") == SCORE_READERS.keys()
    assert readers("take_inquiry") == SCORE_READERS.keys()


@pytest.mark.parametrize("sandbox", [True, False])
def test_every_resolver_that_reads_a_score_is_listed(sandbox: bool) -> None:
    sources = dict(resolvers(sandbox=sandbox))
    assert len(sources) > 20
    callers = {name for name, source in sources.items() if any(call in source for call in SCORE_READERS.values())}
    assert callers == SCORE_FIELDS
