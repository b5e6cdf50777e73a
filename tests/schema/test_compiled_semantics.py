"""Compiled operations, class by class: each example is executed by graphql-core too, and the results must be equal."""

from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, GraphQLSchema, Undefined, build_schema, parse
from graphql.execution.values import VariableValues

from tests.support.executions import compiled, run_both

SDL = """
scalar Even
scalar Fresh
enum Colour { RED BLUE }
input Point { x: Int! label: String = "none" }
interface Named { name: String }
union Pet = Cat | Dog
type Cat implements Named { name: String lives: Int! friend: Pet friends: [Pet!] }
type Dog implements Named { name: String barks: Boolean colour: Colour even: Even }
type Query {
  cat: Cat named: Named pet: Pet pets: [Pet] strict: [Cat!]! grid: [[Int!]]
  text: String must: String! other: String
  echo(a: Int = 5, b: String, point: Point, list: [Int], colour: Colour = RED, fresh: Fresh): String
  required(id: ID!): String withDefault(n: Int! = 3): String
}
type Mutation { first: Cat second: Cat! third: String }
"""
CAT = {"__typename": "Cat", "name": "Tom", "lives": 9}
DOG = {"__typename": "Dog", "name": "Rex", "barks": True, "colour": "RED", "even": 2}


def even(value: Any) -> Any:
    if value % 2:
        raise ValueError("odd")
    return {0: None, 4: Undefined}.get(value, value)


def named(schema: GraphQLSchema, name: str) -> Any:
    """Returns a type of the schema, of whatever kind it is."""
    return schema.type_map[name]


@pytest.fixture
def schema() -> GraphQLSchema:
    made = build_schema(SDL)
    named(made, "Even").coerce_output_value = even
    named(made, "Fresh").coerce_input_literal = lambda node: [node.value]
    assert made.query_type is not None
    for name in ("echo", "required", "withDefault"):
        made.query_type.fields[name].resolve = lambda _, __, **arguments: repr(arguments)
    return made


def raising(error: Exception) -> Any:
    def resolve(_: Any) -> Any:
        raise error

    return resolve


def only_error(result: ExecutionResult) -> GraphQLError:
    assert result.errors is not None
    (error,) = result.errors
    return error


def test_keys_are_in_the_order_of_the_document(schema: GraphQLSchema) -> None:
    document = "{ other ...F text again: other } fragment F on Query { must text other }"
    result = run_both(schema, document, root={"text": "t", "must": "m", "other": "o"})
    assert list(result.data or {}) == ["other", "must", "text", "again"]


def test_selections_of_one_key_are_merged(schema: GraphQLSchema) -> None:
    document = "{ cat { name } ...F cat { again: name } } fragment F on Query { cat { lives } }"
    assert run_both(schema, document, root={"cat": CAT}).data == {"cat": {"name": "Tom", "lives": 9, "again": "Tom"}}


def test_fragments_apply_by_the_type_of_the_object(schema: GraphQLSchema) -> None:
    document = """{ pets { __typename ... on Cat { lives } ...D ... on Named { name } ... { kind: __typename } } }
        fragment D on Dog { barks colour even }"""
    result = run_both(schema, document, root={"pets": [CAT, DOG, None]})
    assert result.data == {
        "pets": [
            {"__typename": "Cat", "lives": 9, "name": "Tom", "kind": "Cat"},
            {"__typename": "Dog", "barks": True, "colour": "RED", "even": 2, "name": "Rex", "kind": "Dog"},
            None,
        ]
    }


@pytest.mark.parametrize("kind", [None, "Query", "Named", "Nowhere", "Dog2", 5])
def test_abstract_type_that_does_not_resolve_is_an_error(schema: GraphQLSchema, kind: Any) -> None:
    named(schema, "Pet").resolve_type = lambda *_: kind
    result = run_both(schema, "{ pet { __typename } text }", root={"pet": CAT, "text": "t"})
    assert result.data == {"pet": None, "text": "t"}
    assert [error.path for error in result.errors or ()] == [["pet"]]


def test_object_of_another_type_is_an_error(schema: GraphQLSchema) -> None:
    cat = schema.type_map["Cat"]
    assert isinstance(cat, GraphQLObjectType)
    cat.is_type_of = lambda value, _: value["__typename"] == "Cat"
    result = run_both(schema, "{ cat { name } strict { name } }", root={"cat": DOG, "strict": [CAT, DOG]})
    assert [error.path for error in result.errors or ()] == [["cat"], ["strict", 1]]
    assert result.data is None


