"""Health checks: what is not ready is named, within a time limit, and nothing waits for a check that hangs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.kit.clock import wall_clock
from gateway.kit.outage import Outage
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.web.health import Readiness, Steps
from migrations import runner
from tests.support.locks import locked
from tests.support.postgresql import Cluster
from tests.support.units import writing
from tests.support.valkey import ValkeyServer

LONGEST = 8.0
"""Seconds within which /readyz responds, on a busy machine."""


def client_of(*checks: Steps, longest: float = 3) -> TestClient:
    return TestClient(Starlette(routes=list(Readiness(checks, longest=longest, fresh=0).routes())))


def failing(http: TestClient) -> dict[str, str]:
    """What /readyz names. Empty if it is 200. /healthz must be 200 in any case."""
    assert http.get("/healthz").status_code == 200
    began = time.monotonic()
    response = http.get("/readyz")
    assert time.monotonic() - began < LONGEST
    assert response.headers["cache-control"] == "no-store"
    if response.status_code == 200:
        assert response.json() == {"status": "ok"}
        return {}
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    found: dict[str, str] = response.json()["not_ready"]
    return found


def test_ready() -> None:
    assert failing(client_of([("database", lambda: None), ("revision", lambda: None)])) == {}


def test_h3_each_failing_check_is_named_with_its_code() -> None:
    def down(code: str) -> Callable[[], None]:
        def raise_it() -> None:
            raise Outage("x", code, "user:password@host")

        return raise_it

    http = client_of([("database", down("53100")), ("revision", down("not run"))], [("valkey", down("TimeoutError"))])
    assert failing(http) == {"database": "53100", "valkey": "TimeoutError"}


def test_unexpected_error_is_named_by_its_type() -> None:
    def broken() -> None:
        raise ConnectionError("user:password@host")

    assert failing(client_of([("database", broken)])) == {"database": "ConnectionError"}


def test_h2_check_that_hangs_is_named_and_runs_once() -> None:
    release, runs = threading.Event(), list[int]()

    def hang() -> None:
        runs.append(1)
        release.wait(30)

    http = client_of([("database", lambda: None), ("revision", hang)], [("valkey", lambda: None)], longest=0.2)
    try:
        assert [failing(http) for _ in range(3)] == [{"revision": "NO_REPLY"}] * 3
        assert len(runs) == 1
    finally:
        release.set()


@contextmanager
def server_of(settings: Settings) -> Iterator[TestClient]:
    """The health checks of a whole application."""
    with closing(build(settings, clock=wall_clock)) as container:
        yield TestClient(create_app(container))


def eventually(http: TestClient, expected: dict[str, str]) -> None:
    """Waits until a result that is used again has aged."""
    deadline = time.monotonic() + LONGEST
    while (found := failing(http)) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.mark.slow
def test_h3_database_that_cannot_be_written_is_not_ready(deployment: Settings) -> None:
    with server_of(deployment) as http:
        assert failing(http) == {}
        with locked(deployment.database_url, "processes"):
            time.sleep(1.1)
            (name,) = failing(http)
        assert name == "database"
        eventually(http, {})


@pytest.mark.postgresql
def test_h3_database_at_an_older_revision_is_not_ready(deployment: Settings) -> None:
    with server_of(deployment) as http, closing(Database(deployment.database_url)) as database:
        with writing(database) as unit:
            unit.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '2026_11_28_1500'")
        assert failing(http) == {"revision": "OTHER_REVISION"}


@pytest.mark.parametrize(("revision", "ready"), [("2099_01_01_1200", True), ("of-another-program", False)])
def test_h3_newer_revision_can_be_served_during_an_upgrade(
    settings: Settings, sqlite_url: str, revision: str, ready: bool
) -> None:
    with (
        server_of(settings.model_copy(update={"database_url": sqlite_url})) as http,
        closing(Database(sqlite_url)) as database,
    ):
        with writing(database) as unit:
            unit.connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        assert failing(http) == ({} if ready else {"revision": "OTHER_REVISION"})


def test_h3_database_that_was_downgraded_to_nothing_is_not_ready(settings: Settings, sqlite_url: str) -> None:
    with server_of(settings.model_copy(update={"database_url": sqlite_url})) as http:
        runner.downgrade(sqlite_url, "base")
        (name,) = failing(http)
        assert name in {"database", "revision"}


def test_h3_full_disk_is_not_ready(settings: Settings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.database.LEAST_SPACE", 2**62)
    with server_of(settings.model_copy(update={"database_url": sqlite_url})) as http:
        assert failing(http) == {"database": "SQLITE_FULL"}


@pytest.mark.slow
def test_h3_valkey_that_stops_is_not_ready(settings: Settings, sqlite_url: str, own_valkey: ValkeyServer) -> None:
    changed = {"database_url": sqlite_url, "valkey_url": SecretStr(own_valkey.url)}
    with server_of(settings.model_copy(update=changed)) as http:
        assert failing(http) == {}
        own_valkey.kill()
        eventually(http, {"valkey": "ConnectionError"})
        own_valkey.start("--maxmemory-policy", "allkeys-lru")
        eventually(http, {"valkey": "EVICTION_POLICY"})


@pytest.mark.slow
def test_h2_h3_hanging_postgresql_is_not_ready(settings: Settings, own_postgresql: Cluster) -> None:
    with server_of(settings.model_copy(update={"database_url": own_postgresql.url("gateway")})) as http:
        assert failing(http) == {}
        time.sleep(1.1)
        with own_postgresql.hanging():
            assert failing(http) == {"database": "NO_REPLY"}
        eventually(http, {})
