"""A newcomer runs the tab Request of GraphiQL until the credit limit of a persona is used up: what the decline says,
and that each way out works."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import pytest

from gateway.settings import Settings
from gateway.web.pages.partners.graphiql.operations import Operation, prepare_operations
from tests.support.merchant_client import CANCEL
from tests.support.sandbox_api import SandboxApi

CARS = "car_rental"
MOST_RUNS = 20
RESET = "mutation { sandboxReset(confirm: true) { userErrors { code } } }"


@pytest.fixture
def api(sqlite_url: str, settings: Settings) -> Iterator[SandboxApi]:
    with closing(SandboxApi(settings.model_copy(update={"database_url": sqlite_url}))) as opened:
        yield opened


def prepared(api: SandboxApi) -> dict[str, Operation]:
    """The tabs of a new load of the page."""
    adapters = [api.container.registry[CARS]]
    return {each.name: each for each in prepare_operations(adapters, datetime.now(UTC), lambda: token_hex(8))}


def request(api: SandboxApi, token: str) -> Any:
    """The decision of one run of the tab Request."""
    operation = prepared(api)["Request"]
    payload = api.data(token, operation.document, **operation.variables)
    assert payload["userErrors"] == []
    return payload["decision"]


def use_up(api: SandboxApi, token: str) -> tuple[list[Any], Any]:
    """The approvals until the credit limit is used up, and the decline after them."""
    approved: list[Any] = []
    for _ in range(MOST_RUNS):
        decision = request(api, token)
        if decision["status"] != "APPROVED":
            return approved, decision
        approved.append(decision)
    pytest.fail("The credit limit is never used up.")


def test_decline_says_that_the_credit_limit_is_used_up_and_how_it_is_freed(api: SandboxApi) -> None:
    token = api.user_token(CARS)
    approved, declined = use_up(api, token)
    assert len(approved) == 10
    (reason,) = declined["outcome"]["reasons"]
    assert reason["code"] == "EXPOSURE_LIMIT_REACHED"
    assert reason["message"] == (
        "The person's open decisions leave too little of the credit limit for the full amount. A smaller request may be"
        " approved, or a later one, when an open decision has ended."
    )


@pytest.mark.parametrize("way_out", ["cancel", "lifecycle", "other persona", "reset"])
def test_each_way_out_works(api: SandboxApi, way_out: str) -> None:
    token, merchant_token = api.user_token(CARS), api.merchant_token(CARS)
    (first, *_), _ = use_up(api, token)
    match way_out:
        case "cancel":
            command = {"decisionId": first["id"], "idempotencyKey": "cancel", "reason": None}
            assert api.data(merchant_token, CANCEL, input=command)["userErrors"] == []
        case "lifecycle":
            operation = prepared(api)["Lifecycle"]
            steps = {step: {**values, "decisionId": first["id"]} for step, values in operation.variables.items()}
            response = api.post(merchant_token, operation.document, **steps).json()
            assert [each["userErrors"] for each in response["data"].values()] == [[], []]
        case "other persona":
            token = api.user_token(CARS, "threshold")
        case _:
            assert api.data(merchant_token, RESET)["userErrors"] == []
            token = api.user_token(CARS)
    assert request(api, token)["status"] == "APPROVED"
