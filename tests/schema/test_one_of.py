"""oneOf inputs: exactly one member that is not null, also by variables."""

from typing import Any

import pytest

from merchants.registry import discover
from tests.support.graphql_world import GraphQLWorld

MEMBERS = [(adapter.member, adapter.ask_type_name) for adapter in discover().values()]
LOOKUP = "{ decision(by: {id: $i}) { id } }"
PREVIEW = "decisionPreview(input: {ask: {bikeRide: $i}}) { eligible }"
REQUEST = 'decisionRequest(input: {idempotencyKey: "k", merchantReference: "r", ask: {bikeRide: $i}}) { replayed }'


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(f"query ($i: ID) {LOOKUP}", id="E12-argument"),
        pytest.param(f'query ($i: ID = "dec_1") {LOOKUP}', id="E12-variable-with-a-default"),
        pytest.param("query ($i: String) { decision(by: {merchantReference: $i}) { id } }", id="E12-other-member"),
        pytest.param(f"query ($i: ID) {{ ...F }} fragment F on Query {LOOKUP}", id="E12-in-a-fragment"),
        pytest.param(f"query ($i: BikeRideAsk) {{ {PREVIEW} }}", id="E12-nested-input"),
        pytest.param(f"mutation ($i: BikeRideAsk) {{ {REQUEST} }}", id="E12-mutation"),
    ],
)
@pytest.mark.parametrize("variables", [{}, {"i": None}])
def test_nullable_variable_is_refused(world: GraphQLWorld, document: str, variables: dict[str, Any]) -> None:
    executed = world.run(document, variables)
    assert not executed.ran
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "must be non-nullable" in error["message"]


@pytest.mark.parametrize(("member", "type_"), [pytest.param(*each, id=f"E12-{each[0]}") for each in MEMBERS])
def test_nullable_variable_is_refused_for_each_member_of_an_ask(world: GraphQLWorld, member: str, type_: str) -> None:
    document = f"query ($ask: {type_}) {{ decisionPreview(input: {{ask: {{{member}: $ask}}}}) {{ eligible }} }}"
    messages = [error["message"] for error in world.run(document).body["errors"]]
    assert any("must be non-nullable" in message for message in messages), messages


def test_e12_non_null_variable_is_accepted(world: GraphQLWorld) -> None:
    assert world.data(f"query ($i: ID!) {LOOKUP}", {"i": "dec_1"}) == {"decision": None}


def test_e12_variable_for_the_whole_input_is_checked_when_it_is_coerced(world: GraphQLWorld) -> None:
    document = "query ($by: DecisionLookup!) { decision(by: $by) { id } }"
    assert world.data(document, {"by": {"id": "dec_1"}}) == {"decision": None}
    for wrong in ({}, {"id": None}, {"id": "dec_1", "merchantReference": None}, {"id": "a", "merchantReference": "b"}):
        (error,) = world.run(document, {"by": wrong}).body["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
