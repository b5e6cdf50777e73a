"""Equal ids of one document are looked up once, in nodes and under aliases; order and nulls stay."""

import pytest

from tests.support.graphql_world import GraphQLWorld
from tests.support.statements import statements

EVENTS = """{ decision(by: {id: "$id"}) { timeline { nodes { ... on DecisionEvent {
  decision { id consent { id } } } } } } }"""


def reads(world: GraphQLWorld, document: str, table: str) -> int:
    """Runs a document of the merchant and returns the number of statements that read a table."""
    with statements(world.database) as sent:
        world.data(document, by=world.merchant())
    return sum(f"FROM {table}" in statement for statement in sent)


def test_a1_repeated_ids_keep_order_and_nulls(world: GraphQLWorld) -> None:
    decision, unknown = world.request()["decision"]["id"], "dec_test_unknown"
    wanted = [decision, unknown, "no id", world.merchant_id, decision, unknown, world.foreign_decision, decision]
    data = world.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": wanted}, by=world.merchant())
    expected = [{"id": each} if each in {decision, world.merchant_id} else None for each in wanted]
    assert data["nodes"] == expected


def test_a1_repeated_ids_are_one_lookup(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    repeated = ", ".join([f'"{decision}"'] * 100)
    many = " ".join(f"a{number}: nodes(ids: [{repeated}]) {{ id }}" for number in range(5))
    one = reads(world, f'{{ node(id: "{decision}") {{ id }} }}', "decisions")
    assert one >= 1
    assert reads(world, f"{{ {many} }}", "decisions") == one


@pytest.mark.parametrize("table", ["decisions", "consents"])
def test_a1_objects_of_a_list_are_one_lookup(world: GraphQLWorld, table: str) -> None:
    decision = world.request()["decision"]["id"]
    activate = "mutation ($i: DecisionActivateInput!) { decisionActivate(input: $i) { userErrors { code } } }"
    before = reads(world, EVENTS.replace("$id", decision), table)
    world.data(activate, {"i": {"decisionId": decision, "idempotencyKey": "a"}}, by=world.merchant())
    assert reads(world, EVENTS.replace("$id", decision), table) == before


def test_a1_mutations_of_one_document_read_what_the_one_before_wrote(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    document = """mutation ($a: DecisionActivateInput!, $f: DecisionFulfillInput!) {
      decisionActivate(input: $a) { decision { timeline { nodes { ... on DecisionEvent { decision { status } } } } } }
      decisionFulfill(input: $f) { decision { timeline { nodes { ... on DecisionEvent { decision { status } } } } } }
    }"""
    inputs = {name: {"decisionId": decision, "idempotencyKey": name} for name in ("a", "f")}
    data = world.data(document, inputs, by=world.merchant())
    statuses = [
        {event["decision"]["status"] for event in payload["decision"]["timeline"]["nodes"]} for payload in data.values()
    ]
    assert statuses == [{"ACTIVE"}, {"FULFILLED"}]
