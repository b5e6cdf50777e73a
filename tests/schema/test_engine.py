"""Request errors, field errors, and what they contain."""

import gc
from datetime import timedelta
from typing import Any

import pytest
from graphql import get_introspection_query
from structlog.testing import capture_logs

from gateway.domain.errors import Misconfigured, RateLimitReached, Unauthenticated
from gateway.services.merchants import MerchantService
from merchants.registry import discover
from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables


@pytest.mark.parametrize(
    ("document", "variables", "operation", "code"),
    [
        ("{", None, None, "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { appName } } \x00", None, None, "GRAPHQL_PARSE_FAILED"),
        ("{ a " * 2100, None, None, "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { event { id } }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ " + " ".join(f"a{n}: viewer {{ appName }}" for n in range(300)) + " }",
            None,
            None,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ consentedUser { meetsTier(minimum: SUPER) } }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        ('{ decision(by: {id: "dec_1", merchantReference: "r"}) { id } }', None, None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ decision(by: {}) { id } }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", None, None, "BAD_REQUEST"),
        ("query A { __typename }", None, "B", "BAD_REQUEST"),
        ("fragment F on Query { __typename }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($id: ID!) { node(id: $id) { id } }", {}, None, "BAD_USER_INPUT"),
        ("query Q($id: ID!) { node(id: $id) { id } }", {"id": None}, None, "BAD_USER_INPUT"),
        ("query Q($id: ID!) { node(id: $id) { id } }", {"id": ["a", {"b": 1}]}, None, "BAD_USER_INPUT"),
        ("query Q($by: DecisionLookup!) { decision(by: $by) { id } }", {"by": {}}, None, "BAD_USER_INPUT"),
        ("query Q($by: DecisionLookup!) { decision(by: $by) { id } }", {"by": {"id": None}}, None, "BAD_USER_INPUT"),
        (
            "query Q($by: DecisionLookup!) { decision(by: $by) { id } }",
            {"by": {"id": "dec_1", "merchantReference": "r"}},
            None,
            "BAD_USER_INPUT",
        ),
        ("query Q($n: Int) { merchant { decisions(first: $n) { totalCount } } }", {"n": 2**40}, None, "BAD_USER_INPUT"),
    ],
)
def test_request_errors(
    world: GraphQLWorld, document: str, variables: dict[str, Any] | None, operation: str | None, code: str
) -> None:
    executed = world.run(document, variables, operation=operation)
    assert not executed.ran
    assert "data" not in executed.body
    assert {error["extensions"]["code"] for error in executed.body["errors"]} == {code}
    assert executed.body["extensions"] == {"requestId": "req_test_1"}
    assert "Maybe" not in str(executed.body)


@pytest.mark.parametrize(
    "changed",
    [
        {"deposit": {"amount": 3000.5, "currency": "CNY"}},
        {"deposit": {"amount": 3000, "currency": "CNY"}},
        {"deposit": {"amount": "1e3", "currency": "CNY"}},
        {"deposit": {"amount": "", "currency": "CNY"}},
        {"deposit": {"amount": "9" * 50, "currency": "CNY"}},
        {"deposit": {"amount": "٣", "currency": "CNY"}},
        {"deposit": {"amount": "1", "currency": 156}},
        {"deposit": {"amount": "1", "currency": "CNY\x00"}},
        {"deposit": None},
        {"acceptReduction": None},
        {"acceptReduction": "yes"},
        {"rental": {"start": "2026-11-24", "end": "2026-11-27T09:00:00Z"}},
        {"rental": {"start": "2026-11-24T09:00:00", "end": "2026-11-27T09:00:00Z"}},
        {"rental": {"start": 1764000000, "end": "2026-11-27T09:00:00Z"}},
        {"unknown": 1},
    ],
)
def test_values_of_the_wrong_type_are_bad_user_input(world: GraphQLWorld, changed: dict[str, Any]) -> None:
    executed = world.run(REQUEST, request_variables("k", "r", **changed))
    assert not executed.ran
    assert {error["extensions"]["code"] for error in executed.body["errors"]} == {"BAD_USER_INPUT"}


def test_floats_in_documents_are_rejected(world: GraphQLWorld) -> None:
    document = """{ decisionPreview(input: {ask: {onlineOrder: {
        amount: {amount: 1.5, currency: "CNY"}, payWithin: "P1Y"}}}) { eligible } }"""
    messages = [error["message"] for error in world.run(document).body["errors"]]
    assert any("a Decimal is a string" in message for message in messages)
    assert any("years and months" in message for message in messages)


