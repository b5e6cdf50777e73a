"""The cost of a request: in its response, over the maximum, over the client's points, and as Viewer.rateLimit."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from graphql import get_introspection_query

from gateway.demo import operations
from gateway.settings import EnvironmentName, Settings
from schema.engine import GraphQLRequest
from schema.operations import Operation, choose_operation
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, REQUEST_ID, GraphQLWorld, built, request_variables

FAN_OUT = """{ merchant { decisions(first: 100) { nodes {
  timeline(first: 40) { nodes { ... on DecisionEvent { decision { timeline(first: 1) { nodes { id } } } } } } } } } }"""


@pytest.fixture
def small(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A client has 120 points, of which one is restored each second. A document costs at most 100."""
    changed = {"query_maximum_cost": 100, "query_bucket_size": 120, "query_restore_rate": 1, "database_url": sqlite_url}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as opened:
        yield opened


def cost(body: dict[str, Any]) -> tuple[int, int | None, int]:
    """Requested cost, actual cost, and points that are left."""
    extension = body["extensions"]["cost"]
    status = extension["throttleStatus"]
    return extension["requestedQueryCost"], extension["actualQueryCost"], status["currentlyAvailable"]


def test_a2_each_response_has_its_cost(small: GraphQLWorld) -> None:
    document = "{ merchant { name decisions(first: 50) { nodes { id settlement { due { amount } } } } } }"
    body = small.run(document, by=small.merchant()).body
    assert body["extensions"]["cost"] == {
        "requestedQueryCost": 153,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 120, "currentlyAvailable": 120, "restoreRate": 1},
    }
    assert cost(small.run(document.replace("50", "20"), by=small.merchant()).body) == (63, 3, 117)


def test_a2_mutations_are_charged_for_what_they_return(small: GraphQLWorld) -> None:
    document = (
        "mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) { decision { id } replayed } }"
    )
    assert cost(small.run(document, request_variables("key-1", "order-1")).body) == (21, 21, 99)


def test_a1_document_over_the_maximum_is_not_executed(world: GraphQLWorld) -> None:
    executed = world.run(FAN_OUT, by=world.merchant())
    assert not executed.ran
    assert executed.retry_after is None
    assert "data" not in executed.body
    (error,) = executed.body["errors"]
    requested = 3 + 100 * (1 + 3 + 40 * (1 + 1 + 3 + 1))
    assert error["extensions"] == {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maximumCost": 1000,
        "dearestPath": ["merchant", "decisions", "nodes", "timeline", "nodes", "decision", "timeline", "nodes"],
    }
    assert str(requested) in error["message"]
    assert "merchant.decisions.nodes" in error["message"]
    assert cost(executed.body) == (requested, None, 1_000_000)


def test_a1_document_over_the_maximum_is_refused_quickly(world: GraphQLWorld) -> None:
    world.run(FAN_OUT, by=world.merchant())
    principal = world.merchant()

    def elapsed(number: int) -> float:
        request = GraphQLRequest(f"{FAN_OUT} # {number}")
        started = time.thread_time()
        world.engine.execute(request, principal, REQUEST_ID)
        return time.thread_time() - started

    assert min(map(elapsed, range(5))) < 0.01


def test_a2_client_without_points_is_throttled(small: GraphQLWorld) -> None:
    tier = "{ a: consentedUser { scoreTier { tier } } b: consentedUser { score } }"
    requests = 0
    while (executed := small.run(tier)).ran:
        requests += 1
        assert requests <= 20
    assert requests == 20
    requested, actual, left = cost(executed.body)
    assert (requested, actual) == (6, None)
    assert executed.retry_after == max(1, 6 - left)
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "THROTTLED", "cost": 6, "retryAfter": executed.retry_after}
    assert "data" not in executed.body
    assert len(small.rows("SELECT 1 FROM access_log")) == 40, "a throttled request reads nothing"


def test_a2_tokens_of_a_client_share_its_points(small: GraphQLWorld) -> None:
    mutation = "mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) { replayed } }"
    small.run(mutation, request_variables("key-1", "order-1"))
    assert cost(small.run("{ viewer { appName } }", by=small.merchant()).body) == (1, 1, 99)


