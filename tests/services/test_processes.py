"""Several processes of one deployment: which may serve together, and how many connections they may open."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from gateway.bootstrap import build
from gateway.services.container import Container
from gateway.services.processes import ProcessRefused
from gateway.settings import Settings
from gateway.store.processes import EXPIRES_AFTER, ProcessRow
from tests.support.clock import MovableClock
from tests.support.race import race
from tests.support.valkey import ValkeyServer

pytestmark = pytest.mark.postgresql

Starter = Callable[..., Container]


@pytest.fixture
def start(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[Starter]:
    """Builds a process of the deployment with changed settings, as if it ran on a machine of its own."""
    opened: list[Container] = []

    def begin(**changed: Any) -> Container:
        container = build(settings.model_copy(update={"database_url": database_url, **changed}), clock=clock)
        container.processes._place = f"machine-{len(opened)} pid:[1]"
        opened.append(container)
        return container

    yield begin
    for each in opened:
        each.close()


def rows(container: Container) -> list[ProcessRow]:
    return container.database.write(lambda unit: unit.processes.list_processes(unit.wall))


def test_h7_first_process_starts_without_warning(start: Starter) -> None:
    assert start().processes.join() == []


def test_h7_second_process_without_valkey_is_warned_in_a_sandbox(start: Starter) -> None:
    first, second = start(), start()
    first.processes.join()
    (warning,) = second.processes.join()
    assert f"{os.getpid()} at machine-0" in warning
    assert ("only one may serve" if second.database.sqlite else "GATEWAY_VALKEY_URL") in warning


def test_h7_second_process_without_valkey_is_refused_in_live(start: Starter) -> None:
    first, second = start(), start()
    first.processes.join()
    second.processes._strict = True
    with pytest.raises(ProcessRefused, match="running"):
        second.processes.join()
    assert len(rows(first)) == 1


def test_h7_processes_of_one_valkey_may_serve_together(start: Starter, valkey_url: str) -> None:
    for _ in range(3):
        each = start(valkey_url=SecretStr(valkey_url))
        each.replays.check()
        each.processes._strict = True
        assert each.processes.join() == []


def test_h7_processes_of_two_valkeys_are_warned(start: Starter, valkey_url: str, own_valkey: ValkeyServer) -> None:
    first, second = start(valkey_url=SecretStr(valkey_url)), start(valkey_url=SecretStr(own_valkey.url))
    for each in (first, second):
        each.replays.check()
    first.processes.join()
    assert len(second.processes.join()) == 1


def test_h7_differing_settings_are_named_without_their_values(start: Starter, valkey_url: str) -> None:
    shared = SecretStr(valkey_url)
    first = start(valkey_url=shared)
    second = start(valkey_url=shared, login_attempts=7, access_token_life=timedelta(minutes=1), worker_threads=4)
    for each in (first, second):
        each.replays.check()
    first.processes.join()
    (warning,) = second.processes.join()
    assert warning.endswith("settings: GATEWAY_ACCESS_TOKEN_LIFE, GATEWAY_LOGIN_ATTEMPTS.")


def test_h7_settings_are_stored_as_keyed_digests(start: Starter) -> None:
    first = start(issuer="https://gateway.example")
    first.processes.join()
    (row,) = rows(first)
    assert {len(digest) for digest in row.settings.values()} == {16}
    assert {"secret_key", "database_url", "valkey_url"}.isdisjoint(row.settings)


def test_h7_process_that_ends_leaves_no_row(start: Starter) -> None:
    first, second = start(), start()
    first.processes.join()
    first.processes.leave()
    assert second.processes.join() == []


def test_h7_row_of_a_crashed_process_expires(start: Starter, clock: MovableClock) -> None:
    crashed, second = start(), start()
    crashed.processes.join()
    clock.advance(seconds=EXPIRES_AFTER.total_seconds() + 1)
    assert second.processes.join() == []


def test_h7_renewed_row_does_not_expire(start: Starter, clock: MovableClock) -> None:
    first, second = start(), start()
    first.processes.join()
    for _ in range(10):
        clock.advance(seconds=10)
        first.processes.renew()
    assert len(second.processes.join()) == 1


def test_h7_suspended_process_that_continues_is_registered_again(start: Starter, clock: MovableClock) -> None:
    first = start()
    first.processes.join()
    clock.advance(seconds=1000)
    assert rows(first) == []
    first.processes.renew()
    assert len(rows(first)) == 1


def test_h7_crashed_process_of_the_same_machine_is_noticed_at_once(start: Starter) -> None:
    crashed, second = start(), start()
    crashed.processes._place = second.processes._place
    crashed.processes._pid = 2**22 + 1  # no process has such an id
    crashed.processes.join()
    assert second.processes.join() == []


def test_h7_of_simultaneous_starts_each_but_the_first_is_warned(start: Starter) -> None:
    containers = [start() for _ in range(4)]
    warnings = race(lambda number: len(containers[number].processes.join()), 4)
    assert sorted(warnings) == [0, 1, 1, 1]


def test_h6_too_many_connections_are_refused(start: Starter, database_url: str) -> None:
    with start().database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            pytest.skip("it has no limit")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" CONNECTION LIMIT 40')
    start(database_connections=20).processes.join()
    with pytest.raises(ProcessRefused, match="CONNECTION LIMIT of the database") as refused:
        start(database_connections=20).processes.join()
    assert "21 connections to the database, 1 other process(es) 21" in str(refused.value)
    start(database_connections=10).processes.join()


def test_h6_server_limit_is_that_of_its_settings(start: Starter) -> None:
    limit = start().database.read(lambda unit: unit.deployment.load_connection_limit())
    if limit is not None:
        assert (limit.connections, limit.source) == (97, "max_connections without the reserved ones")


def test_h2_postgresql_closes_the_connections_of_a_process_that_hangs(start: Starter) -> None:
    process = start()
    if process.database.sqlite:
        pytest.skip("its locks end with the process")
    limits = "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('idle_session_timeout')"
    for database, expected in ((process.database, ("35s", "0")), (process.processes._database, ("35s", "35s"))):
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql(limits).one() == expected
