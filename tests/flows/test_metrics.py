"""Metrics of a server: of one process, and of two workers together."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.fixtures.server import copy_seeded
from tests.support.merchant_client import TIER, MerchantClient, car
from tests.support.metrics import Samples, difference, scrape
from tests.support.operators import Gateway
from tests.support.partner_time import until
from tests.support.processes import send
from tests.support.server import Sandbox, free_port
from tests.support.workers import Workers, seeded_workers

REQUESTS = "gateway_http_requests_total", 'route="graphql",status="2xx"'
COMPILED = "gateway_graphql_executions_total", 'executor="compiled",reason=""'
PROCESSES = "gateway_serving_processes", ""


def test_server_serves_its_metrics_at_their_own_address_only(seeded_folder: Path, tmp_path: Path) -> None:
    url = copy_seeded(seeded_folder, tmp_path)
    address = f"127.0.0.1:{free_port()}"
    with Sandbox(url, tmp_path, metrics_address=address, query_compilation="true") as sandbox:
        merchant = MerchantClient(sandbox)
        token = merchant.token()
        before = scrape(address)
        for _ in range(3):
            merchant.graphql(token, TIER).data  # noqa: B018
        decision = merchant.request(token, car("10.00"))["decision"]
        growth = difference(before, scrape(address))
        text = httpx2.get(f"http://{address}/metrics").text
        assert merchant.http.get("/metrics").status_code == 404
        second = Gateway(url, tmp_path, GATEWAY_METRICS_ADDRESS=address)
        assert "is in use" in second("serve", "--port", "0").stderr
    executions = {key: number for key, number in growth.items() if "executions" in key[0]}
    assert executions == {
        COMPILED: 2,
        ("gateway_graphql_executions_total", 'executor="graphql-core",reason="first_use"'): 2,
    }
    assert (growth[REQUESTS], growth["gateway_graphql_duration_seconds_count", ""]) == (4, 4)
    assert growth["gateway_sqlite_units_total", ""] >= growth["gateway_sqlite_commits_total", ""] >= 4
    identifiers = (merchant.app.client_id, merchant.merchant["id"], decision["id"], token, "excellent")
    assert not [each for each in identifiers if each in text]
    merchant.http.close()


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def server(empty_postgresql_url: str, valkey_url: str, tmp_path: Path, address: str) -> Iterator[Workers]:
    settings = {"metrics_address": address}
    with seeded_workers(empty_postgresql_url, tmp_path / "state", valkey_url, **settings) as workers:
        yield workers


def send_requests(merchant: MerchantClient, number: int) -> None:
    """Sends so many requests, each over a connection of its own."""
    for _ in range(number):
        headers = {"Authorization": f"Bearer {merchant.merchant_token}", "Connection": "close"}
        response = merchant.http.post("/graphql", json={"query": "{ viewer { appName } }"}, headers=headers)
        assert response.json()["data"]


@pytest.mark.slow
def test_numbers_of_workers_add_up_and_never_go_back(server: Workers, address: str) -> None:
    merchant = MerchantClient(server)
    before: Samples = until(lambda: scrape(address), lambda samples: samples[PROCESSES] == 2)
    send_requests(merchant, 40)
    grown = scrape(address)
    assert difference(before, grown)[REQUESTS] == 40
    victim = server.workers[0]
    send(victim, signal.SIGKILL)
    until(lambda: server.workers, lambda pids: len(pids) == 2 and victim not in pids)
    after: Samples = until(lambda: scrape(address), lambda samples: samples[PROCESSES] == 2)
    assert after[REQUESTS] == grown[REQUESTS]
    send_requests(merchant, 10)
    assert scrape(address)[REQUESTS] == grown[REQUESTS] + 10
    merchant.http.close()
