"""Outages in GraphQL: UNAVAILABLE, HTTP 503 with Retry-After if nothing of the document ran, and 200 otherwise."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.history import Cause
from gateway.kit.clock import BusinessTime
from gateway.settings import Settings
from schema.errors import NOT_READ_BACK, NOTHING_RECORDED
from tests.support.clock import MovableClock
from tests.support.factories import make_decision
from tests.support.graphql_world import REQUEST, AsPrincipal, GraphQLWorld, request_variables
from tests.support.locks import locked
from tests.support.units import writing
from tests.support.valkey import ValkeyServer

CANCEL = """mutation C($id: ID!) {
  decisionCancel(input: {decisionId: $id, idempotencyKey: "c"}) { decision { status } }
}"""
TIER = "{ consentedUser { scoreTier { tier } } }"


@pytest.fixture
def each_world(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """The world on both databases, which waits for a lock for a fifth of a second."""
    changed = {"database_url": database_url, "database_lock_wait": timedelta(seconds=0.2)}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as opened:
        yield opened


@pytest.fixture
def valkey_world(
    settings: Settings, sqlite_url: str, own_valkey: ValkeyServer, clock: MovableClock
) -> Iterator[GraphQLWorld]:
    changed = {"database_url": sqlite_url, "valkey_url": SecretStr(own_valkey.url)}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as opened:
        yield opened


def post(
    world: GraphQLWorld, document: str, variables: dict[str, Any] | None = None, by: Principal | None = None
) -> httpx2.Response:
    client = TestClient(AsPrincipal(world.endpoint(), by or world.user()))
    headers = {"Accept": "application/graphql-response+json"}
    return client.post("/graphql", json={"query": document, "variables": variables}, headers=headers)


def assert_unavailable(response: httpx2.Response, message: str = NOTHING_RECORDED) -> None:
    assert (response.status_code, response.headers.get("retry-after")) == (503, "5"), response.text
    (error,) = response.json()["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("UNAVAILABLE", message)
    assert not any((response.json().get("data") or {}).values())


@pytest.mark.postgresql
def test_e13_mutation_that_waits_for_a_lock_is_unavailable_and_can_be_sent_again(each_world: GraphQLWorld) -> None:
    with locked(each_world.container.settings.database_url, "decisions"):
        before = each_world.contents()
        assert_unavailable(post(each_world, REQUEST, request_variables("key-1", "order-1")))
        assert each_world.contents() == before
    assert each_world.request()["decision"]["status"] == "APPROVED"


@pytest.mark.postgresql
def test_e13_query_whose_access_cannot_be_logged_is_unavailable(each_world: GraphQLWorld) -> None:
    with locked(each_world.container.settings.database_url, "access_log"):
        assert_unavailable(post(each_world, TIER))
    assert post(each_world, TIER).json()["data"]["consentedUser"]


@pytest.mark.postgresql
def test_e13_score_that_cannot_be_computed_now_is_unavailable_and_declines_nothing(each_world: GraphQLWorld) -> None:
    with writing(each_world.database) as unit:
        now = BusinessTime(unit.wall)
        unit.scores.mark_due(each_world.consent.user_id, now, Cause.CHOICE)
    with locked(each_world.container.settings.database_url, "person_scores"):
        before = each_world.contents()
        (error,) = post(each_world, "{ consentedUser { scoreTier { tier } } viewer { appName } }").json()["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["consentedUser", "scoreTier"], "UNAVAILABLE")
        assert_unavailable(post(each_world, REQUEST, request_variables("key-1", "order-1")))
        assert each_world.contents() == before
    assert post(each_world, TIER).json()["data"]["consentedUser"]["scoreTier"]


def test_e13_lock_on_one_of_two_decisions_leaves_the_other_result(
    settings: Settings, postgresql_url: str, clock: MovableClock
) -> None:
    changed = {"database_url": postgresql_url, "database_lock_wait": timedelta(seconds=0.2)}
    document = """mutation C($free: ID!, $held: ID!) {
      free: decisionCancel(input: {decisionId: $free, idempotencyKey: "a"}) { decision { status } }
      held: decisionCancel(input: {decisionId: $held, idempotencyKey: "b"}) { decision { status } }
    }"""
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        with writing(world.database) as unit:
            ids = {name: make_decision(unit, world.consent) for name in ("free", "held")}
        with writing(world.database) as holder:
            holder.decisions.lock(ids["held"])
            response = post(world, document, ids, world.merchant())
        assert response.status_code == 200
        assert response.json()["data"] == {"free": {"decision": {"status": "CANCELLED"}}, "held": None}
        (error,) = response.json()["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["held"], "UNAVAILABLE")
        assert error["message"] == NOTHING_RECORDED
        assert "retry-after" not in response.headers
        again = post(world, document, ids, world.merchant())
        assert again.json()["data"]["held"] == {"decision": {"status": "CANCELLED"}}


def test_e13_payload_that_cannot_be_read_says_that_the_mutation_was_recorded(
    settings: Settings, postgresql_url: str, clock: MovableClock
) -> None:
    changed = {"database_url": postgresql_url, "database_lock_wait": timedelta(seconds=0.2)}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        with writing(world.database) as unit:
            variables = {"id": make_decision(unit, world.consent)}
        document = CANCEL.replace("{ status }", "{ status disputes { nodes { id } } }")
        with writing(world.database) as unit:
            unit.connection.exec_driver_sql("LOCK TABLE disputes IN ACCESS EXCLUSIVE MODE")
            response = post(world, document, variables, world.merchant())
        assert response.status_code == 200
        (error,) = response.json()["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("UNAVAILABLE", NOT_READ_BACK)
        again = post(world, document, variables, world.merchant()).json()["data"]["decisionCancel"]["decision"]
        assert again == {"status": "CANCELLED", "disputes": {"nodes": []}}


def test_h4_threshold_inquiry_without_valkey_is_unavailable(
    valkey_world: GraphQLWorld, own_valkey: ValkeyServer
) -> None:
    document = "{ merchant { name } consentedUser { meetsTier(minimum: GOOD) } }"
    assert post(valkey_world, document).status_code == 200
    own_valkey.kill()
    response = post(valkey_world, document)
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAVAILABLE"]
    assert "SCORE_UNAVAILABLE" not in response.text


def test_h4_decision_without_valkey_is_unavailable_and_can_be_sent_again(
    valkey_world: GraphQLWorld, own_valkey: ValkeyServer
) -> None:
    own_valkey.kill()
    assert_unavailable(post(valkey_world, REQUEST, request_variables("key-1", "order-1")))
    own_valkey.start()
    assert valkey_world.request()["replayed"] is False


@pytest.mark.slow
def test_h4_hanging_valkey_is_unavailable(valkey_world: GraphQLWorld, own_valkey: ValkeyServer) -> None:
    with own_valkey.hanging():
        assert_unavailable(post(valkey_world, REQUEST, request_variables("key-1", "order-1")))


def test_h4_full_valkey_is_unavailable(valkey_world: GraphQLWorld, own_valkey: ValkeyServer) -> None:
    own_valkey.kill()
    own_valkey.start("--maxmemory", "1mb")
    assert_unavailable(post(valkey_world, REQUEST, request_variables("key-1", "order-1")))
