"""The operations of docs/webhooks.md are executed, and do what the page says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.domain.events import Topic
from tests.support.checkout import ROOT
from tests.support.graphql_webhooks import MANAGE, URL, GraphQLHooks
from tests.support.graphql_world import GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.webhook_world import Receiver, status

TEXT = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
OPERATIONS = {
    re.findall(r"\w+", text)[1]: text for text in re.findall(r"^```graphql\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
}
SCOPES = (MANAGE, "decisions:read", "consents:read", "disputes:write")


@pytest.fixture
def refusing() -> Iterator[Receiver]:
    with Receiver(lambda _: status(410)) as receiver:
        yield receiver


def run(world: GraphQLWorld, name: str, **variables: Any) -> Any:
    """Executes an operation of the page with a token that has all its scopes. There must be no errors."""
    (field,) = world.data(OPERATIONS[name], variables, by=world.merchant(*SCOPES)).values()
    assert field.get("userErrors", []) == []
    return field


def activate(world: GraphQLWorld) -> str:
    decision = str(world.request()["decision"]["id"])
    world.data(TRANSITIONS["activate"].document, {"input": transition_input("activate", decision)}, by=world.merchant())
    return decision


def test_page_has_these_operations() -> None:
    assert set(OPERATIONS) == {"CreateEndpoint", "FailedDeliveries", "Resend", "Replay", "RotateSecret", "Events"}


def test_endpoint_is_created_and_its_secret_rotated(world: GraphQLWorld) -> None:
    created = run(world, "CreateEndpoint", url=URL)
    assert created["webhookEndpoint"]["enabled"]
    rotated = run(world, "RotateSecret", endpoint=created["webhookEndpoint"]["id"])
    assert len({created["signingSecret"], rotated["signingSecret"]}) == 2
    assert rotated["oldSecretValidUntil"] == "2026-11-24T12:00:00Z"


def test_deliveries_are_read_and_sent_again(world: GraphQLWorld, refusing: Receiver) -> None:
    hooks = GraphQLHooks(world)
    endpoint = hooks.endpoint(refusing.url(), [Topic.DECISION_APPROVED, Topic.DECISION_ACTIVATED])
    activate(world)
    hooks.settle()
    shown = run(world, "FailedDeliveries", endpoint=endpoint)
    assert (shown["enabled"], shown["disabledReason"], shown["deliveries"]["nodes"]) == (False, "GONE", [])
    world.container.webhooks.update(world.merchant_id, endpoint, enabled=True)
    delivery = run(world, "Resend", delivery=hooks.deliveries(endpoint)[0].id)["delivery"]
    assert delivery["status"] == "PENDING"
    assert run(world, "Replay", endpoint=endpoint, since="2026-11-23T12:00:00Z") == {
        "events": 2,
        "nextSince": None,
        "userErrors": [],
    }


def test_events_are_polled(world: GraphQLWorld) -> None:
    decision = activate(world)
    GraphQLHooks(world).worker.step()
    page = run(world, "Events")["events"]
    assert [each["decision"]["id"] for each in page["nodes"]] == [decision] * 2
    assert run(world, "Events", after=page["pageInfo"]["endCursor"])["events"]["nodes"] == []
