"""Events that a merchant triggers for its receivers, on both databases."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.audit import consents, events
from gateway.domain.events import Topic, wire_name
from gateway.domain.identity.principal import Principal
from gateway.domain.webhooks.notice import SubjectType, subject_type_of
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.kit.clock import WallTime
from gateway.kit.webhook_signatures import new_secret
from gateway.store.deployment import DEPLOYMENT, DeploymentRow
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import GraphQLWorld
from tests.support.notices import schema_faults
from tests.support.units import writing
from tests.support.webhook_world import Receiver, status

TRIGGER = """mutation T($topic: WebhookTopic!, $variant: SandboxWebhookVariant) {
  sandboxWebhookTrigger(topic: $topic, variant: $variant) {
    event { __typename id topic sequence occurredAt
      ... on DecisionEvent { decision { id } } ... on DisputeEvent { dispute { id } }
      ... on ConsentEvent { consent { id } } ... on EndpointEvent { endpoint { id } } }
    deliveries { id status requestBody event { id } }
    userErrors { code message field } } }"""
FEED = "{ merchant { events(first: 100) { nodes { __typename id topic sequence } } } }"
NODE = "query N($id: ID!) { node(id: $id) { __typename id } }"
SCOPES = ("sandbox", "webhooks:manage", "decisions:read", "consents:read", "disputes:write")
KINDS = {
    "DECISION": "DecisionEvent",
    "DISPUTE": "DisputeEvent",
    "CONSENT": "ConsentEvent",
    "TIER": "ConsentEvent",
    "ENDPOINT": "EndpointEvent",
    "TEST": "TestEvent",
}
SUBJECTS = {"decision", "dispute", "consent", "endpoint"}


OWN_WIRE = ("harbour_bikes", "lotus_hotels")
"""The adapters with a wire format of their own."""


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    """The merchant has the standard format."""
    with writing(each_world.database) as unit:
        for adapter in OWN_WIRE:
            assert unit.merchants.disable_adapter(each_world.merchant_id, adapter)
    return each_world


def enable(world: GraphQLWorld, adapter: str) -> None:
    with writing(world.database) as unit:
        unit.merchants.enable_adapter(world.merchant_id, adapter, unit.wall)


def trigger(world: GraphQLWorld, topic: str, variant: str | None = None, *, by: Principal | None = None) -> Any:
    variables = {"topic": topic, "variant": variant}
    return world.data(TRIGGER, variables, by=by or world.merchant(*SCOPES))["sandboxWebhookTrigger"]


def mismatches(world: GraphQLWorld) -> list[str]:
    with writing(world.database) as unit:
        return [*events.find_mismatches(unit, 100), *consents.find_mismatches(unit, 100)]


def test_each_topic_fits_its_schema_and_has_no_subject(hooks: GraphQLHooks, receiver: Receiver) -> None:
    world = hooks.world
    endpoint = hooks.endpoint(receiver.url())
    for topic in Topic:
        payload = trigger(world, topic)
        event, (delivery,) = payload["event"], payload["deliveries"]
        assert (payload["userErrors"], event["topic"], event["sequence"]) == ([], topic, 1)
        assert event["__typename"] == KINDS[topic.partition("_")[0]]
        assert {event[name] for name in SUBJECTS & event.keys()} <= {None}
        assert delivery["event"]["id"] == event["id"]
        body = json.loads(delivery["requestBody"])
        assert schema_faults(topic, body) == []
        assert body["merchantId"] == world.merchant_id
        assert "_test_" in body["subject"]["id"]
    hooks.settle()
    assert sorted(each.document["type"] for each in receiver.received) == sorted(map(wire_name, Topic))
    assert {each.status for each in hooks.deliveries(endpoint)} == {DeliveryStatus.DELIVERED}
    assert hooks.claims == []


def test_feed_and_node_show_the_event(world: GraphQLWorld) -> None:
    token = world.merchant(*SCOPES)
    triggered = [trigger(world, topic)["event"] for topic in Topic]
    nodes = world.data(FEED, by=token)["merchant"]["events"]["nodes"]
    assert [each["id"] for each in nodes][-len(triggered) :] == [each["id"] for each in triggered]
    for event in triggered:
        found = world.data(NODE, {"id": event["id"]}, by=token)["node"]
        assert found == {"__typename": event["__typename"], "id": event["id"]}


def test_feed_shows_tests_to_who_manages_endpoints(world: GraphQLWorld) -> None:
    event = trigger(world, "TEST")["event"]
    shown = world.data(FEED, by=world.merchant("webhooks:manage"))["merchant"]["events"]["nodes"]
    assert shown == [{"__typename": "TestEvent", "id": event["id"], "topic": "TEST", "sequence": 1}]
    others = world.data(FEED, by=world.merchant("decisions:read", "consents:read"))["merchant"]["events"]["nodes"]
    assert event["id"] not in {each["id"] for each in others}


def test_event_has_business_time(world: GraphQLWorld) -> None:
    world.data('mutation { sandboxClockMove(move: {advanceBy: "P2D"}) { eventsFired } }', by=world.merchant("sandbox"))
    assert trigger(world, "TEST")["event"]["occurredAt"] == "2026-11-25T12:00:00Z"


def test_endpoint_gets_its_topics_only(hooks: GraphQLHooks, receiver: Receiver) -> None:
    chosen = hooks.endpoint(receiver.url(), [Topic.TEST])
    other = hooks.endpoint(receiver.url(), [Topic.CONSENT_REVOKED])
    payload = trigger(hooks.world, "TEST")
    assert [each["status"] for each in payload["deliveries"]] == ["PENDING"]
    hooks.settle()
    assert receiver.events == [payload["event"]["id"]]
    assert (len(hooks.deliveries(chosen)), hooks.deliveries(other)) == (1, [])


def test_topic_without_an_endpoint_is_written_all_the_same(world: GraphQLWorld) -> None:
    payload = trigger(world, "DECISION_BREACHED")
    assert (payload["deliveries"], payload["userErrors"]) == ([], [])
    assert payload["event"]["id"] in {
        each["id"] for each in world.data(FEED, by=world.merchant(*SCOPES))["merchant"]["events"]["nodes"]
    }


def test_deliveries_are_null_while_another_process_makes_them(world: GraphQLWorld) -> None:
    if world.database.sqlite:
        pytest.skip("one transaction at a time writes")
    with writing(world.database) as unit:
        assert unit.outbox.try_lock_fan_out()
        payload = trigger(world, "TEST")
    assert payload["deliveries"] is None
    assert payload["event"]["topic"] == "TEST"


def test_merchant_with_a_wire_format_gets_decisions_in_it(hooks: GraphQLHooks, receiver: Receiver) -> None:
    world = hooks.world
    endpoint = hooks.endpoint(receiver.url())
    enable(world, "lotus_hotels")
    wire = world.container.registry["lotus_hotels"].wire
    for topic in Topic:
        (delivery,) = trigger(world, topic)["deliveries"]
        body = delivery["requestBody"]
        if subject_type_of(topic) is SubjectType.DECISION:
            notice = wire.read(body.encode())
            assert (notice.topic, notice.event_id) == (topic, delivery["event"]["id"])
        else:
            assert schema_faults(topic, json.loads(body)) == []
    hooks.settle()
    assert {each.status for each in hooks.deliveries(endpoint)} == {DeliveryStatus.DELIVERED}


def test_unknown_topic_has_a_type_that_no_version_has(hooks: GraphQLHooks) -> None:
    world = hooks.world
    hooks.endpoint("https://shop.example/hooks")
    (delivery,) = trigger(world, "DECISION_APPROVED", "UNKNOWN_TOPIC")["deliveries"]
    assert json.loads(delivery["requestBody"])["type"] == "sandbox.unknown"
    enable(world, "lotus_hotels")
    (delivery,) = trigger(world, "DECISION_APPROVED", "UNKNOWN_TOPIC")["deliveries"]
    assert "sandbox.unknown" in json.loads(delivery["requestBody"]).values()


def test_duplicate_is_sent_twice(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    event = trigger(hooks.world, "TEST", "DUPLICATE")["event"]["id"]
    hooks.settle()
    first, second = receiver.received
    assert (first.event_id, second.event_id, first.body == second.body) == (event, event, True)
    (delivery,) = hooks.deliveries(endpoint)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


def test_reordered_events_are_sent_the_later_one_first(hooks: GraphQLHooks, receiver: Receiver) -> None:
    hooks.endpoint(receiver.url())
    payload = trigger(hooks.world, "DECISION_ACTIVATED", "REORDERED")
    assert (payload["event"]["sequence"], len(payload["deliveries"])) == (2, 2)
    hooks.settle()
    assert [each.document["sequence"] for each in receiver.received] == [2, 1]
    assert len({each.document["subject"]["id"] for each in receiver.received}) == 1
    assert [each["event"]["id"] for each in payload["deliveries"]] == receiver.events
    assert receiver.events[0] == payload["event"]["id"]


@pytest.mark.parametrize("variant", ["BAD_SIGNATURE", "OLD_TIMESTAMP"])
def test_first_attempt_cannot_be_verified_and_the_next_one_can(
    variant: str, hooks: GraphQLHooks, receiver: Receiver
) -> None:
    secret = new_secret()
    endpoint = hooks.endpoint(receiver.url(), secret=secret)
    receiver.answer = lambda received: status(200 if len(receiver.received) > 1 else 400)
    trigger(hooks.world, "TEST", variant)
    hooks.settle()
    (rejected,) = receiver.received
    age = hooks.clock() - WallTime(datetime.fromtimestamp(int(rejected.headers["webhook-timestamp"]), UTC))
    signer = Webhook(secret)
    signed = signer.sign(rejected.event_id, hooks.clock() - age, rejected.body.decode())
    is_signed = signed == rejected.headers["webhook-signature"]
    expected = (False, timedelta(0)) if variant == "BAD_SIGNATURE" else (True, timedelta(minutes=10))
    assert (is_signed, age) == expected
    hooks.clock.advance(timedelta(minutes=5))
    hooks.settle()
    accepted = receiver.received[1]
    assert (
        signer.sign(accepted.event_id, hooks.clock(), accepted.body.decode()) == accepted.headers["webhook-signature"]
    )
    (delivery,) = hooks.deliveries(endpoint)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 2)


def test_token_without_the_scope_sandbox_is_refused(world: GraphQLWorld) -> None:
    executed = world.run(TRIGGER, {"topic": "TEST"}, by=world.merchant("webhooks:manage"))
    (problem,) = executed.body["errors"]
    assert problem["extensions"]["code"] == "FORBIDDEN"


def test_token_without_the_scope_of_deliveries_gets_the_event_only(hooks: GraphQLHooks) -> None:
    hooks.endpoint("https://shop.example/hooks")
    executed = hooks.world.run(TRIGGER, {"topic": "TEST"}, by=hooks.world.merchant("sandbox"))
    payload = executed.body["data"]["sandboxWebhookTrigger"]
    assert {each["extensions"]["code"] for each in executed.body["errors"]} == {"FORBIDDEN"}
    assert (payload["event"]["topic"], payload["deliveries"]) == ("TEST", None)


def test_events_of_another_merchant_stay(world: GraphQLWorld) -> None:
    event = trigger(world, "TEST")["event"]["id"]
    merchants = world.rows(f"SELECT merchant_id FROM outbox WHERE id = '{event}'")
    assert merchants == [(world.merchant_id,)]


def test_reconciliation_accepts_triggered_events(world: GraphQLWorld) -> None:
    for variant in WebhookVariant:
        for topic in Topic:
            trigger(world, topic, variant)
    assert mismatches(world) == []


def test_reconciliation_of_a_live_deployment_accepts_none(world: GraphQLWorld) -> None:
    decision, consent = (trigger(world, topic)["event"]["id"] for topic in ("DECISION_BREACHED", "CONSENT_GRANTED"))
    with writing(world.database) as unit:
        unit.connection.execute(DEPLOYMENT.delete())
        unit.deployment.insert_missing(DeploymentRow(environment="live", key_check="", created_at=unit.wall))
    assert mismatches(world) == [
        f"Message {decision}: the log has no entry for its event.",
        f"Message {consent}: its consent does not exist.",
    ]
