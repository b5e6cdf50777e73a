"""No secret that a request or a response has is in the table of the request log."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.kit.crypto import digest
from gateway.settings import Settings
from schema.redaction.marks import SECRETS
from tests.support.clock import MovableClock
from tests.support.graphql_webhooks import CREATE, ROTATE
from tests.support.logged_world import VIEWER, LoggedWorld

GRANT = """mutation G($persona: String!) { sandboxConsentGrant(persona: $persona, scopes: ["score:exact"]) {
  consent { id } secret: accessToken userErrors { code } } }"""
PERSONA = """mutation P($input: SandboxPersonaCreateInput!) { sandboxPersonaCreate(input: $input) {
  persona { handle } password userErrors { code } } }"""
URL = "https://shop.example/hooks/its-own-secret"

Call = Callable[[LoggedWorld], tuple[Any, str]]
"""Sends a mutation. Returns the payload and the name of its secret."""

CALLS: dict[str, Call] = {
    "SandboxConsentGrantPayload.accessToken": lambda world: (payload(world, GRANT, persona="good"), "secret"),
    "SandboxPersonaCreatePayload.password": lambda world: (
        payload(world, PERSONA, input={"handle": "own", "tier": "GOOD"}),
        "password",
    ),
    "WebhookEndpointCreatePayload.signingSecret": lambda world: (create(world), "signingSecret"),
    "WebhookSecretRotatePayload.signingSecret": lambda world: (
        payload(world, ROTATE, id=create(world)["webhookEndpoint"]["id"]),
        "signingSecret",
    ),
}
"""By the field of the schema that is the secret."""


def payload(world: LoggedWorld, document: str, **variables: Any) -> Any:
    (result,) = world.post(document, variables).json()["data"].values()
    assert result["userErrors"] == []
    return result


def create(world: LoggedWorld) -> Any:
    return payload(world, CREATE, input={"url": URL, "topics": ["TEST"]})


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[LoggedWorld]:
    with closing(LoggedWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened


def test_each_secret_of_the_schema_is_returned_by_a_call_below() -> None:
    assert CALLS.keys() == SECRETS


@pytest.mark.parametrize("field", sorted(CALLS))
def test_secret_in_a_response_is_not_in_the_table(world: LoggedWorld, field: str) -> None:
    result, name = CALLS[field](world)
    secret = result[name]
    assert len(secret) >= 12
    *_, entry = world.flush()
    assert json.loads(entry.response)["data"].popitem()[1] == {**masked(result), name: "[redacted]"}
    for hidden in (secret, secret.rpartition("_")[2], world.token, "its-own-secret"):
        assert hidden not in world.log_text()


def masked(result: Any) -> Any:
    """A payload without the address of its endpoint."""
    endpoint = result.get("webhookEndpoint")
    return result if endpoint is None else {**result, "webhookEndpoint": {**endpoint, "url": "[redacted]"}}


def test_token_of_a_request_is_not_in_the_table(world: LoggedWorld) -> None:
    document = f'query Q($id: ID!) {{ node(id: "{world.user_token}") {{ id }} other: node(id: $id) {{ id }} }}'
    world.post(document, {"id": world.token}, operationName="Q", extensions={"token": world.token})
    world.send(
        json.dumps({"query": VIEWER}).encode(), **{"DPoP": "eyJhbGciOiJFUzI1NiJ9.e30.x", "X-Request-ID": world.token}
    )
    assert len(world.flush()) == 2
    for hidden in (world.token, world.user_token, "eyJ", digest(world.token), digest(world.user_token)):
        assert hidden not in world.log_text()
