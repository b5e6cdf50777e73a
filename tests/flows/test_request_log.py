"""The request log of real servers: several workers write it, and a server that ends writes what it has."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import copy_seeded
from tests.support.server import Sandbox
from tests.support.workers import Workers, seeded_workers

pytestmark = pytest.mark.slow

WHO = "query Who { viewer { appName } }"
LOG = """{ requestLog(first: 100, filter: {operationName: "Who"}) { nodes { requestId httpStatus errorCodes } } }"""


def merchant_token(server: Sandbox) -> str:
    merchant = next(each for each in server.credentials["merchants"] if each["adapter"] == "online_shop")
    return str(merchant["merchant_token"])


def post(server: Sandbox, query: str, request_id: str = "req_test_log", *, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token or merchant_token(server)}", "X-Request-ID": request_id}
    address = server.credentials["issuer"]
    with httpx2.Client(timeout=20) as http:  # a new connection, so that each worker gets some
        return http.post(f"{address}/graphql", json={"query": query}, headers=headers).json()


def logged(server: Sandbox) -> set[str]:
    return {each["requestId"] for each in post(server, LOG)["data"]["requestLog"]["nodes"]}


@pytest.fixture
def workers(empty_postgresql_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    with seeded_workers(empty_postgresql_url, tmp_path / "state", valkey_url) as workers:
        yield workers


def test_requests_to_all_workers_are_in_one_log(workers: Workers) -> None:
    sent = {f"worker-request-{number}" for number in range(30)}
    for request_id in sent:
        post(workers, WHO, request_id)
    end = time.monotonic() + 20
    while logged(workers) != sent and time.monotonic() < end:
        time.sleep(0.1)
    assert logged(workers) == sent


def test_server_that_ends_writes_the_last_requests(seeded_folder: Path, tmp_path: Path) -> None:
    with Sandbox(copy_seeded(seeded_folder, tmp_path), tmp_path) as server:
        post(server, WHO, "the-last-request")
        token = merchant_token(server)
        server.stop()
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        rows = list(connection.execute("SELECT * FROM request_log"))
    assert [("the-last-request" in repr(row), token in repr(row)) for row in rows] == [(True, False)]
