"""Webhook endpoints in the API: who may manage them, what is shown, and that secrets are shown once."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.api_version import API_VERSION
from gateway.domain.events import Topic
from gateway.services.webhooks.endpoints import MOST_ENDPOINTS
from tests.support.graphql_webhooks import (
    CREATE,
    DELETE,
    MANAGE,
    REPLAY,
    RESEND,
    ROTATE,
    UPDATE,
    URL,
    GraphQLHooks,
    deliver,
)
from tests.support.graphql_world import ISSUER, GraphQLWorld
from tests.support.units import reading
from tests.support.webhook_world import Receiver, status

NODE = "query N($id: ID!) { node(id: $id) { __typename id } }"
LIST = """query L($first: Int, $after: String) { merchant { webhookEndpoints(first: $first, after: $after) {
  nodes { id url } pageInfo { hasNextPage endCursor } } } }"""
SINCE = "2026-11-23T12:00:00Z"
JUNK_IDS = ("", "whe_", "whe_\0", "x" * 5000, "whe_test_unknown", "whd_test_unknown", "dec_test_unknown")
BY_ID: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "update": (UPDATE, {"input": {"enabled": False}}, ["id"]),
    "delete": (DELETE, {}, ["id"]),
    "rotate": (ROTATE, {}, ["endpointId"]),
    "replay": (REPLAY, {"since": SINCE}, ["endpointId"]),
    "resend": (RESEND, {}, ["deliveryId"]),
}
"""Document, other variables, and the path of the id, by mutation."""


def test_created_endpoint_is_shown_without_its_secret(world: GraphQLWorld, hooks: GraphQLHooks) -> None:
    created = hooks.create(topics=["DISPUTE_OPENED", "DECISION_APPROVED", "DECISION_APPROVED"])
    endpoint, secret = created["webhookEndpoint"], created["signingSecret"]
    assert (created["userErrors"], secret.startswith("whsec_"), len(secret)) == ([], True, 50)
    assert endpoint == {
        "id": endpoint["id"],
        "url": URL,
        "topics": ["DECISION_APPROVED", "DISPUTE_OPENED"],
        "enabled": True,
        "apiVersion": API_VERSION,
        "createdAt": "2026-11-23T12:00:00Z",
        "disabledAt": None,
        "disabledReason": None,
        "failingSince": None,
    }
    assert hooks.call(LIST)["webhookEndpoints"]["nodes"] == [{"id": endpoint["id"], "url": URL}]
    with reading(world.database) as unit:
        assert unit.webhook_endpoints.open_secrets(hooks.load(endpoint["id"]), unit.wall) == [secret]


def test_secrets_are_in_two_payloads_and_nowhere_else(
    world: GraphQLWorld, hooks: GraphQLHooks, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = [hooks.create()["signingSecret"]]
    (endpoint,) = hooks.call(LIST)["webhookEndpoints"]["nodes"]
    rotated = hooks.call(ROTATE, id=endpoint["id"])
    secrets.append(rotated["signingSecret"])
    deliver(hooks, receiver)
    shown = [hooks.call(UPDATE, id=endpoint["id"], input={"enabled": False}), hooks.call(LIST)]
    shown.append(hooks.page(endpoint["id"]))
    shown.append(world.run('{ __type(name: "WebhookEndpoint") { fields { name } } }', by=hooks.manager).body)
    shown.append(capfd.readouterr())
    assert len(set(secrets)) == 2
    assert [secret for secret in secrets if secret in repr(shown) or secret.removeprefix("whsec_") in repr(shown)] == []
    assert "ecret" not in repr(shown)


@pytest.mark.parametrize(
    "url", ["", "shop.example", "https://user@shop.example/", "https://10.0.0.1/", "\0", "https://["]
)
def test_bad_url_is_a_user_error(hooks: GraphQLHooks, url: str) -> None:
    endpoint = hooks.create()["webhookEndpoint"]["id"]
    for payload in (hooks.create(url=url), hooks.call(UPDATE, id=endpoint, input={"url": url})):
        (error,) = payload["userErrors"]
        assert (error["__typename"], error["code"], error["field"]) == (
            "InvalidInputError",
            "INVALID",
            ["input", "url"],
        )
        assert error["documentation"] == f"{ISSUER}/docs/errors/INVALID"
        assert payload["webhookEndpoint"] is payload.get("signingSecret") is None


def test_endpoint_without_topics_is_a_user_error(hooks: GraphQLHooks) -> None:
    endpoint = hooks.create()["webhookEndpoint"]["id"]
    for payload in (hooks.create(topics=[]), hooks.call(UPDATE, id=endpoint, input={"topics": []})):
        assert [error["field"] for error in payload["userErrors"]] == [["input", "topics"]]


def test_unknown_topic_is_no_input(world: GraphQLWorld, hooks: GraphQLHooks) -> None:
    executed = world.run(CREATE, {"input": {"url": URL, "topics": ["DECISION_EATEN"]}}, by=hooks.manager)
    assert [error["extensions"]["code"] for error in executed.body["errors"]] == ["BAD_USER_INPUT"]


def test_one_endpoint_too_many_is_a_user_error(hooks: GraphQLHooks) -> None:
    for _ in range(MOST_ENDPOINTS):
        assert hooks.create()["userErrors"] == []
    (error,) = hooks.create()["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", None)


def test_endpoint_is_changed_field_by_field(hooks: GraphQLHooks) -> None:
    endpoint = hooks.create()["webhookEndpoint"]
    hooks.clock.advance(minutes=1)
    other = {"url": "https://shop.example/other", "topics": ["CONSENT_REVOKED"], "enabled": False}
    disabled_at = "2026-11-23T12:01:00Z"
    for name, value in other.items():
        changed = hooks.call(UPDATE, id=endpoint["id"], input={**dict.fromkeys(other), name: value})["webhookEndpoint"]
        at = {"disabledAt": disabled_at} if name == "enabled" else {}
        assert changed == endpoint | {name: value} | at
        endpoint = changed
    enabled = hooks.call(UPDATE, id=endpoint["id"], input={"enabled": True})["webhookEndpoint"]
    assert enabled == endpoint | {"enabled": True, "disabledAt": None}


def test_endpoint_shows_why_the_gateway_disabled_it(hooks: GraphQLHooks, receiver: Receiver) -> None:
    receiver.answer = lambda _: status(410)
    endpoint = deliver(hooks, receiver)
    shown = hooks.call(UPDATE, id=endpoint, input={})["webhookEndpoint"]
    assert (shown["enabled"], shown["disabledReason"]) == (False, "GONE")
    assert shown["disabledAt"] == shown["failingSince"] == "2026-11-23T12:00:00Z"


def test_deleted_endpoint_does_not_exist(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    assert hooks.call(DELETE, id=endpoint) == {"deletedId": endpoint, "userErrors": []}
    assert hooks.call(NODE, id=endpoint) is hooks.call(NODE, id=delivery) is None
    assert hooks.call(LIST)["webhookEndpoints"]["nodes"] == []
    assert hooks.call(DELETE, id=endpoint)["userErrors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(("overlap", "until"), [({}, 24), ({"overlap": None}, 24), ({"overlap": "PT2H"}, 2)])
def test_old_secret_is_valid_for_the_overlap(hooks: GraphQLHooks, overlap: dict[str, Any], until: int) -> None:
    created = hooks.create()
    rotated = hooks.call(ROTATE, id=created["webhookEndpoint"]["id"], **overlap)
    end = hooks.clock.now + timedelta(hours=until)
    assert rotated["oldSecretValidUntil"] == end.isoformat().replace("+00:00", "Z")
    assert rotated["webhookEndpoint"] == created["webhookEndpoint"]
    assert rotated["signingSecret"] != created["signingSecret"]


def test_overlap_that_is_too_long_is_a_user_error(hooks: GraphQLHooks) -> None:
    created = hooks.create()
    payload = hooks.call(ROTATE, id=created["webhookEndpoint"]["id"], overlap="P8D")
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [("INVALID", ["overlap"])]
    assert payload["signingSecret"] is payload["oldSecretValidUntil"] is None


def test_endpoints_are_in_pages(hooks: GraphQLHooks) -> None:
    made = [hooks.create()["webhookEndpoint"]["id"] for _ in range(3)]
    first = hooks.call(LIST, first=2)["webhookEndpoints"]
    rest = hooks.call(LIST, first=2, after=first["pageInfo"]["endCursor"])["webhookEndpoints"]
    assert [[each["id"] for each in page["nodes"]] for page in (first, rest)] == [made[:2], made[2:]]


@pytest.mark.parametrize("name", BY_ID)
def test_mutation_of_what_is_not_the_merchants_is_not_found(
    world: GraphQLWorld, hooks: GraphQLHooks, receiver: Receiver, name: str
) -> None:
    document, variables, path = BY_ID[name]
    foreign, _ = world.container.webhooks.create(world.foreign_consent.merchant_id, URL, [Topic.DECISION_APPROVED])
    before = hooks.load(foreign.id)
    for identifier in (*JUNK_IDS, foreign.id):
        payload = hooks.call(document, id=identifier, **variables)
        (error,) = payload.pop("userErrors")
        assert (error["__typename"], error["code"], error["field"]) == ("NotFoundError", "NOT_FOUND", path)
        assert set(payload.values()) == {None}
    assert hooks.load(foreign.id) == before


def test_foreign_and_unknown_objects_are_no_nodes(world: GraphQLWorld, hooks: GraphQLHooks, receiver: Receiver) -> None:
    foreign, _ = world.container.webhooks.create(world.foreign_consent.merchant_id, URL, [Topic.DECISION_APPROVED])
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    assert hooks.call(NODE, id=endpoint) == {"__typename": "WebhookEndpoint", "id": endpoint}
    assert hooks.call(NODE, id=delivery) == {"__typename": "WebhookDelivery", "id": delivery}
    assert [hooks.call(NODE, id=each) for each in (*JUNK_IDS, foreign.id)] == [None] * 8
    for own in (endpoint, delivery):
        assert world.data(NODE, {"id": own}, by=world.user()) == {"node": None}
        (error,) = world.run(NODE, {"id": own}, by=world.merchant()).body["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": [[MANAGE]]}


@pytest.mark.parametrize("name", [*BY_ID, "create", "list"])
def test_each_field_needs_the_scope(world: GraphQLWorld, hooks: GraphQLHooks, name: str) -> None:
    documents = BY_ID | {
        "create": (CREATE, {"input": {"url": URL, "topics": ["DECISION_APPROVED"]}}, []),
        "list": (LIST, {}, []),
    }
    endpoint = hooks.create()["webhookEndpoint"]["id"]
    before = hooks.load(endpoint)
    document, variables, _ = documents[name]
    given = variables | ({"id": endpoint} if name in BY_ID else {})
    for token in (world.user(), world.merchant()):
        (error,) = world.run(document, given, by=token).body["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": [[MANAGE]]}
    assert hooks.load(endpoint) == before
    assert len(hooks.call(LIST)["webhookEndpoints"]["nodes"]) == 1
