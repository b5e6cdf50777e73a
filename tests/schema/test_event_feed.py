"""The events of a merchant: a feed that is polled from a cursor, by the scopes of the token."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.events import Topic
from gateway.domain.scope import SCOPES
from gateway.domain.webhooks.notice import subject_type_of
from gateway.services.events import FEED_SCOPES
from gateway.services.webhooks.announcements import AnnouncementService
from gateway.store.outbox import OutboxRow
from tests.support.factories import ids
from tests.support.graphql_consents import grant, place, revoke
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import GraphQLWorld
from tests.support.statements import statements
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.units import writing
from tests.support.webhook_world import Receiver, status

FEED = """query F($first: Int, $after: String, $last: Int, $before: String, $topics: [WebhookTopic!]) {
  merchant { events(first: $first, after: $after, last: $last, before: $before, topics: $topics) {
    nodes { id topic } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
EVENTS = """{ merchant { events { nodes { __typename id topic occurredAt sequence
  ... on DecisionEvent { from to actor decision { id merchantReference } }
  ... on DisputeEvent { dispute { id status } }
  ... on ConsentEvent { consent { id status } } } } } }"""
BOTH = ("decisions:read", "consents:read")
SMALL = {"deposit": {"amount": "1.00", "currency": "CNY"}}


def feed(world: GraphQLWorld, *scopes: str, **arguments: Any) -> Any:
    return world.data(FEED, arguments, by=world.merchant(*(scopes or BOTH)))["merchant"]["events"]


def topics(page: Any) -> list[str]:
    return [each["topic"] for each in page["nodes"]]


@pytest.fixture
def history(world: GraphQLWorld) -> dict[str, str]:
    """Events of each kind, in one order: the ids of their decision, dispute and consent."""
    consent = grant(world)
    world.clock.advance(seconds=1)
    decision = str(world.request()["decision"]["id"])
    for move in ("activate", "breach"):
        world.clock.advance(seconds=1)
        variables = {"input": transition_input(move, decision)}
        world.data(TRANSITIONS[move].document, variables, by=world.merchant())
    world.clock.advance(seconds=1)
    dispute = world.container.disputes.open(world.consent.user_id, decision, "It came back on time.").id
    world.clock.advance(seconds=1)
    revoke(world, consent)
    place(world)
    return {"decision": decision, "dispute": dispute, "consent": consent}


ALL = [
    *("CONSENT_GRANTED", "DECISION_APPROVED", "DECISION_ACTIVATED"),
    *("DECISION_BREACHED", "DISPUTE_OPENED", "CONSENT_REVOKED"),
]
"""The topics of `history`."""


def test_feed_has_events_of_each_kind(world: GraphQLWorld, history: dict[str, str]) -> None:
    token = world.merchant(*BOTH, "disputes:write")
    events = world.data(EVENTS, by=token)["merchant"]["events"]["nodes"]
    assert [each["topic"] for each in events] == ALL
    assert [each["sequence"] for each in events] == [1, 1, 2, 3, 4, 2]
    assert [each["occurredAt"][11:] for each in events] == [f"12:00:0{second}Z" for second in range(6)]
    granted, approved, activated, _, opened, revoked = events
    assert granted["consent"] == revoked["consent"] == {"id": history["consent"], "status": "REVOKED"}
    assert approved["decision"] == {"id": history["decision"], "merchantReference": "order-1"}
    assert (activated["from"], activated["to"], activated["actor"]) == ("APPROVED", "ACTIVE", "MERCHANT")
    assert opened["dispute"] == {"id": history["dispute"], "status": "AWAITING_MERCHANT"}
    kinds = ["ConsentEvent", *["DecisionEvent"] * 3, "DisputeEvent", "ConsentEvent"]
    assert [each["__typename"] for each in events] == kinds


def test_events_are_those_of_the_timeline_and_of_node(world: GraphQLWorld, history: dict[str, str]) -> None:
    fields = "__typename id topic occurredAt sequence"
    document = f"""query T($id: ID!) {{ decision(by: {{id: $id}}) {{ timeline {{ nodes {{ {fields} }} }} }}
      merchant {{ events {{ nodes {{ {fields} }} }} }} }}"""
    data = world.data(document, {"id": history["decision"]}, by=world.merchant(*BOTH))
    events = data["merchant"]["events"]["nodes"]
    assert data["decision"]["timeline"]["nodes"] == events[1:5]
    found = world.data(
        f"query N($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on Event {{ {fields} }} }} }}",
        {"ids": [each["id"] for each in events]},
        by=world.merchant(*BOTH),
    )
    assert found["nodes"] == events


@pytest.mark.postgresql
def test_polling_gets_each_event_once(each_world: GraphQLWorld) -> None:
    polled: list[str] = []
    cursor = None
    for number in range(7):
        each_world.request(f"k{number}", f"r{number}", **SMALL)
        if number % 3 == 2:
            place(each_world)
            while (page := feed(each_world, first=2, after=cursor))["nodes"]:
                polled += [each["id"] for each in page["nodes"]]
                cursor = page["pageInfo"]["endCursor"]
                assert page["pageInfo"]["hasPreviousPage"] == (len(polled) > 2)
    assert len(polled) == len(set(polled)) == 6, "the seventh has no position yet"
    place(each_world)
    (last,) = feed(each_world, after=cursor)["nodes"]
    whole = [each["id"] for each in feed(each_world)["nodes"]]
    assert whole == [*polled, last["id"]]
    backward = feed(each_world, last=3)
    before = feed(each_world, last=3, before=backward["pageInfo"]["startCursor"])
    assert [each["id"] for page in (before, backward) for each in page["nodes"]] == whole[1:]
    assert (before["pageInfo"]["hasPreviousPage"], backward["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.postgresql
def test_event_that_is_committed_late_comes_after_the_cursor(each_world: GraphQLWorld) -> None:
    """The transaction of an event begins first and commits last: its time is before that of an event which a client has
    already read."""
    if each_world.database.sqlite:
        pytest.skip("one transaction at a time writes")

    def message(unit: Any, subject: str) -> OutboxRow:
        return OutboxRow(
            id=ids.new("msg"),
            merchant_id=each_world.merchant_id,
            aggregate_id=subject,
            topic=Topic.CONSENT_GRANTED,
            payload={"occurredAt": "2026-11-23T12:00:00Z"},
            created_at=unit.wall,
        )

    with each_world.database.writing_engine.begin() as connection:
        late = each_world.database._unit(connection)
        slow = message(late, "con_slow")
        late.outbox.add(slow)
        each_world.clock.advance(minutes=1)
        with writing(each_world.database) as unit:
            quick = message(unit, "con_quick")
            unit.outbox.add(quick)
        place(each_world)
        page = feed(each_world)
        assert [each["id"] for each in page["nodes"]] == [quick.id]
    place(each_world)
    following = feed(each_world, after=page["pageInfo"]["endCursor"])
    assert slow.created_at < quick.created_at
    assert [each["id"] for each in following["nodes"]] == [slow.id]
    assert [each["id"] for each in feed(each_world)["nodes"]] == [quick.id, slow.id]


@pytest.mark.usefixtures("history")
def test_events_that_the_scopes_do_not_cover_are_left_out(world: GraphQLWorld) -> None:
    assert topics(feed(world, "decisions:read")) == ALL[1:5]
    assert topics(feed(world, "consents:read")) == [ALL[0], ALL[5]]
    assert feed(world, "consents:read", topics=["DECISION_APPROVED"])["nodes"] == []
    for token in (world.user(), world.merchant("decisions:write")):
        (error,) = world.run(FEED, by=token).body["errors"]
        assert error["extensions"]["requiredScopes"] == [["decisions:read"], ["consents:read"], ["webhooks:manage"]]


@pytest.mark.usefixtures("history")
def test_events_are_filtered_by_topic(world: GraphQLWorld) -> None:
    assert topics(feed(world, topics=["CONSENT_REVOKED", "DECISION_APPROVED"])) == [ALL[1], ALL[5]]
    assert topics(feed(world, topics=None)) == ALL
    assert feed(world, topics=[])["nodes"] == []
    page = feed(world, first=1, topics=["CONSENT_REVOKED", "DECISION_APPROVED"])
    assert page["pageInfo"]["hasNextPage"]
    assert topics(feed(world, after=page["pageInfo"]["endCursor"])) == ALL[2:], "a cursor is valid for all topics"


def test_feed_has_no_events_of_other_merchants(world: GraphQLWorld) -> None:
    revoke(world, world.foreign_consent.id)
    world.request()
    place(world)
    assert topics(feed(world)) == ["DECISION_APPROVED"]
    document = "{ merchant { events { pageInfo { endCursor } } } }"
    foreign = replace(world.merchant(*BOTH), merchant_id=world.foreign_consent.merchant_id)
    cursor = world.data(document, by=foreign)["merchant"]["events"]["pageInfo"]["endCursor"]
    assert cursor
    for bound in ("after", "before"):
        (error,) = world.run(FEED, {bound: cursor}, by=world.merchant(*BOTH)).body["errors"]
        assert error["message"] == f"{bound} is not a cursor of this list."
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("cursor", ["", "x", "WyJFVkVOVFMiXQ", "\0", "a" * 400])
def test_junk_is_no_cursor(world: GraphQLWorld, cursor: str) -> None:
    executed = world.run(FEED, {"after": cursor}, by=world.merchant(*BOTH))
    codes = [error["extensions"]["code"] for error in executed.body.get("errors", [])]
    assert codes == (["BAD_USER_INPUT"] if cursor else [])


def test_too_many_topics_are_an_input_error(world: GraphQLWorld) -> None:
    every = [topic.value for topic in Topic]
    (error,) = world.run(FEED, {"topics": every[:21]}, by=world.merchant(*BOTH)).body["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("topics may have at most 20 values.", "BAD_USER_INPUT")


def test_page_takes_as_many_statements_as_one_event(world: GraphQLWorld, history: dict[str, str]) -> None:
    counts = []
    for size in (1, 6):
        with statements(world.database) as sent:
            assert len(feed(world, "decisions:read", "consents:read", last=size)["nodes"]) == size
        counts.append(len(sent))
    assert counts[1] <= counts[0] + 2, "one more for each kind of event"


def test_user_token_sees_events_of_its_own_consent_only(world: GraphQLWorld) -> None:
    other = grant(world)
    revoke(world, world.consent.id)
    place(world)
    events = world.data(EVENTS, by=world.merchant(*BOTH))["merchant"]["events"]["nodes"]
    by_consent = {each["consent"]["id"]: each["id"] for each in events}
    document = "query N($id: ID!) { node(id: $id) { id } }"
    assert world.data(document, {"id": by_consent[world.consent.id]}) == {"node": {"id": by_consent[world.consent.id]}}
    assert world.data(document, {"id": by_consent[other]}) == {"node": None}


@pytest.mark.parametrize("topic", Topic)
def test_each_topic_has_a_scope(topic: Topic) -> None:
    assert FEED_SCOPES[subject_type_of(topic)] in SCOPES


def test_events_that_only_time_causes_are_in_the_feed(world: GraphQLWorld) -> None:
    """They have no entry in the decision log: an approval that expires soon, and a dispute that waits."""
    decision = str(world.request()["decision"]["id"])
    small = str(world.request("k2", "r2", **SMALL)["decision"]["id"])
    for move in ("activate", "breach"):
        world.data(TRANSITIONS[move].document, {"input": transition_input(move, small)}, by=world.merchant())
    dispute = world.container.disputes.open(world.consent.user_id, small, "It came back on time.").id
    announcements = AnnouncementService(world.database, ids)
    for _ in range(40):
        world.clock.advance(hours=12)
        announcements.write_due()
    place(world)
    document = """query F($topics: [WebhookTopic!], $first: Int) { merchant { events(topics: $topics, first: $first) {
      nodes { __typename id topic ... on DecisionEvent { from to actor note decision { id } }
        ... on DisputeEvent { dispute { id } } } } } }"""
    wanted = {"topics": ["DECISION_EXPIRING", "DISPUTE_REMINDER"], "first": 10}
    events = world.data(document, wanted, by=world.merchant(*BOTH, "disputes:write"))["merchant"]["events"]["nodes"]
    found = {event["topic"]: event for event in events}
    expiring, reminder = found["DECISION_EXPIRING"], found["DISPUTE_REMINDER"]
    assert (expiring["__typename"], expiring["decision"]) == ("DecisionEvent", {"id": decision})
    assert (expiring["from"], expiring["to"], expiring["actor"]) == ("APPROVED", "APPROVED", "CLOCK")
    assert (reminder["__typename"], reminder["dispute"]) == ("DisputeEvent", {"id": dispute})


def test_disabled_endpoint_is_an_event(world: GraphQLWorld) -> None:
    hooks = GraphQLHooks(world)
    with Receiver(lambda _: status(410)) as gone:
        endpoint = hooks.endpoint(gone.url())
        world.request()
        hooks.settle()
    document = """{ merchant { events { nodes { __typename id topic sequence ... on EndpointEvent {
      endpoint { id enabled disabledReason } } } } } }"""
    (event,) = world.data(document, by=hooks.manager)["merchant"]["events"]["nodes"]
    assert event == {
        "__typename": "EndpointEvent",
        "id": event["id"],
        "topic": "ENDPOINT_DISABLED",
        "sequence": 1,
        "endpoint": {"id": endpoint, "enabled": False, "disabledReason": "GONE"},
    }
    node = "query N($id: ID!) { node(id: $id) { id } }"
    assert world.data(node, {"id": event["id"]}, by=world.merchant()) == {"node": {"id": event["id"]}}
    assert world.data(node, {"id": event["id"]}) == {"node": None}, "a user token"
    assert topics(feed(world)) == ["DECISION_APPROVED"]


def test_event_of_an_older_version_has_the_time_of_its_consent(world: GraphQLWorld) -> None:
    """Messages that were written before they had a time of their own."""
    consent = grant(world)
    world.clock.advance(timedelta(hours=1))
    with writing(world.database) as unit:
        unit.connection.exec_driver_sql("UPDATE outbox SET payload = '{}'")
    place(world)
    (event,) = world.data(EVENTS, by=world.merchant(*BOTH))["merchant"]["events"]["nodes"]
    assert (event["consent"]["id"], event["occurredAt"]) == (consent, "2026-11-23T12:00:00Z")
