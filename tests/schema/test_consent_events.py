"""The events of a consent, in pages."""

from typing import Any

import pytest

from gateway.store.outbox import message_of_tier_correction
from tests.support.factories import ids
from tests.support.graphql_consents import grant, place, revoke
from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables
from tests.support.units import writing

OF_CONSENT = """query C($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) {
  ... on Consent { events(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id topic sequence occurredAt consent { id } } } pageInfo { hasNextPage } } } } }"""


@pytest.mark.postgresql
def test_events_of_a_consent_are_in_pages(each_world: GraphQLWorld) -> None:
    consent = grant(each_world)
    each_world.clock.advance(hours=1)
    revoke(each_world, consent)
    other = grant(each_world)

    def page(consent_id: str, **arguments: Any) -> Any:
        token = each_world.merchant("consents:read")
        return each_world.data(OF_CONSENT, {"id": consent_id, **arguments}, by=token)["node"]["events"]

    whole = page(consent)["edges"]
    events = [each["node"] for each in whole]
    assert [(each["topic"], each["sequence"]) for each in events] == [("CONSENT_GRANTED", 1), ("CONSENT_REVOKED", 2)]
    assert [each["occurredAt"][11:16] for each in events] == ["12:00", "13:00"]
    assert {each["consent"]["id"] for each in events} == {consent}
    assert page(consent, first=1)["pageInfo"] == {"hasNextPage": True}
    assert page(consent, after=whole[0]["cursor"])["edges"] == whole[1:]
    assert page(consent, last=1)["edges"] == whole[1:]
    assert page(consent, before=whole[1]["cursor"])["edges"] == whole[:1]
    variables = {"id": other, "after": whole[0]["cursor"]}
    (error,) = each_world.run(OF_CONSENT, variables, by=each_world.merchant("consents:read")).body["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


READS = {
    "a tier": ("{ consentedUser { scoreTier { tier } } }", None),
    "a decision": (REQUEST, request_variables("key-1", "order-1")),
}


@pytest.mark.postgresql
@pytest.mark.parametrize("read", READS)
def test_first_use_of_a_consent_is_an_event(each_world: GraphQLWorld, read: str) -> None:
    consent_id = grant(each_world)

    def use() -> None:
        consent = each_world.database.read(lambda unit: unit.consents.load(consent_id))
        each_world.data(*READS[read], by=each_world.user(consent=consent))

    use()
    use()
    token = each_world.merchant("consents:read")
    edges = each_world.data(OF_CONSENT, {"id": consent_id}, by=token)["node"]["events"]["edges"]
    events = [(each["node"]["topic"], each["node"]["sequence"]) for each in edges]
    assert events == [("CONSENT_GRANTED", 1), ("CONSENT_FIRST_USED", 2)]


def test_events_of_a_consent_need_the_scope(world: GraphQLWorld) -> None:
    executed = world.run(OF_CONSENT, {"id": world.consent.id})
    assert executed.body["data"] == {"node": {"events": None}}
    assert executed.body["errors"][0]["extensions"] == {"code": "FORBIDDEN", "requiredScopes": [["consents:read"]]}


def test_corrected_tier_is_an_event_of_its_consent(world: GraphQLWorld) -> None:
    """In the list of the consent, in the feed, and by its id, each with the scopes of other events of consents."""
    with writing(world.database) as unit:
        now = unit.business_time(world.consent.merchant_id)
        message = message_of_tier_correction(ids.new("msg"), world.consent, now, unit.wall)
        unit.outbox.add(message)
    place(world)
    token = world.merchant("consents:read")
    listed = world.data(OF_CONSENT, {"id": world.consent.id}, by=token)["node"]["events"]["edges"][-1]["node"]
    assert (listed["id"], listed["topic"], listed["consent"]) == (
        message.id,
        "TIER_CORRECTED",
        {"id": world.consent.id},
    )
    feed = """{ merchant { events(topics: [TIER_CORRECTED]) { nodes { __typename id
      ... on ConsentEvent { consent { status scopes } } } } } }"""
    (event,) = world.data(feed, by=token)["merchant"]["events"]["nodes"]
    assert (event["__typename"], event["id"], event["consent"]["status"]) == ("ConsentEvent", message.id, "ACTIVE")
    assert world.data(feed, by=world.merchant("decisions:read"))["merchant"]["events"]["nodes"] == []
    node = "query N($id: ID!) { node(id: $id) { id } }"
    assert world.data(node, {"id": message.id}) == {"node": {"id": message.id}}, "the token of this consent"
