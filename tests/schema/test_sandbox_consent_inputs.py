"""Requests of consents without a browser that are not valid: each is a user error, and changes nothing."""

from typing import Any

import pytest

from tests.schema.test_sandbox_consents import TIER, WAIVER, error, grant
from tests.support.graphql_world import GraphQLWorld


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"persona": "nobody"}, ("NOT_FOUND", ["persona"]), id="unknown persona"),
        pytest.param({"persona": "good\0"}, ("NOT_FOUND", ["persona"]), id="NUL in the handle"),
        pytest.param({"scopes": ["score:tier", "decisions:read"]}, ("INVALID", ["scopes", "1"]), id="merchant scope"),
        pytest.param({"scopes": ["score:exact"]}, ("INVALID", ["scopes", "0"]), id="scope of other apps"),
        pytest.param({"scopes": ["no such"]}, ("INVALID", ["scopes", "0"]), id="unknown scope"),
        pytest.param({"scopes": []}, ("INVALID", ["scopes"]), id="no scope"),
        pytest.param({"details": ""}, ("INVALID", ["authorizationDetails"]), id="empty details"),
        pytest.param({"details": "{"}, ("INVALID", ["authorizationDetails"]), id="not JSON"),
        pytest.param({"details": "[" * 9_000}, ("INVALID", ["authorizationDetails"]), id="too long"),
        pytest.param({"details": "[" * 8_000}, ("INVALID", ["authorizationDetails"]), id="too deep"),
        pytest.param({"details": []}, ("INVALID", ["authorizationDetails"]), id="no detail"),
        pytest.param(
            {"details": [TIER, {"type": "else"}]}, ("INVALID", ["authorizationDetails", "1", "type"]), id="unknown type"
        ),
        pytest.param(
            {"details": [{"type": "score", "level": "exact"}]},
            ("INVALID", ["authorizationDetails", "0"]),
            id="detail of other apps",
        ),
        pytest.param(
            {"details": [{**WAIVER, "maximum_amount": {"amount": "9999999.00", "currency": "CNY"}}]},
            ("INVALID_AMOUNT", ["authorizationDetails", "0", "maximum_amount", "amount"]),
            id="above the contract",
        ),
    ],
)
def test_invalid_request_is_a_user_error(
    variables: dict[str, Any], expected: tuple[str, list[str]], world: GraphQLWorld
) -> None:
    before = world.counts()
    assert error(grant(world, **variables)) == expected
    assert world.counts() == before


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"persona": "excellent@demo"}, "before @, such as excellent."),
        ({"scopes": ["score"]}, "Its scopes for users: score:threshold, score:tier, "),
        ({"scopes": ["decisions:read"]}, "Its scopes for users: score:threshold, score:tier, "),
    ],
)
def test_message_says_what_is_possible(variables: dict[str, Any], hint: str, world: GraphQLWorld) -> None:
    (each,) = grant(world, **variables)["userErrors"]
    assert hint in each["message"]
