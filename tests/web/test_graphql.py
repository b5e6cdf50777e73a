"""GraphQL over HTTP: negotiation, statuses, bodies, and the unit of work behind them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.domain.api_version import DATED_PATH, PATH
from gateway.domain.errors import Unauthenticated
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, AsPrincipal, GraphQLWorld, request_variables

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
VIEWER = "{ viewer { appName } }"


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as made:
        yield made


@pytest.fixture
def app(world: GraphQLWorld) -> AsPrincipal:
    endpoint = world.endpoint()
    return AsPrincipal(Starlette(routes=[Route(PATH, endpoint), Route(DATED_PATH, endpoint)]), world.user())


@pytest.fixture
def http(app: AsPrincipal) -> Iterator[httpx2.Client]:
    """A client whose requests run in one event loop, as those of a server do."""
    with TestClient(app, base_url="https://gateway.example") as client:
        yield client


def post(http: httpx2.Client, query: Any = VIEWER, accept: str = GRAPHQL, **members: Any) -> httpx2.Response:
    return http.post(PATH, json={"query": query, **members}, headers={"accept": accept})


def code(response: httpx2.Response) -> str:
    """The code of a request error, whose body must have no data."""
    found = response.json()
    assert "data" not in found
    assert found["extensions"] == {"requestId": "req_test_1"}
    return str(found["errors"][0]["extensions"]["code"])


def test_successful_response(http: httpx2.Client) -> None:
    response = post(http)
    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {"viewer": {"appName": "Green Cars website"}}
    assert body["extensions"]["requestId"] == "req_test_1"
    assert set(body) == {"data", "extensions"}
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-api-version"] == "2026-11"


def test_dated_path_returns_same_response(http: httpx2.Client) -> None:
    assert DATED_PATH == "/graphql/2026-11"
    assert http.post(DATED_PATH, json={"query": VIEWER}).json() == post(http).json()


def test_text_is_returned_unchanged(http: httpx2.Client) -> None:
    response = post(http, '{ reasonCatalog { meaning(locale: "zh") } }', JSON)
    assert "该用户尚无信用分。" in response.content.decode("utf-8")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        ("", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.6", JSON),
        (f"{GRAPHQL}, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
        (f"text/event-stream, {GRAPHQL}, {JSON}", GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{GRAPHQL};q=0.1, */*;q=0.9", JSON),
        ("text/html, */*;q=0.8", JSON),
        (f"{GRAPHQL};q=nonsense, {JSON}", JSON),
    ],
)
def test_negotiation(http: httpx2.Client, accept: str, media_type: str) -> None:
    response = post(http, accept=accept)
    assert (response.status_code, response.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", "text/event-stream", f"{JSON};q=0", f"{JSON};charset=latin-1"])
def test_406(http: httpx2.Client, accept: str) -> None:
    response = post(http, accept=accept)
    assert (response.status_code, code(response)) == (406, "BAD_REQUEST")
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_405(http: httpx2.Client, method: str) -> None:
    response = http.request(method, f"{PATH}?query={{viewer{{appName}}}}")
    assert (response.status_code, response.headers["allow"], code(response)) == (405, "POST", "BAD_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": f"{JSON}; charset=latin-1"},
        {"content-type": GRAPHQL},
        {"content-type": ""},
        {"content-type": JSON, "content-encoding": "gzip"},
    ],
)
def test_415(http: httpx2.Client, headers: dict[str, str]) -> None:
    response = http.post(PATH, content=json.dumps({"query": VIEWER}), headers=headers)
    assert (response.status_code, code(response)) == (415, "BAD_REQUEST")
    wrong = "Content-Encoding" if "content-encoding" in headers else "Content-Type"
    right = "Content-Type" if "content-encoding" in headers else "Content-Encoding"
    assert wrong in response.text
    assert right not in response.text


def test_413_for_body_of_one_megabyte(http: httpx2.Client) -> None:
    assert http.post(PATH, json={"query": VIEWER, "extensions": {"x": "y" * 2**20}}).status_code == 413

    def stream() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 4096

    response = http.post(PATH, content=stream(), headers={"content-type": JSON})
    assert (response.status_code, code(response)) == (413, "BAD_REQUEST")
    for announced in ("-1", "1e3", "9" * 30):
        response = http.post(PATH, content=b"{}", headers={"content-type": JSON, "content-length": announced})
        assert response.status_code == 413


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b'"{ viewer }"',
        b"[]",
        b'[{"query": "{ viewer { appName } }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": " "}',
        b'{"query": {"a": 1}}',
        b'{"query": ["{ viewer { appName } }"]}',
        b'{"query": "{ viewer { appName } }", "variables": "x"}',
        b'{"query": "{ viewer { appName } }", "variables": [1]}',
        b'{"query": "{ viewer { appName } }", "operationName": 5}',
        b'{"query": "{ viewer { appName } }", "extensions": true}',
        b'{"query": "{ viewer { appName } }", "query": "{ merchant { id } }"}',
        b'{"query": "{ viewer { appName } }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ viewer { appName } }", "variables": {"a": NaN}}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ viewer { appName } }", "variables": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_400_for_invalid_graphql_request(http: httpx2.Client, content: bytes, accept: str) -> None:
    response = http.post(PATH, content=content, headers={"content-type": JSON, "accept": accept})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { event { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query Q($id: ID!) { node(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "query Q { __typename }", "operationName": "R"}, "BAD_REQUEST"),
        ({"query": "query Q { __typename } query R { __typename }"}, "BAD_REQUEST"),
    ],
)
def test_request_errors_by_media_type(http: httpx2.Client, members: dict[str, Any], expected: str) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        response = http.post(PATH, json=members, headers={"accept": accept})
        assert (response.status_code, code(response)) == (status, expected)


def test_null_members_count_as_absent(http: httpx2.Client) -> None:
    response = post(http, variables=None, operationName=None, extensions=None)
    assert response.json()["data"] == {"viewer": {"appName": "Green Cars website"}}


def test_field_errors_return_200(http: httpx2.Client, app: AsPrincipal, world: GraphQLWorld) -> None:
    app.principal = world.user("decisions:preview")
    response = post(http, "{ consentedUser { id score } }")
    assert response.status_code == 200
    assert response.json()["data"]["consentedUser"]["score"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("content", [b"{}", b'{"query": "{ viewer { appName } }"}', b"not JSON"])
def test_missing_token_is_reported_first(http: httpx2.Client, app: AsPrincipal, content: bytes) -> None:
    app.principal = None
    with pytest.raises(Unauthenticated):
        http.post(PATH, content=content, headers={"Content-Type": "application/json"})


def test_mutation_is_committed_before_response(http: httpx2.Client, world: GraphQLWorld) -> None:
    payload = post(http, REQUEST, variables=request_variables("key", "order")).json()["data"]["decisionRequest"]
    assert world.data('{ decision(by: {merchantReference: "order"}) { id } }') == {
        "decision": {"id": payload["decision"]["id"]}
    }


def test_response_fails_if_accesses_cannot_be_logged(http: httpx2.Client, world: GraphQLWorld) -> None:
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'full, says a secret'); END"
        )
    response = post(http, "{ consentedUser { scoreTier { tier } } }")
    assert (response.status_code, code(response)) == (500, "INTERNAL_SERVER_ERROR")
    assert "secret" not in response.text
    assert "data" not in response.json()
    assert post(http).status_code == 200  # a query without personal data still works


def test_concurrent_requests(http: httpx2.Client, world: GraphQLWorld) -> None:
    with ThreadPoolExecutor(8) as pool:
        responses = list(
            pool.map(
                lambda n: post(http, REQUEST, variables=request_variables(f"k{n % 4}", f"o{n % 4}")).json(), range(16)
            )
        )
    decisions = {answer["data"]["decisionRequest"]["decision"]["id"] for answer in responses}
    assert len(decisions) == 4
    assert sum(answer["data"]["decisionRequest"]["replayed"] for answer in responses) == 12
