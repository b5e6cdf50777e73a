"""A server of several workers over PostgreSQL and Valkey: its start and end, and what happens when a worker or the
parent is killed."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.support.locks import wait_for_waiters
from tests.support.merchant_client import MerchantClient, car
from tests.support.mixed_load import timeline
from tests.support.operators import Gateway
from tests.support.partner_time import PartnerTime, until
from tests.support.processes import is_running, send
from tests.support.steady_load import SteadyLoad
from tests.support.workers import Workers, seeded_workers

pytestmark = pytest.mark.slow


def running(pids: list[int]) -> list[int]:
    return [pid for pid in pids if is_running(pid)]


def registered(url: str) -> list[int]:
    """The processes in the registry."""
    with psycopg.connect(url) as connection:
        return sorted(pid for (pid,) in connection.execute("SELECT pid FROM processes"))


@pytest.fixture
def server(empty_postgresql_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    """A server of two workers with the demo partner, whose scheduler runs often."""
    with seeded_workers(empty_postgresql_url, tmp_path / "state", valkey_url, clock_interval="PT0.1S") as workers:
        yield workers


def test_workers_start_and_end_together(postgresql_url: str, valkey_url: str, tmp_path: Path) -> None:
    with Workers(postgresql_url, tmp_path / "state", valkey_url) as server:
        workers = server.workers
        assert (len(workers), registered(postgresql_url)) == (2, workers)
        address = server.printed[1].removeprefix("Its issuer is ").removesuffix(".")
        with httpx2.Client(base_url=address, timeout=20) as http:
            assert http.get("/readyz").json() == {"status": "ok"}
            assert http.get("/.well-known/oauth-authorization-server").json()["issuer"] == address
    assert server.exit_code == 0
    assert (running(workers), registered(postgresql_url)) == ([], [])
    assert len(server.printed) == 2, "its addresses, once"
    assert {line["pid"] for line in server.events("adapter_loaded")} == set(workers)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{address}/healthz")


def test_workers_end_when_their_parent_is_killed(server: Workers, empty_postgresql_url: str) -> None:
    workers = server.workers
    server.kill()
    until(lambda: running(workers), lambda pids: pids == [])
    assert len(server.events("parent_ended")) == 2
    assert registered(empty_postgresql_url) == []
    with server:
        assert len(server.workers) == 2


def confirm_more(load: SteadyLoad) -> None:
    """Returns when more than 20 further decisions are confirmed."""
    confirmed = len(load.confirmed)
    until(lambda: len(load.confirmed), lambda number: number > confirmed + 20)


def are_two_without(ended: int, pids: list[int]) -> bool:
    return len(pids) == 2 and ended not in pids


def test_killed_worker_loses_nothing_that_was_confirmed(server: Workers, empty_postgresql_url: str) -> None:
    load, first = SteadyLoad(server, 6), server.workers
    with load.running():
        for victim in first:
            confirm_more(load)
            send(victim, signal.SIGKILL)
            until(lambda: server.workers, partial(are_two_without, victim))
            until(lambda: registered(empty_postgresql_url), lambda pids: pids == server.workers)
        confirm_more(load)
    assert load.errors == []
    assert [line["worker"] for line in server.events("worker_ended")] == first
    with psycopg.connect(empty_postgresql_url) as connection:
        stored: dict[str, str] = dict(connection.execute("SELECT id, merchant_reference FROM decisions").fetchall())
    assert stored == load.confirmed, "no confirmed decision is missing, and none was made twice"
    load.close()
    operator = Gateway(empty_postgresql_url, server.folder)
    assert "agree with each other" in operator.output("database", "check", "--deep")
    operator.output("log", "verify")


def test_task_of_a_killed_worker_is_taken_over(server: Workers, empty_postgresql_url: str) -> None:
    merchant = MerchantClient(server)
    decision = merchant.request(merchant.token(), car("10.00"))["decision"]
    (holder,) = until(lambda: server.events("tasks_taken"), lambda lines: len(lines) == 1)
    with psycopg.connect(empty_postgresql_url) as connection:
        connection.execute("SELECT FROM decisions WHERE id = %s FOR UPDATE", (decision["id"],))
        PartnerTime(empty_postgresql_url).forward(timedelta(days=8))
        wait_for_waiters(empty_postgresql_url, 1)  # the scheduler of one worker
        send(holder["pid"], signal.SIGKILL)
        (_, successor) = until(lambda: server.events("tasks_taken"), lambda lines: len(lines) == 2)
        assert successor["pid"] != holder["pid"]
        connection.rollback()
    events: list[dict[str, Any]] = until(partial(timeline, merchant, decision["id"]), lambda lines: len(lines) > 1)
    assert [event["topic"] for event in events] == ["DECISION_APPROVED", "DECISION_EXPIRED"]
    merchant.close()
    output = Gateway(empty_postgresql_url, server.folder).output("database", "check", "--deep")
    assert "agree with each other" in output