def test_null_in_a_non_null_field_removes_the_nearest_nullable_parent(schema: GraphQLSchema) -> None:
    result = run_both(schema, "{ cat { name lives } text }", root={"cat": {"name": "Tom"}, "text": "t"})
    assert result.data == {"cat": None, "text": "t"}
    error = only_error(result)
    assert error.message == "Cannot return null for non-nullable field Cat.lives."
    assert error.path == ["cat", "lives"]
    assert error.locations is not None
    assert [(each.line, each.column) for each in error.locations] == [(1, 14)]


def test_null_at_the_root_removes_the_data(schema: GraphQLSchema) -> None:
    result = run_both(schema, "{ text must other }", root={"text": raising(ValueError("first"))})
    assert result.data is None
    assert [error.path for error in result.errors or ()] == [["text"], ["must"]]


def test_errors_are_in_the_order_in_which_they_happen(schema: GraphQLSchema) -> None:
    friend = {"__typename": "Cat", "name": raising(ValueError("name")), "lives": raising(ValueError("lives"))}
    root = {"cat": {**CAT, "friend": friend}, "text": raising(KeyError("text"))}
    result = run_both(schema, "{ cat { friend { ... on Cat { name lives } } } text }", root=root)
    paths = [error.path for error in result.errors or ()]
    assert paths == [["cat", "friend", "name"], ["cat", "friend", "lives"], ["text"]]


def test_error_of_a_list_item_has_its_index(schema: GraphQLSchema) -> None:
    root = {"pets": [CAT, ValueError("item"), {"__typename": "Nothing"}], "grid": [[1, None], [2, "x"], None, [3]]}
    result = run_both(schema, "{ pets { __typename } grid }", root=root)
    assert result.data == {"pets": [{"__typename": "Cat"}, None, None], "grid": [None, None, None, [3]]}
    assert [error.path for error in result.errors or ()] == [["pets", 1], ["pets", 2], ["grid", 0, 1], ["grid", 1, 1]]


def test_error_in_a_list_of_non_null_items_removes_the_list(schema: GraphQLSchema) -> None:
    root = {"cat": {**CAT, "friends": [CAT, None]}}
    result = run_both(schema, "{ cat { friends { ... on Cat { name } } } }", root=root)
    assert result.data == {"cat": {"friends": None}}


@pytest.mark.parametrize("value", ["text", {"a": 1}, 5, b"bytes"])
def test_value_that_is_no_list_is_an_error(schema: GraphQLSchema, value: Any) -> None:
    error = only_error(run_both(schema, "{ pets { __typename } }", root={"pets": value}))
    assert error.message == "Expected Iterable, but did not find one for field 'Query.pets'."


def test_iterable_that_raises_fails_its_field(schema: GraphQLSchema) -> None:
    def items(_: Any) -> Any:
        yield CAT
        raise ValueError("no more")

    result = run_both(schema, "{ pets { __typename } text }", root={"pets": items, "text": "t"})
    assert result.data == {"pets": None, "text": "t"}


def test_iterator_is_read_to_its_end_after_an_error(schema: GraphQLSchema) -> None:
    read: list[int] = []

    def items(_: Any) -> Any:
        for number in range(3):
            read.append(number)
            yield None

    run_both(schema, "{ strict { name } }", root={"strict": items})
    assert read == [0, 1, 2, 0, 1, 2]


def test_scalar_and_enum_failures_are_field_errors(schema: GraphQLSchema) -> None:
    def pets(**values: Any) -> Any:
        return {"pets": [{**DOG, **values}]}

    document = "{ pets { ... on Dog { even colour barks } } }"
    wrong: list[dict[str, Any]] = [
        {"even": 3},
        {"even": 0},
        {"colour": "GREEN"},
        {"colour": []},
        {"barks": "yes"},
        {"even": "x"},
    ]
    for values in wrong:
        assert run_both(schema, document, root=pets(**values)).errors


@pytest.mark.parametrize("lives", [-(2**31) - 1, -(2**31), 2**31 - 1, 2**31, True, 7.0, 7.5, "7", "x", float("nan")])
def test_integers_have_32_bits(schema: GraphQLSchema, lives: Any) -> None:
    run_both(schema, "{ cat { lives } }", root={"cat": {"lives": lives}})


def test_returned_exceptions_and_undefined(schema: GraphQLSchema) -> None:
    error = GraphQLError("returned", extensions={"code": "X"})
    result = run_both(schema, "{ text other cat { name } }", root={"text": error, "other": Undefined, "cat": Undefined})
    assert result.data == {"text": None, "other": None, "cat": None}
    assert (result.errors or [])[0].extensions == {"code": "X"}


def test_located_error_keeps_its_path(schema: GraphQLSchema) -> None:
    error = only_error(run_both(schema, "{ text }", root={"text": raising(GraphQLError("old", path=["old"]))}))
    assert error.path == ["old"]


