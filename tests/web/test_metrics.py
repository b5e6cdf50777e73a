"""What a server counts about itself, and the endpoint for it."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.kit.metrics import create_numbers
from gateway.settings import Settings
from gateway.sources.remote.failures import FETCHED, STALE, UNAVAILABLE, Cause
from gateway.web.document_queue import DocumentQueue, QueueFull
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.metrics import TABLE, CountRequests, Metrics, MetricsServer
from gateway.web.worker_threads import share_threads
from schema.compiled.reasons import Reason
from schema.engine import Engine
from tests.support.clock import MovableClock
from tests.support.factories import make_partner
from tests.support.graphql_world import AsPrincipal, GraphQLWorld, built
from tests.support.metrics import Samples, difference, read_samples, scrape

VIEWER = "{ viewer { appName } }"
DURATION = "gateway_graphql_duration_seconds"


class Deployment:
    """An endpoint with its metrics. `growth` returns how much each number has grown since its last call."""

    def __init__(self, settings: Settings, clock: MovableClock, **changed: Any) -> None:
        self._numbers = create_numbers(TABLE.size)
        metrics, self.world = Metrics(self._numbers), GraphQLWorld(settings.model_copy(update=changed), clock)
        self.engine = Engine(built(), self.world.container, metrics.count_execution)
        self.world.database.observe_commits(metrics.count_commit)
        self.queue, threads = DocumentQueue(at_once=1, waiting=1, waiting_per_client=1), share_threads(settings)
        endpoint = GraphQLEndpoint(self.engine, self.queue, threads, metrics, largest_body=10_000)
        paths = ("/oauth/token", "/.well-known/jwks", "/account", "/healthz", "/static/a.css")
        app = Starlette(routes=[Route("/graphql", endpoint), *(Route(path, self._answer) for path in paths)])
        self.http = TestClient(
            CountRequests(AsPrincipal(app, self.world.user()), metrics), raise_server_exceptions=False
        )
        self.status, self._before = 200, self.samples()

    def close(self) -> None:
        self.queue.close()
        self.world.close()

    async def _answer(self, _: Request) -> Response:
        return PlainTextResponse("", self.status)

    def samples(self) -> Samples:
        return read_samples(TABLE.write(self._numbers.totals()))

    def growth(self) -> Samples:
        before, self._before = self._before, self.samples()
        return difference(before, self._before)

    def post(self, query: str) -> None:
        self.http.post("/graphql", json={"query": query})

    def executions(self) -> dict[str, float]:
        """The growth of executions, by labels."""
        return {labels: number for (name, labels), number in self.growth().items() if "executions" in name}


@pytest.fixture
def deployment(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[Deployment]:
    changed = {"database_url": sqlite_url, "query_compilation": True}
    with closing(Deployment(settings, clock, **changed)) as opened:
        yield opened


def test_execution_is_counted_once_by_executor_and_reason(deployment: Deployment) -> None:
    deployment.post(VIEWER)
    assert deployment.executions() == {'executor="graphql-core",reason="first_use"': 1}
    deployment.post(VIEWER)
    assert deployment.executions() == {'executor="compiled",reason=""': 1}
    for _ in range(3):
        deployment.post("{ __schema { queryType { name } } }")
    assert deployment.executions() == {
        'executor="graphql-core",reason="first_use"': 1,
        'executor="graphql-core",reason="introspection"': 2,
    }
    deployment.post("{ noField }")
    assert deployment.executions() == {}, "it was not executed"


def test_each_reason_has_a_number() -> None:
    labels = {labels for name, labels in read_samples(TABLE.write([0] * TABLE.size)) if "executions" in name}
    expected = {f'executor="graphql-core",reason="{each.name.lower()}"' for each in Reason}
    assert labels == {'executor="compiled",reason=""', *expected}


def test_each_outcome_of_a_remote_score_has_a_number() -> None:
    numbers = create_numbers(TABLE.size)
    metrics = Metrics(numbers)
    pairs = [(FETCHED, ""), *((outcome, cause) for outcome in (STALE, UNAVAILABLE) for cause in Cause)]
    for outcome, cause in pairs:
        metrics.count_score(outcome, cause)
    samples = read_samples(TABLE.write(numbers.totals()))
    counted = {labels: number for (name, labels), number in samples.items() if name == "gateway_remote_scores_total"}
    assert counted == {f'outcome="{outcome}",cause="{cause}"': 1 for outcome, cause in pairs}


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/oauth/token", "oauth"),
        ("/.well-known/jwks", "oauth"),
        ("/account", "pages"),
        ("/healthz", "health"),
        ("/static/a.css", "static"),
    ],
)
@pytest.mark.parametrize("status", [200, 303, 404, 503])
def test_request_is_counted_once_by_group_and_status(
    deployment: Deployment, path: str, group: str, status: int
) -> None:
    deployment.status = status
    deployment.http.get(path, follow_redirects=False)
    expected = ("gateway_http_requests_total", f'route="{group}",status="{status // 100}xx"')
    assert deployment.growth() == {expected: 1}


def test_path_of_a_stranger_adds_no_number(deployment: Deployment) -> None:
    before = deployment.samples().keys()
    for path in ("/%22%7D%0A", "/" + "a" * 3000, "//graphql", "/wp-admin/x.php", "/cli_test_1"):
        deployment.http.get(path)
    assert deployment.samples().keys() == before
    assert deployment.growth() == {("gateway_http_requests_total", 'route="pages",status="4xx"'): 5}


def test_request_without_a_response_has_no_status() -> None:
    async def end(*_: Any) -> None:
        """Sends no response."""

    numbers = create_numbers(TABLE.size)
    app = CountRequests(end, Metrics(numbers))
    with pytest.raises(AssertionError):
        TestClient(app).get("/account")
    samples = read_samples(TABLE.write(numbers.totals()))
    assert samples["gateway_http_requests_total", 'route="pages",status="none"'] == 1


def test_graphql_request_has_a_duration(deployment: Deployment) -> None:
    began = time.perf_counter()
    deployment.post(VIEWER)
    growth = deployment.growth()
    assert growth[f"{DURATION}_count", ""] == growth[f"{DURATION}_bucket", 'le="+Inf"'] == 1
    assert 0 < growth[f"{DURATION}_sum", ""] <= time.perf_counter() - began
    assert growth["gateway_http_requests_total", 'route="graphql",status="2xx"'] == 1


def test_refusals_are_counted_by_reason(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for by_client, reason, status in ((True, "client_queue_full", "4xx"), (False, "queue_full", "5xx")):

        def refuse(*_: Any, by_client: bool = by_client) -> Any:
            raise QueueFull(by_client=by_client)

        monkeypatch.setattr(deployment.queue, "put", refuse)
        deployment.post(VIEWER)
        growth = deployment.growth()
        assert growth["gateway_graphql_refusals_total", f'reason="{reason}"'] == 1
        assert growth["gateway_http_requests_total", f'route="graphql",status="{status}"'] == 1
        assert growth.get(("gateway_http_rate_limited_total", 'route="graphql"'), 0) == int(by_client)


def test_too_few_points_are_counted(settings: Settings, sqlite_url: str, clock: MovableClock) -> None:
    points = {"query_maximum_cost": 100, "query_bucket_size": 100, "query_restore_rate": 1}
    with closing(Deployment(settings, clock, database_url=sqlite_url, **points)) as deployment:
        for _ in range(60):
            deployment.post("{ viewer { appName merchant { name } } }")
        growth = deployment.growth()
    refused = growth["gateway_graphql_refusals_total", 'reason="points"']
    assert 0 < refused < 60
    assert growth["gateway_http_rate_limited_total", 'route="graphql"'] == refused


def test_commits_and_their_units_are_counted(deployment: Deployment) -> None:
    deployment.growth()
    for _ in range(3):
        deployment.world.database.write(make_partner)
    with pytest.raises(ZeroDivisionError):
        deployment.world.database.write(lambda _: 1 / 0)
    assert deployment.growth() == {
        ("gateway_sqlite_units_total", ""): 3,
        ("gateway_sqlite_commits_total", ""): 3,
    }


def test_gauges_have_the_last_values() -> None:
    numbers = create_numbers(TABLE.size)
    metrics = Metrics(numbers)
    for number in (3, 2):
        metrics.set_gauges(texts=(number, 100), trusted=(7, 900), waiting=number)
    samples = read_samples(TABLE.write(numbers.totals()))
    assert samples["gateway_compiled_operations", 'documents="texts"'] == 2
    assert samples["gateway_compiled_operations_bytes", 'documents="trusted"'] == 900
    assert (samples["gateway_graphql_waiting", ""], samples["gateway_serving_processes", ""]) == (2, 1)


@contextmanager
def served(numbers: Any) -> Iterator[str]:
    server = MetricsServer(listener := socket.create_server(("127.0.0.1", 0)), numbers)
    server.start()
    with closing(server):
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_endpoint_has_the_media_type_of_the_format() -> None:
    with served(create_numbers(TABLE.size)) as address:
        response = httpx2.get(f"http://{address}/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["server"] == "Sesame"
    assert read_samples(response.text)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/metrics/x", 404), ("POST", "/metrics", 501)]
)
def test_endpoint_has_nothing_else(method: str, path: str, status: int) -> None:
    with served(create_numbers(TABLE.size)) as address:
        assert httpx2.request(method, f"http://{address}{path}").status_code == status


def test_silent_client_does_not_delay_others() -> None:
    with (
        served(create_numbers(TABLE.size)) as address,
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))),
    ):
        assert scrape(address)


def test_text_is_read_by_the_parser_of_prometheus() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    numbers = create_numbers(TABLE.size)
    metrics = Metrics(numbers)
    metrics.count_request("/graphql", 200, 0.02)
    metrics.count_execution(Reason.FIRST_USE)
    families = {each.name: each for each in parser.text_string_to_metric_families(TABLE.write(numbers.totals()))}
    assert {name: each.type for name, each in families.items()} == {
        "gateway_graphql_executions": "counter",
        "gateway_compiled_operations": "gauge",
        "gateway_compiled_operations_bytes": "gauge",
        "gateway_http_requests": "counter",
        "gateway_http_rate_limited": "counter",
        "gateway_graphql_duration_seconds": "histogram",
        "gateway_graphql_refusals": "counter",
        "gateway_graphql_waiting": "gauge",
        "gateway_sqlite_units": "counter",
        "gateway_sqlite_commits": "counter",
        "gateway_remote_scores": "counter",
        "gateway_webhook_attempts": "counter",
        "gateway_request_log_entries": "counter",
        "gateway_serving_processes": "gauge",
    }
    assert all(each.documentation for each in families.values())
    (execution,) = (each for each in families["gateway_graphql_executions"].samples if each.value)
    assert execution.labels == {"executor": "graphql-core", "reason": "first_use"}
    read = {(each.name, *each.labels.values()): each.value for each in families[DURATION].samples}
    assert (read[f"{DURATION}_bucket", "0.025"], read[f"{DURATION}_count",]) == (1, 1)
