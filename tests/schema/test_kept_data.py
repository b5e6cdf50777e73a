"""Data of decisions that is kept for later executions: which is kept, and when it is not used."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
)

from gateway.settings import Settings
from schema.compiled.kept import MAX_DATA, Data, KeptData, reads_source
from schema.deadlines import DeadlineCheck
from schema.permissions import field_scopes
from schema.resolvers import VALUE_ATTRIBUTE, ArgumentsCaller, AttributeReader, InfoMethodCaller, MethodCaller
from tests.support.clock import MovableClock
from tests.support.executions import compiled, run_operation
from tests.support.graphql_world import GraphQLWorld, built
from tests.support.transitions import TRANSITIONS, transition_input

SCHEMA = built().schema
NODES = "id status availableTransitions outcome { __typename ... on Approval { validUntil } } settlement { overdue }"
PAGE = f"{{ merchant {{ decisions(first: 5) {{ nodes {{ {NODES} }} }} }} }}"
EDGES = f"{{ merchant {{ decisions(first: 5) {{ edges {{ cursor node {{ {NODES} }} }} }} }} }}"


@pytest.fixture
def compiling(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that compiles operations, also if those of other tests do not."""
    changed = {"database_url": sqlite_url, "query_compilation": True}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as made:
        yield made


def nodes(world: GraphQLWorld, document: str = PAGE, **arguments: Any) -> Any:
    decisions = world.data(document, by=world.merchant(), **arguments)["merchant"]["decisions"]
    return decisions["nodes"] if "nodes" in decisions else [edge["node"] for edge in decisions["edges"]]


@pytest.mark.parametrize("document", [PAGE, EDGES])
def test_data_of_a_decision_that_has_not_changed_is_used_again(compiling: GraphQLWorld, document: str) -> None:
    compiling.request()
    (first,) = nodes(compiling, document)
    compiling.request("key-2", "order-2")
    assert nodes(compiling, document)[1] is first


def test_changed_decision_has_new_data(world: GraphQLWorld) -> None:
    world.request()
    (before,) = nodes(world)
    activate = transition_input("activate", before["id"])
    world.data(TRANSITIONS["activate"].document, {"input": activate}, by=world.merchant())
    (after,) = nodes(world)
    assert (before["status"], after["status"]) == ("APPROVED", "ACTIVE")
    assert after["availableTransitions"] == ["EXTEND", "REDUCE", "FULFILL", "REPORT_BREACH"]


def test_data_has_the_status_of_the_moment(world: GraphQLWorld) -> None:
    world.request()
    assert nodes(world)[0]["status"] == "APPROVED"
    world.clock.advance(days=30)
    assert nodes(world)[0]["status"] == "EXPIRED"
    assert nodes(world)[0]["availableTransitions"] == []
    world.clock.advance(days=-30)
    assert nodes(world)[0]["status"] == "APPROVED"


def fields_of(type_: Any, seen: set[str]) -> Iterator[tuple[str, Any]]:
    """Yields the fields whose data is kept with a value: those of its type, and of all types below them."""
    for each in SCHEMA.get_possible_types(type_) if is_abstract_type(type_) else [type_]:
        if each.name not in seen:
            seen.add(each.name)
            for name, field in each.fields.items():
                if reads_source(field):
                    yield f"{each.name}.{name}", field
                    if is_composite_type(get_named_type(field.type)):
                        yield from fields_of(get_named_type(field.type), seen)


def method_of(field: Any) -> Any:
    resolve = field.resolve.resolve if isinstance(field.resolve, DeadlineCheck) else field.resolve
    return resolve.method if isinstance(resolve, MethodCaller | ArgumentsCaller) else None


KEPT_FIELDS = dict(fields_of(SCHEMA.type_map["Decision"], set()))


def test_only_decisions_are_made_of_a_value() -> None:
    assert [name for name, type_ in SCHEMA.type_map.items() if VALUE_ATTRIBUTE in type_.extensions] == ["Decision"]
    assert {"Decision.status", "Settlement.overdue", "Approval.terms", "DepositTerms.returnBy"} <= KEPT_FIELDS.keys()
    assert {"Decline.noticeText", "Reason.message"} <= KEPT_FIELDS.keys()
    assert {"Decision.receipt", "Decision.disputes", "Decision.provenance"}.isdisjoint(KEPT_FIELDS)


@pytest.mark.parametrize("name", KEPT_FIELDS)
def test_kept_field_needs_no_scope_and_reads_nothing_but_its_object(name: str) -> None:
    field = KEPT_FIELDS[name]
    assert field_scopes(field) is None
    method = method_of(field)
    if method is not None:
        assert {"info", "now", "time", "wall_clock", "context", "container", "principal"}.isdisjoint(
            method.__code__.co_names + method.__code__.co_varnames
        )


def test_scopes_are_checked_before_data_is_used(world: GraphQLWorld) -> None:
    world.request()
    nodes(world)
    executed = world.run(PAGE, by=world.merchant("consents:read"))
    assert executed.body["data"] == {"merchant": {"decisions": None}}
    assert executed.body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@dataclass(frozen=True)
class Item:
    """An object that is made of `value`."""

    value: Any
    failures: list[Exception]

    def text(self) -> Any:
        if self.failures:
            raise self.failures.pop()
        return str(self.value)


