"""Cost over HTTP: statuses, Retry-After, the cost of each field on request, and an unreachable Valkey."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.domain.api_version import PATH
from gateway.settings import EnvironmentName, Settings
from gateway.web.errors import Errors
from gateway.web.rendering import Renderer
from tests.support.clock import MovableClock
from tests.support.factories import make_decision
from tests.support.graphql_world import AsPrincipal, GraphQLWorld
from tests.support.page_blocks import block
from tests.support.units import writing
from tests.support.valkey import unreachable_url

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
DEAR = "{ merchant { decisions(first: 80) { nodes { timeline { nodes { id } } } } } }"


class Deployment:
    """The endpoint of a deployment with 120 points per client, of which one is restored each second. A document costs
    at most 100."""

    def __init__(self, settings: Settings, clock: MovableClock, **changed: Any) -> None:
        points = {"query_maximum_cost": 100, "query_bucket_size": 120, "query_restore_rate": 1}
        self._world = GraphQLWorld(settings.model_copy(update={**points, **changed}), clock)
        handlers = Errors(Renderer(settings)).handlers()
        app = Starlette(routes=[Route(PATH, self._world.endpoint())], exception_handlers=handlers)
        self._client = TestClient(AsPrincipal(app, self._world.merchant()), base_url="https://gateway.example")
        self.close = self._world.close

    def add_decisions(self, count: int) -> None:
        """Adds decisions of the merchant."""
        with writing(self._world.database) as unit:
            for _ in range(count):
                make_decision(unit, self._world.consent)

    def post(self, query: str, accept: str = GRAPHQL, **headers: str) -> httpx2.Response:
        return self._client.post(PATH, json={"query": query}, headers={"accept": accept, **headers})


@pytest.fixture
def migrated(settings: Settings, sqlite_url: str) -> Settings:
    return settings.model_copy(update={"database_url": sqlite_url})


@pytest.fixture
def deployment(migrated: Settings, clock: MovableClock) -> Iterator[Deployment]:
    with closing(Deployment(migrated, clock)) as opened:
        yield opened


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
def test_a1_document_over_the_maximum_is_a_request_error(deployment: Deployment, accept: str, status: int) -> None:
    response = deployment.post(DEAR, accept)
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert response.json()["extensions"]["cost"]["requestedQueryCost"] == 3 + 80 * (1 + 3 + 20)


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_a2_throttled_request_gets_429_and_retry_after(deployment: Deployment, accept: str) -> None:
    for _ in range(10):
        response = deployment.post("{ " + " ".join(f"a{n}: viewer {{ appName }}" for n in range(20)) + " }", accept)
        if response.status_code != 200:
            break
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 20
    assert response.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in response.json()


def test_a2_cost_of_each_field_in_a_sandbox(deployment: Deployment) -> None:
    response = deployment.post("{ merchant { decisions(first: 2) { n: nodes { id } } } }", **{"X-Cost-Debug": "fields"})
    fields = response.json()["extensions"]["cost"]["fields"]
    assert {".".join(each["path"]): each["requestedTotalCost"] for each in fields} == {
        "merchant": 5,
        "merchant.decisions": 4,
        "merchant.decisions.n": 2,
    }
    refused = deployment.post(DEAR, **{"X-Cost-Debug": "fields"}).json()["extensions"]["cost"]["fields"]
    assert refused[-1]["path"] == ["merchant", "decisions", "nodes", "timeline", "nodes"]
    for headers in ({}, {"X-Cost-Debug": "1"}):
        assert "fields" not in deployment.post("{ viewer { appName } }", **headers).json()["extensions"]["cost"]


def test_a2_no_cost_of_each_field_in_live(migrated: Settings, clock: MovableClock) -> None:
    with closing(Deployment(migrated, clock, environment=EnvironmentName.LIVE)) as live:
        response = live.post("{ viewer { appName } }", **{"X-Cost-Debug": "fields"})
        assert response.status_code == 200
        assert "fields" not in response.json()["extensions"]["cost"]


def test_a2_unreachable_valkey_refuses_documents(migrated: Settings, clock: MovableClock) -> None:
    with closing(Deployment(migrated, clock, valkey_url=SecretStr(unreachable_url()))) as alone:
        response = alone.post("{ viewer { appName } }")
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert "hidden-word" not in response.text


def test_documented_costs_are_those_of_a_live_deployment(migrated: Settings, clock: MovableClock) -> None:
    points = {"query_maximum_cost": 1_000, "query_bucket_size": 10_000, "query_restore_rate": 500}
    with closing(Deployment(migrated, clock, **points)) as deployment:
        deployment.add_decisions(12)
        refused = deployment.post(block("docs/cost.md", "{ merchant { decisions(first: 80)"))
        executed = deployment.post(block("docs/cost.md", "{ merchant { decisions(first: 100)"))
    (error,) = refused.json()["errors"]
    assert error == json.loads(block("docs/cost.md", '{\n  "message"'))
    stated = json.loads("{" + block("docs/cost.md", '"extensions"') + "}")["extensions"]["cost"]
    cost = executed.json()["extensions"]["cost"]
    available, after = (each["throttleStatus"].pop("currentlyAvailable") for each in (cost, stated))
    assert cost == stated
    assert after == 10_000 - stated["actualQueryCost"] <= available  # time has restored points