@pytest.mark.parametrize(
    ("declared", "variables", "expected"),
    [
        ("", {}, {"a": 5, "colour": "RED"}),
        ('a: null, b: "x", point: {x: 1}, list: 7, colour: BLUE', {}, None),
        ("a: $a, b: $b, list: [1, $a]", {}, None),
        ("a: $a, b: $b, list: [1, $a]", {"a": 2, "b": None}, None),
        ("point: {x: 1, label: $b}", {"b": "y"}, {"a": 5, "point": {"x": 1, "label": "y"}, "colour": "RED"}),
    ],
)
def test_arguments(schema: GraphQLSchema, declared: str, variables: dict[str, Any], expected: Any) -> None:
    field = f"echo({declared})" if declared else "echo"
    head = "query ($a: Int, $b: String)" if "$" in declared else ""
    result = run_both(schema, f"{head} {{ {field} }}", variables)
    assert result.errors is None
    if expected is not None:
        assert (result.data or {})["echo"] == repr(expected)


def test_null_variable_for_a_non_null_argument_is_a_field_error(schema: GraphQLSchema) -> None:
    document = 'query ($id: ID = "a", $n: Int) { required(id: $id) withDefault(n: $n) }'
    assert run_both(schema, document).data == {"required": "{'id': 'a'}", "withDefault": "{'n': 3}"}
    result = run_both(schema, document, {"id": None, "n": None})
    assert [error.path for error in result.errors or ()] == [["required"], ["withDefault"]]


def test_input_objects_and_custom_scalars_are_new_in_each_execution(schema: GraphQLSchema) -> None:
    seen: list[Any] = []
    assert schema.query_type is not None
    schema.query_type.fields["echo"].resolve = lambda _, __, **arguments: seen.extend(
        arguments[name] for name in ("point", "list", "fresh")
    )
    operation = compiled(schema, parse('{ echo(point: {x: 1}, list: [1], fresh: "x") }'))
    for _ in range(2):
        operation.execute(VariableValues({}, {}), None)
    assert len({id(each) for each in seen}) == 6


@pytest.mark.parametrize("value", [True, False])
def test_conditions(schema: GraphQLSchema, value: bool) -> None:
    document = """query ($x: Boolean!, $y: Boolean = true) {
        text @include(if: $x) other @skip(if: $x) must ...F @include(if: $y)
        ... @include(if: $x) { cat { name @skip(if: $x) lives } }
        never: text @include(if: false) always: text @skip(if: false)
    } fragment F on Query { must @include(if: $x) cat { name } }"""
    root = {"text": "t", "other": "o", "must": "m", "cat": {**CAT, "lives": None}}
    for variables in ({"x": value}, {"x": value, "y": False}):
        if value or "y" in variables:
            run_both(schema, document.replace("cat { name }", "again: cat { name }"), variables, root=root)


def test_nodes_of_an_error_are_those_that_are_included(schema: GraphQLSchema) -> None:
    document = "query ($x: Boolean!) { text text @include(if: $x) }"
    for value in (True, False):
        error = only_error(run_both(schema, document, {"x": value}, root={"text": ValueError("t")}))
        assert len(error.nodes or ()) == 1 + value


def test_mutations_run_one_after_the_other(schema: GraphQLSchema) -> None:
    calls: list[str] = []

    def resolver(name: str, value: Any) -> Any:
        def resolve(_: Any) -> Any:
            calls.append(name)
            return value

        return resolve

    root = {"first": resolver("first", CAT), "second": resolver("second", None), "third": resolver("third", "x")}
    result = run_both(schema, "mutation { first { name } second { name } third }", root=root)
    assert result.data is None
    assert calls == ["first", "second"] * 2


def test_info_has_the_same_content(schema: GraphQLSchema) -> None:
    seen: list[Any] = []

    def resolve(source: Any, info: Any) -> Any:
        content = info._asdict()
        assert len(content.pop("async_helpers")) == 2
        seen.append({**content, "field_nodes": list(map(id, content["field_nodes"]))})
        return source["name"]

    named(schema, "Cat").fields["name"].resolve = resolve
    document = """query Q($x: Boolean = true, $n: Int = 4) { strict { ...F name @include(if: $x) } withDefault(n: $n) }
        fragment F on Cat { name }"""
    run_both(schema, document, {"n": 7}, context="the context", root={"strict": [CAT, CAT]})
    assert len(seen) == 4
    for expected, actual in zip(seen[:2], seen[2:], strict=True):
        assert {name: id(each) for name, each in expected.items() if name in {"schema", "operation", "context"}} == {
            name: id(each) for name, each in actual.items() if name in {"schema", "operation", "context"}
        }
        assert actual == expected
        assert actual["path"].as_list()[::2] == ["strict", "name"]