def schema_of(items: list[Any]) -> GraphQLSchema:
    count = {"info": 0}

    def with_info(source: Item, info: Any) -> str:
        count["info"] += 1
        return f"{source.value} {count['info']}"

    item = GraphQLObjectType(
        "Item",
        {
            "text": GraphQLField(GraphQLString, resolve=MethodCaller(Item.text)),
            "value": GraphQLField(GraphQLNonNull(GraphQLString), resolve=AttributeReader("value")),
            "counted": GraphQLField(GraphQLString, resolve=InfoMethodCaller(with_info, lambda info: info)),
            "withArgument": GraphQLField(
                GraphQLString, {"n": GraphQLArgument(GraphQLInt)}, lambda source, info, n=0: f"{source.value} {n}"
            ),
            "added": GraphQLField(
                GraphQLString,
                {"list": GraphQLArgument(GraphQLList(GraphQLInt))},
                ArgumentsCaller(
                    lambda source, numbers=(): f"{source.value} {numbers}", None, {"list": ("numbers", None)}
                ),
            ),
            "addedWithInfo": GraphQLField(
                GraphQLString,
                {"n": GraphQLArgument(GraphQLInt)},
                ArgumentsCaller(lambda source, n, info: f"{source.value} {n}", lambda info: info, {"n": ("n", None)}),
            ),
        },
        extensions={VALUE_ATTRIBUTE: "value"},
    )
    return GraphQLSchema(
        GraphQLObjectType(
            "Query",
            {
                "items": GraphQLField(GraphQLList(item), resolve=lambda *_: items),
                "one": GraphQLField(item, resolve=lambda *_: items[0]),
            },
        )
    )


def executed(items: list[Any], document: str, *variables: dict[str, Any], kept: KeptData | None = None) -> list[Any]:
    """Returns the results of one operation with each of the variables."""
    operation = compiled(schema_of(items), parse(document), kept or KeptData())
    return [run_operation(operation, each) for each in variables or ({}, {})]


def kept_items(items: list[Item], document: str, *variables: dict[str, Any], kept: KeptData | None = None) -> Any:
    """Returns the data of the first item in each result, and whether they are one object."""
    results = [result.data["items"][0] for result in executed(items, document, *variables, kept=kept)]
    return results, results[0] is results[1]


@pytest.mark.parametrize("selection", ["text again: text ...F", "added", "added(list: [1, 2])", "added(list: null)"])
def test_selection_of_fields_that_read_the_object_is_kept(selection: str) -> None:
    document = f"{{ items {{ {selection} }} }} fragment F on Item {{ value __typename }}"
    results, is_same = kept_items([Item("a", [])], document)
    assert is_same
    assert results[0] != {}


def test_constant_arguments_belong_to_the_selection() -> None:
    (result, _) = executed([Item("a", [])], "{ items { added(list: [1]) } others: items { added(list: [2]) } }")
    assert result.data == {"items": [{"added": "a [1]"}], "others": [{"added": "a [2]"}]}


@pytest.mark.parametrize(
    ("selection", "variables"),
    [
        ("counted", [{}, {}]),
        ("withArgument(n: 1)", [{}, {}]),
        ("withArgument(n: $n)", [{"n": 1}, {"n": 2}]),
        ("added(list: $n)", [{"n": 1}, {"n": 2}]),
        ("added(list: [0, $n])", [{"n": 1}, {"n": 2}]),
        ("addedWithInfo(n: 1)", [{}, {}]),
        ("text @include(if: $b)", [{"b": True}, {"b": False}]),
        ("...F @skip(if: $b)", [{"b": True}, {"b": False}]),
    ],
)
def test_selection_with_an_info_a_variable_or_a_condition_is_not_kept(
    selection: str, variables: list[dict[str, Any]]
) -> None:
    selected = f"{{ items {{ value {selection} }} }} fragment F on Item {{ text }}"
    document = f"query ($n: Int, $b: Boolean! = true) {selected}"
    results, is_same = kept_items([Item("a", [])], document, *variables)
    assert not is_same
    assert selection.endswith("(n: 1)") or results[0] != results[1]


def test_data_with_an_error_is_not_kept() -> None:
    first, second = executed([Item("a", [ValueError("only now")])], "{ items { value text } }")
    assert (first.data["items"], len(first.errors)) == ([{"value": "a", "text": None}], 1)
    assert (second.data["items"], second.errors) == ([{"value": "a", "text": "a"}], None)


def test_selections_of_one_value_are_kept_apart() -> None:
    (result, _) = executed([Item("a", [])], "{ items { value } others: items { text } }")
    assert result.data == {"items": [{"value": "a"}], "others": [{"text": "a"}]}


def test_equal_values_are_kept_apart() -> None:
    one, equal = [1], [1]
    (result, _) = executed([Item(one, []), Item(equal, [])], "{ items { text } }")
    assert result.data["items"][0] is not result.data["items"][1]


def test_object_of_a_wrong_class_has_the_errors_of_its_fields() -> None:
    (result, _) = executed(["wrong"], "{ items { value } }")
    assert result.errors[0].message == "'str' object has no attribute 'value'"
    assert result.errors[0].path == ["items", 0, "value"]


def test_object_outside_of_a_list_is_not_kept() -> None:
    first, second = executed([Item("a", [])], "{ one { value } }")
    assert first.data == second.data
    assert first.data["one"] is not second.data["one"]


def test_large_data_is_not_kept() -> None:
    assert not kept_items([Item("a" * MAX_DATA, [])], "{ items { value } }")[1]


def test_least_recently_used_data_is_dropped() -> None:
    values = [object() for _ in range(3)]
    kept = KeptData(entries=2)
    for value in values:
        kept.put(1, value, Data())
    assert [kept.get(1, value) for value in reversed(values)] == [{}, {}, None]
