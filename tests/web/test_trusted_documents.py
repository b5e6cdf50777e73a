"""Requests with a documentId over HTTP."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from gateway.domain.api_version import PATH
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import GraphQLWorld
from tests.web.test_graphql import GRAPHQL, JSON, VIEWER, app, code, http, world

__all__ = ["app", "http", "world"]
UNKNOWN = f"sha256:{'0' * 64}"


def post(http: httpx2.Client, accept: str = GRAPHQL, **members: Any) -> httpx2.Response:
    return http.post(PATH, json=members, headers={"accept": accept})


@pytest.fixture
def document_id(world: GraphQLWorld) -> str:
    """The identifier of VIEWER, which is registered for the client of the requests."""
    world.container.documents.register(world.client_id, [TrustedDocument(compute_id(VIEWER), VIEWER)])
    return compute_id(VIEWER)


@pytest.mark.parametrize("members", [{}, {"query": None}, {"variables": {}, "operationName": "", "extensions": {}}])
def test_registered_document_is_executed(http: httpx2.Client, document_id: str, members: dict[str, Any]) -> None:
    response = post(http, documentId=document_id, **members)
    assert response.status_code == 200
    assert response.json() == post(http, query=VIEWER).json()


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
def test_unknown_document_is_a_request_error(http: httpx2.Client, accept: str, status: int) -> None:
    response = post(http, accept, documentId=UNKNOWN)
    assert (response.status_code, code(response)) == (status, "DOCUMENT_NOT_FOUND")
    assert len(response.json()["errors"]) == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param({"query": VIEWER}, "Send query or documentId, not both.", id="with query"),
        pytest.param({"query": ""}, "Send query or documentId, not both.", id="with empty query"),
        pytest.param({"documentId": ""}, "documentId must be a string that is not empty.", id="empty"),
        pytest.param({"documentId": 7}, "documentId must be a string that is not empty.", id="number"),
        pytest.param({"documentId": [UNKNOWN]}, "documentId must be a string that is not empty.", id="array"),
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_malformed_request_is_refused(
    http: httpx2.Client, document_id: str, accept: str, members: dict[str, Any], message: str
) -> None:
    response = post(http, accept, **{"documentId": document_id, **members})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert response.json()["errors"][0]["message"] == message


def test_null_document_id_is_as_absent(http: httpx2.Client) -> None:
    assert post(http, query=VIEWER, documentId=None).json() == post(http, query=VIEWER).json()


def persisted(document_id: Any) -> dict[str, Any]:
    """The extension in which Apollo Client sends the identifier of a document in its manifest."""
    return {"persistedQuery": {"version": 1, "sha256Hash": document_id}}


def test_registered_document_is_executed_for_apollo_client(http: httpx2.Client, document_id: str) -> None:
    """It sends the hash without a prefix, and accepts both media types."""
    extensions = persisted(document_id.removeprefix("sha256:"))
    response = post(http, extensions=extensions, variables={}, operationName=None)
    assert response.json() == post(http, query=VIEWER).json()


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_other_request_errors_of_a_persisted_query_keep_their_status(
    http: httpx2.Client, document_id: str, accept: str
) -> None:
    response = post(http, accept, extensions=persisted(document_id), operationName="Other")
    assert (response.status_code, code(response)) == (400 if accept == GRAPHQL else 200, "BAD_REQUEST")


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"extensions": persisted(UNKNOWN)}, id="unknown"),
        pytest.param({"extensions": persisted(7)}, id="number"),
        pytest.param({"extensions": {"persistedQuery": None}}, id="null"),
        pytest.param({"extensions": persisted(compute_id(VIEWER)), "query": VIEWER}, id="with query"),
        pytest.param({"extensions": persisted(UNKNOWN), "documentId": compute_id(VIEWER)}, id="with documentId"),
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_persisted_query_that_cannot_be_executed_has_the_error_that_apollo_client_knows(
    http: httpx2.Client, document_id: str, accept: str, members: dict[str, Any]
) -> None:
    response = post(http, accept, **members)
    assert (response.status_code, code(response)) == (200, "PERSISTED_QUERY_NOT_SUPPORTED")
    assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"


def test_document_by_get_is_refused(http: httpx2.Client, document_id: str) -> None:
    response = http.get(PATH, params={"documentId": document_id}, headers={"accept": GRAPHQL})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.fixture
def closed_world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that executes trusted documents only."""
    changed = {"database_url": sqlite_url, "trusted_documents_only": True}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as made:
        yield made


class TestTrustedDocumentsOnly:
    """GATEWAY_TRUSTED_DOCUMENTS_ONLY."""

    @pytest.fixture
    def world(self, closed_world: GraphQLWorld) -> GraphQLWorld:
        return closed_world

    @pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
    def test_text_is_refused(self, http: httpx2.Client, accept: str, status: int) -> None:
        response = post(http, accept, query=VIEWER)
        assert (response.status_code, code(response)) == (status, "DOCUMENT_ID_REQUIRED")

    def test_registered_document_is_executed(self, http: httpx2.Client, document_id: str) -> None:
        assert post(http, documentId=document_id).json()["data"] == {"viewer": {"appName": "Green Cars website"}}