def test_a2_failed_fields_are_not_given_back(small: GraphQLWorld) -> None:
    forbidden = "{ merchant { decisions(first: 10) { nodes { id } } } }"
    assert cost(small.run(forbidden).body) == (13, 13, 107)
    ids = ", ".join(['"x"'] * 101)
    body = small.run(f"{{ nodes(ids: [{ids}]) {{ id }} }}").body  # too many ids fail a field that must not be null
    assert body["data"] is None
    assert cost(body) == (100, 100, 7)


@pytest.mark.parametrize("document", ["{", "{ unknown }", FAN_OUT], ids=["syntax", "validation", "maximum"])
def test_a2_refused_document_takes_no_points(small: GraphQLWorld, document: str) -> None:
    assert not small.run(document, by=small.merchant()).ran
    assert cost(small.run("{ viewer { appName } }", by=small.merchant()).body) == (1, 1, 119)


def test_a2_viewer_shows_the_points(small: GraphQLWorld) -> None:
    data = small.data("{ viewer { rateLimit { maximum available restorePerSecond maximumPerQuery } } }")
    assert data["viewer"]["rateLimit"] == {
        "maximum": 120,
        "available": 118,
        "restorePerSecond": 1,
        "maximumPerQuery": 100,
    }


def test_a2_points_of_a_sandbox_by_default(world: GraphQLWorld) -> None:
    status = world.run("{ viewer { appName } }").body["extensions"]["cost"]["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (1_000_000, 1_000_000)


def test_a2_points_in_live_by_default(settings: Settings) -> None:
    live = settings.model_copy(update={"environment": EnvironmentName.LIVE})
    assert (live.bucket_size, live.bucket_restore_rate) == (10_000, 500)


def test_a1_repeated_document_is_priced_once(world: GraphQLWorld) -> None:
    document = "query ($n: Int) { merchant { decisions(first: $n) { nodes { id } } } }"
    prepared = world.engine.documents.prepare(document)
    for size in (3, 3, 5, 3):
        assert cost(world.run(document, {"n": size}, by=world.merchant()).body)[0] == size + 3
    assert len(prepared.prices) == 2
    for size in range(20):
        world.run(document, {"n": size}, by=world.merchant())
    assert len(prepared.prices) <= 8


def test_a1_introspection_has_a_cost(world: GraphQLWorld) -> None:
    requested, actual, _ = cost(world.run(get_introspection_query(input_value_deprecation=True)).body)
    assert actual == requested
    assert requested in range(100, 500)
    nested = "__schema { types { fields { type { fields { name description } } } } }"
    repeated = world.run("{ " + " ".join(f"a{number}: {nested}" for number in range(15)) + " }")
    assert repeated.body["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_a2_field_costs_are_shown_on_request(world: GraphQLWorld) -> None:
    request = GraphQLRequest("{ viewer { merchant { name } } }", shows_field_costs=True)
    body = world.engine.execute(request, world.user(), REQUEST_ID).body
    assert body["extensions"]["cost"]["fields"] == [
        {"path": ["viewer"], "definedCost": 1, "requestedTotalCost": 2, "requestedChildrenCost": 1},
        {"path": ["viewer", "merchant"], "definedCost": 1, "requestedTotalCost": 1, "requestedChildrenCost": 0},
    ]
    assert "fields" not in world.run("{ viewer { merchant { name } } }").body["extensions"]["cost"]


DEMO = [value for name, value in vars(operations).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("document", [*DEMO, REQUEST, get_introspection_query(input_value_deprecation=True)])
def test_a1_usual_documents_cost_less_than_half_of_the_maximum(world: GraphQLWorld, document: str) -> None:
    prepared = world.engine.documents.prepare(document)
    operation = choose_operation(built().schema, prepared.node, None)
    assert isinstance(operation, Operation)
    assert world.engine.costs.price(prepared, operation, {}).requested < 500
