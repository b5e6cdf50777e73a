"""Deliveries in the API: what was sent and answered, in pages, and what is sent again."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.events import Topic
from gateway.services.purge import WEBHOOKS_KEPT_FOR, PurgeService
from gateway.services.webhooks.queries import MOST_ATTEMPTS
from tests.support.graphql_webhooks import (
    DELIVERIES,
    MANAGE,
    REPLAY,
    RESEND,
    UPDATE,
    GraphQLHooks,
    deliver,
)
from tests.support.graphql_world import GraphQLWorld
from tests.support.statements import statements
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.webhook_world import OK, Receiver, status

NODE = "query N($id: ID!) { node(id: $id) { __typename id } }"
SINCE = "2026-11-23T12:00:00Z"


def test_delivery_shows_what_was_sent_and_answered(hooks: GraphQLHooks, receiver: Receiver) -> None:
    answers = iter([status(500), OK])
    receiver.answer = lambda _: next(answers)
    endpoint = deliver(hooks, receiver)
    pending = hooks.page(endpoint)["edges"][0]["node"]
    assert (pending["status"], pending["attemptCount"]) == ("PENDING", 1)
    assert pending["nextAttemptAt"] > "2026-11-23T12:00:00Z"
    hooks.clock.advance(seconds=7)
    hooks.settle()
    delivered = hooks.page(endpoint)["edges"][0]["node"]
    assert (delivered["status"], delivered["attemptCount"], delivered["nextAttemptAt"]) == ("DELIVERED", 2, None)
    assert delivered["event"] == {"id": receiver.events[0], "topic": "DECISION_APPROVED", "sequence": 1}
    assert delivered["requestBody"].encode() == receiver.received[0].body
    attempts = delivered["attempts"]
    assert [(each["number"], each["responseStatus"], each["error"]) for each in attempts] == [
        (1, 500, None),
        (2, 200, None),
    ]
    assert [each["startedAt"] for each in attempts] == ["2026-11-23T12:00:00Z", "2026-11-23T12:00:07Z"]
    assert all(each["durationMs"] >= 0 for each in attempts)


def test_attempt_without_a_response_has_an_error(hooks: GraphQLHooks) -> None:
    with Receiver() as gone:
        endpoint = hooks.endpoint(gone.url(), [Topic.DECISION_APPROVED])
    hooks.world.request()
    hooks.settle()
    (attempt,) = hooks.page(endpoint)["edges"][0]["node"]["attempts"]
    assert (attempt["responseStatus"], attempt["responseBody"], bool(attempt["error"])) == (None, None, True)


@pytest.mark.postgresql
def test_only_the_newest_attempts_are_shown(each_world: GraphQLWorld, receiver: Receiver) -> None:
    hooks = GraphQLHooks(each_world)
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    for _ in range(MOST_ATTEMPTS):
        hooks.call(RESEND, id=delivery)
        hooks.settle()
    shown = hooks.page(endpoint)["edges"][0]["node"]
    assert shown["attemptCount"] == MOST_ATTEMPTS + 1
    assert [each["number"] for each in shown["attempts"]] == list(range(2, MOST_ATTEMPTS + 2))


@pytest.mark.postgresql
def test_pages_of_deliveries_have_each_once(each_world: GraphQLWorld, receiver: Receiver) -> None:
    hooks = GraphQLHooks(each_world)
    endpoint = deliver(hooks, receiver, 5)
    whole = hooks.page(endpoint)["edges"]
    ids = [each["node"]["id"] for each in whole]
    assert ids == [each.id for each in hooks.deliveries(endpoint)][::-1]
    assert sorted(each["node"]["event"]["id"] for each in whole) == sorted(receiver.events)
    first = hooks.page(endpoint, first=2)
    after = hooks.page(endpoint, first=2, after=first["edges"][-1]["cursor"])
    last = hooks.page(endpoint, last=2)
    before = hooks.page(endpoint, last=2, before=last["edges"][0]["cursor"])
    pages = [[each["node"]["id"] for each in page["edges"]] for page in (first, after, last, before)]
    assert pages == [ids[:2], ids[2:4], ids[3:], ids[1:3]]
    assert (first["pageInfo"]["hasNextPage"], before["pageInfo"]["hasPreviousPage"]) == (True, True)
    between = hooks.page(endpoint, after=whole[0]["cursor"], before=whole[3]["cursor"])
    assert [each["node"]["id"] for each in between["edges"]] == ids[1:3]


@pytest.mark.postgresql
def test_only_failed_deliveries_are_filtered(each_world: GraphQLWorld, receiver: Receiver) -> None:
    hooks = GraphQLHooks(each_world)
    answers = iter([OK, *[status(500)] * 30])
    receiver.answer = lambda _: next(answers)
    endpoint = deliver(hooks, receiver, 2)
    while "PENDING" in [edge["node"]["status"] for edge in hooks.page(endpoint)["edges"]]:  # which one is not known
        hooks.clock.advance(hours=30)
        hooks.call(UPDATE, id=endpoint, input={"enabled": True})
        hooks.settle()
    (failed,) = hooks.page(endpoint, failed=True)["edges"]
    assert failed["node"]["status"] == "FAILED"
    assert len(hooks.page(endpoint, failed=None)["edges"]) == 2
    assert hooks.page(endpoint, failed=True, after=failed["cursor"])["edges"] == []
    executed = hooks.world.run(DELIVERIES, {"id": endpoint, "after": failed["cursor"]}, by=hooks.manager)
    assert executed.body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}, "a cursor of another list"


def test_cursor_of_another_endpoint_is_an_input_error(hooks: GraphQLHooks, receiver: Receiver) -> None:
    other = hooks.endpoint(receiver.url(), [Topic.DECISION_APPROVED])
    endpoint = deliver(hooks, receiver)
    cursor = hooks.page(other)["edges"][0]["cursor"]
    for bound in ("after", "before"):
        executed = hooks.world.run(DELIVERIES, {"id": endpoint, bound: cursor}, by=hooks.manager)
        (error,) = executed.body["errors"]
        assert error["message"] == f"{bound} is not a cursor of this list."
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


def test_page_of_deliveries_takes_as_many_statements_as_one(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = deliver(hooks, receiver, 6)
    counts = []
    for size in (1, 6):
        with statements(hooks.database) as sent:
            assert len(hooks.page(endpoint, first=size)["edges"]) == size
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_event_of_a_delivery_needs_the_scopes_of_its_subject(
    world: GraphQLWorld, hooks: GraphQLHooks, receiver: Receiver
) -> None:
    endpoint = deliver(hooks, receiver)
    document = """query E($id: ID!) { node(id: $id) { ... on WebhookEndpoint { deliveries { nodes {
      event { id ... on DecisionEvent { decision { id } } } } } } } }"""
    executed = world.run(document, {"id": endpoint}, by=hooks.manager)
    (node,) = executed.body["data"]["node"]["deliveries"]["nodes"]
    assert node["event"] == {"id": receiver.events[0], "decision": None}
    (error,) = executed.body["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    both = world.data(document, {"id": endpoint}, by=world.merchant(MANAGE, "decisions:read"))
    assert both["node"]["deliveries"]["nodes"][0]["event"]["decision"] is not None


def test_note_of_a_delivered_event_needs_decisions_read(
    world: GraphQLWorld, hooks: GraphQLHooks, receiver: Receiver
) -> None:
    endpoint = hooks.endpoint(receiver.url(), [Topic.DECISION_CANCELLED])
    decision = str(world.request()["decision"]["id"])
    cancel = transition_input("cancel", decision, reason="The customer was ill.")
    world.data(TRANSITIONS["cancel"].document, {"input": cancel}, by=world.merchant())
    hooks.settle()
    document = """query E($id: ID!) { node(id: $id) { ... on WebhookEndpoint { deliveries { nodes {
      requestBody event { ... on DecisionEvent { to note } } } } } } }"""
    executed = world.run(document, {"id": endpoint}, by=hooks.manager)
    (node,) = executed.body["data"]["node"]["deliveries"]["nodes"]
    assert node["event"] == {"to": "CANCELLED", "note": None}
    assert "ill" not in node["requestBody"]
    (error,) = executed.body["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    both = world.data(document, {"id": endpoint}, by=world.merchant(MANAGE, "decisions:read"))
    (node,) = both["node"]["deliveries"]["nodes"]
    assert node["event"]["note"] == "The customer was ill."


def test_purged_deliveries_are_not_shown(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    hooks.clock.advance(WEBHOOKS_KEPT_FOR + timedelta(days=1))
    PurgeService(hooks.database, hooks.world.container.settings).purge()
    assert hooks.page(endpoint)["edges"] == []
    assert hooks.call(NODE, id=delivery) is None
    assert hooks.call(RESEND, id=delivery)["userErrors"][0]["code"] == "NOT_FOUND"


def test_body_that_was_purged_before_a_resend_is_null(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    hooks.clock.advance(WEBHOOKS_KEPT_FOR + timedelta(days=1))
    hooks.call(RESEND, id=delivery)
    PurgeService(hooks.database, hooks.world.container.settings).purge()
    (shown,) = [edge["node"] for edge in hooks.page(endpoint)["edges"]]
    assert (shown["id"], shown["status"], shown["requestBody"]) == (delivery, "PENDING", None)


def test_body_without_a_message_is_null(hooks: GraphQLHooks, receiver: Receiver) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError

    render, hooks.render = hooks.render, fail
    endpoint = deliver(hooks, receiver)
    shown = hooks.page(endpoint)["edges"][0]["node"]
    assert (shown["requestBody"], shown["attempts"][0]["error"]) == (None, "not_rendered")
    hooks.render = render


def test_delivery_is_sent_again(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = deliver(hooks, receiver)
    delivery = hooks.page(endpoint)["edges"][0]["node"]["id"]
    resent = hooks.call(RESEND, id=delivery)["delivery"]
    assert (resent["id"], resent["status"], resent["attemptCount"]) == (delivery, "PENDING", 1)
    assert (resent["event"]["id"], resent["attempts"]) == (receiver.events[0], [{"number": 1}])
    hooks.settle()
    assert receiver.events == [receiver.events[0]] * 2
    hooks.call(UPDATE, id=endpoint, input={"enabled": False})
    (error,) = hooks.call(RESEND, id=delivery)["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["deliveryId"])


def test_events_are_replayed(hooks: GraphQLHooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.services.webhooks.endpoints.MOST_REPLAYED", 1)
    endpoint = deliver(hooks, receiver, 2)
    replayed = hooks.call(REPLAY, id=endpoint, since=SINCE)
    assert replayed == {"events": 1, "nextSince": SINCE, "userErrors": []}
    hooks.settle()
    assert receiver.events[2:] == [hooks.deliveries(endpoint)[0].event_id]
    (error,) = hooks.call(REPLAY, id=endpoint, since="2026-10-01T00:00:00Z")["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["since"])
