"""Trusted documents at a server of two workers, registered and removed by commands while it runs."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.domain.identity.trusted_document import compute_id
from schema.trusted_documents import FRESH
from tests.support.merchant_client import MerchantClient
from tests.support.operators import Gateway
from tests.support.workers import Workers, seeded_workers

pytestmark = pytest.mark.slow
TEXT = "query Name { viewer { appName } }"
CONNECTIONS = 8
"""More than workers, so that each of them has some."""


@pytest.fixture
def server(empty_postgresql_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    """A server of two workers that executes trusted documents only."""
    settings = {"trusted_documents_only": "true"}
    with seeded_workers(empty_postgresql_url, tmp_path / "state", valkey_url, **settings) as workers:
        yield workers


def outcomes(connections: list[httpx2.Client], merchant: MerchantClient, **request: str) -> set[str]:
    """The names or the error codes in the responses over all connections."""
    found = set()
    for http in connections:
        headers = {"Authorization": f"Bearer {merchant.merchant_token}"}
        body = http.post("/graphql", json=request, headers=headers).json()
        found.add(body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"]["viewer"]["appName"])
    return found


def test_change_reaches_all_workers_within_a_second(server: Workers, empty_postgresql_url: str) -> None:
    operator, merchant = Gateway(empty_postgresql_url, server.folder), MerchantClient(server)
    client_id, document_id = merchant.app.client_id, compute_id(TEXT)
    connections = [httpx2.Client(base_url=merchant.credentials["issuer"], timeout=30) for _ in range(CONNECTIONS)]
    try:
        assert outcomes(connections, merchant, query=TEXT) == {"DOCUMENT_ID_REQUIRED"}
        assert outcomes(connections, merchant, documentId=document_id) == {"DOCUMENT_NOT_FOUND"}
        operator.output("clients", "documents", client_id, "-", stdin=TEXT)
        (name,) = outcomes(connections, merchant, documentId=document_id)
        assert name not in {"DOCUMENT_NOT_FOUND", "DOCUMENT_ID_REQUIRED"}
        operator.output("clients", "documents", client_id, "--remove", document_id)
        time.sleep(FRESH)
        assert outcomes(connections, merchant, documentId=document_id) == {"DOCUMENT_NOT_FOUND"}
    finally:
        for http in (*connections, merchant.http):
            http.close()
    assert "agree with each other" in operator.output("database", "check", "--deep")
    assert TEXT not in server.log
