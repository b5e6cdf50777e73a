"""Which operations a new schema breaks."""

import pytest
from graphql import build_schema, introspection_from_schema

from gateway.domain.errors import InvalidInput
from gateway.kit import json
from schema.upgrade_check import Finding, OperationText, Report, check_operations, read_schema

OLD = """
type Query { order(id: ID!, state: State): Order find(filter: Filter): [Order!]! anything: Any }
type Order { id: ID! name: String! total: Float state: State! lines: [Line!]! }
type Line { id: ID! count: Int }
enum State { OPEN PAID }
input Filter { text: String state: State inner: Inner }
input Inner { text: String }
union Any = Order | Line
"""
ORDER = "query Find($id: ID!) {\n  order(id: $id) {\n    id name\n    total\n  }\n}\n"
FILTERED = "query List($filter: Filter) {\n  find(filter: $filter) { id }\n}\n"


def check(text: str, *changes: tuple[str, str], knows_old: bool = True) -> Report:
    """Checks a text against the old schema with these parts replaced."""
    new = OLD
    for before, after in changes:
        assert before in new
        new = new.replace(before, after, 1)
    old = build_schema(OLD) if knows_old else None
    return check_operations([OperationText("a.graphql", text)], build_schema(new), old)


def lines(report: Report) -> list[tuple[int, str | None]]:
    return [(each.line, each.operation) for each in report.breaks]


def test_unchanged_schema_breaks_nothing() -> None:
    assert check(ORDER + FILTERED) == Report(2, [], [])


@pytest.mark.parametrize("knows_old", [True, False])
@pytest.mark.parametrize(
    ("text", "change", "line", "part"),
    [
        (ORDER, ("total: Float", ""), 4, "Cannot query field 'total'"),
        (ORDER, ("order(id: ID!", "order(key: Int!, id: Int!"), 2, "key"),
        (ORDER, ("order(id: ID!", "order(id: Int!"), 1, "$id"),
        ("{\n  order(id: 1, state: PAID) { id }\n}", (", state: State", ""), 2, "Unknown argument 'state'"),
        ("{\n  order(id: 1, state: PAID) { id }\n}", ("OPEN PAID", "OPEN"), 2, "'PAID'"),
        ("{\n  find(filter: {text: 1}) { id }\n}", ("input Filter { text: String", "input Filter { a: Int!"), 2, "'a'"),
        ("{\n  anything { ... on Line { id } }\n}", ("Order | Line", "Order"), 2, "can never be"),
    ],
)
def test_removed_and_required_parts_break(
    text: str, change: tuple[str, str], line: int, part: str, knows_old: bool
) -> None:
    report = check(text, change, knows_old=knows_old)
    assert line in {each.line for each in report.breaks}
    assert any(part in each.message.replace('"', "'") for each in report.breaks)


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (ORDER, ("name: String!", "name: String"), (3, "Field Order.name changed type from String! to String.")),
        (ORDER, ("total: Float", "total: Int"), (4, "Field Order.total changed type from Float to Int.")),
        (
            "{\n  find { state }\n}",
            ("enum State { OPEN PAID }", "scalar State"),
            (2, "State changed from an Enum type to a Scalar type."),
        ),
        (
            FILTERED,
            ("input Inner { text: String", "input Inner { other: String"),
            (1, "Field Inner.text was removed. The variable $filter may have it."),
        ),
        (
            FILTERED,
            ("input Inner {", "input Inner { must: Int!"),
            (1, "A required field Inner.must was added. The variable $filter may have it."),
        ),
        (
            FILTERED,
            ("OPEN PAID", "OPEN"),
            (1, "Enum value State.PAID was removed. The variable $filter may have it."),
        ),
    ],
)
def test_changes_that_validation_does_not_notice_break(
    text: str, change: tuple[str, str], expected: tuple[int, str]
) -> None:
    report = check(text, change)
    assert [(each.line, each.message) for each in report.breaks] == [expected]


@pytest.mark.parametrize(
    "change",
    [
        ("name: String!", "name: String! more: Int"),
        ("total: Float", "total: Float!"),
        ("find(filter: Filter)", "find(filter: Filter, other: Int)"),
        ("count: Int", "count: String"),
        ("OPEN PAID", "OPEN PAID LATE"),
    ],
)
def test_additions_and_what_no_operation_uses_break_nothing(change: tuple[str, str]) -> None:
    assert check(ORDER + FILTERED, change).breaks == []


def test_value_removed_from_an_enum_of_responses_breaks_nothing() -> None:
    assert check("{ find { state } }", ("OPEN PAID", "OPEN")).breaks == []


def test_deprecated_use_is_a_warning() -> None:
    report = check(ORDER, ("total: Float", 'total: Float @deprecated(reason: "Use sum.")'))
    assert report.breaks == []
    assert report.warnings == [Finding("a.graphql", 4, 5, "Find", "The field Order.total is deprecated. Use sum.")]


def test_deprecated_use_is_a_warning_beside_what_breaks() -> None:
    report = check(
        ORDER, ("total: Float", 'total: Float @deprecated(reason: "Use sum.")'), ("type Order { id", "type Order { key")
    )
    assert [each.line for each in report.breaks] == [3]
    assert report.warnings == [Finding("a.graphql", 4, 5, "Find", "The field Order.total is deprecated. Use sum.")]


def test_what_was_not_valid_before_is_a_warning() -> None:
    text = "query Odd {\n  nothing\n}"
    report = check(text, ("count: Int", "count: String"))
    assert report.breaks == []
    (warning,) = report.warnings
    assert (warning.line, warning.operation) == (2, "Odd")
    assert warning.message.startswith("Not valid with the present schema either: Cannot query field")
    assert len(check(text, knows_old=False).breaks) == 1


def test_fragments_of_other_files_are_found_and_named() -> None:
    texts = [
        OperationText("a.graphql", "query A { find { ...Parts } }"),
        OperationText("b.graphql", "query B { find { ...Parts } }"),
        OperationText("parts.graphql", "fragment Parts on Order {\n  lines { ...Line }\n  name\n}"),
        OperationText("line.graphql", "fragment Line on Line {\n  count\n}"),
    ]
    new = build_schema(OLD.replace("count: Int", "").replace("name: String!", ""))
    report = check_operations(texts, new, build_schema(OLD))
    assert report.operations == 2
    assert [(each.source, each.line, each.operation) for each in report.breaks] == [
        ("line.graphql", 2, None),
        ("parts.graphql", 3, None),
    ]


def test_text_that_cannot_be_parsed_is_an_error_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"^a\.graphql:2: Syntax Error"):
        check("{\n  find {")


def test_schema_is_read_from_sdl_and_from_introspection() -> None:
    introspection = introspection_from_schema(build_schema(OLD))
    for content in (OLD, json.encode_text(introspection), json.encode_text({"data": introspection})):
        assert "Order" in read_schema(content).type_map


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "{}", "[]", '{"data": null}', '{"data": {"__schema": {}}}', "query { a }"),
        *("type Query { a: Nothing }", "type A { a: Int }\ntype A { a: Int }"),
    ],
)
def test_other_content_is_no_schema(content: str) -> None:
    with pytest.raises(InvalidInput):
        read_schema(content)