@pytest.mark.parametrize(
    ("amount", "currency", "period"),
    [("1.5", '"CNY"', '"P7D"'), ('"1.5"', "156", '"P7D"'), ('"1.5"', '"CNY"', "7"), ('"1.5"', '"CNY"', '"-P1D"')],
)
def test_scalar_in_a_document_is_located(world: GraphQLWorld, amount: str, currency: str, period: str) -> None:
    document = f"{{ decisionPreview(input: {{ask: {{onlineOrder: {{amount: {{amount: {amount}, currency: {currency}}}, "
    document += f"payWithin: {period}}}}}}}) {{ eligible }} }}"
    wrong = next(text for text in (amount, currency, period) if text in {"1.5", "156", "7", '"-P1D"'})
    (error,) = world.run(document).body["errors"]
    (location,) = error["locations"]
    assert document[location["column"] - 1 :].startswith(wrong)


def test_errors_contain_no_suggestions(world: GraphQLWorld) -> None:
    assert "Did you mean" not in str(world.run("{ viewr { appName } }").body)
    assert "Did you mean" not in str(
        world.run("query Q($t: Tier!) { consentedUser { meetsTier(minimum: $t) } }", {"t": "GOO"}).body
    )


def test_introspection_works_and_shows_one_of(world: GraphQLWorld) -> None:
    types = world.data(get_introspection_query(input_value_deprecation=True))["__schema"]["types"]
    assert {"Decision", "Node", "DecisionAsk"} <= {type_["name"] for type_ in types}
    one_of = world.data('{ __type(name: "DecisionAsk") { isOneOf inputFields { name } } }')["__type"]
    members = list(dict.fromkeys(adapter.member for adapter in discover().values()))
    assert one_of == {"isOneOf": True, "inputFields": [{"name": member} for member in members]}
    assert {"carRental", "onlineOrder"} < set(members)


def test_null_variable_for_a_required_argument_fails_the_field(world: GraphQLWorld) -> None:
    document = 'query Q($id: ID = "dec_1") { node(id: $id) { id } viewer { appName } }'
    executed = world.run(document, {"id": None})
    assert executed.body["data"] == {"node": None, "viewer": {"appName": "Green Cars website"}}
    assert executed.body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


def test_log_entry_of_an_unexpected_error(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(MerchantService, "load_own_name", broken)
    with capture_logs() as logs:
        executed = world.run('{ named: merchant { name } node(id: "literal") { id } }')
    assert executed.ran
    assert executed.body["data"] is None
    (line,) = logs
    assert line == {
        "event": "graphql_failed",
        "log_level": "error",
        "module": "schema.errors",
        "code": "INTERNAL_SERVER_ERROR",
        "path": ["named", "name"],
        "request_id": "req_test_1",
        "exception": "RuntimeError",
    }


@pytest.mark.parametrize(
    ("raised", "extensions"),
    [
        (Unauthenticated("The token is dead."), {"code": "UNAUTHENTICATED"}),
        (RateLimitReached("TOO_MANY_INQUIRIES", "Slow down.", timedelta(seconds=90)), None),
        (Misconfigured("policy.toml: rule 3"), {"code": "INTERNAL_SERVER_ERROR", "requestId": "req_test_1"}),
    ],
)
def test_gateway_errors_in_query_fields(
    world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch, raised: Exception, extensions: dict[str, Any] | None
) -> None:
    def failing(*_: object) -> None:
        raise raised

    monkeypatch.setattr(MerchantService, "load_own_name", failing)
    (error,) = world.run("{ merchant { name } }").body["errors"]
    assert error["extensions"] == (extensions or {"code": "TOO_MANY_INQUIRIES", "retryAfter": 90})
    assert "policy.toml" not in error["message"]


def test_new_document_leaves_nothing_to_the_garbage_collector(world: GraphQLWorld) -> None:
    world.engine.executor.operations.at_first_use = False
    text = "{ consentedUser { %s: scoreTier { tier ...F } } } fragment F on ScoreTier { rank }"
    world.data(text % "first")  # what the first request of a process leaves is no matter
    gc.collect()
    gc.disable()
    try:
        world.data(text % "second")
        assert gc.collect() == 0
    finally:
        gc.enable()
