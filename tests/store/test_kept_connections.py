"""Connections that stay open between units of work."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.store.database import create_database_file
from gateway.store.kept_connections import KeptConnections
from gateway.store.sqlite import reading_engine
from gateway.store.waits import Waits
from tests.support.http_server import wait_until

SIZE = 2


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/kept.db"
    create_database_file(url)
    engine = reading_engine(url, SIZE, Waits(pool=0.05))
    yield engine
    engine.dispose()


@pytest.fixture
def kept(engine: Engine) -> KeptConnections:
    return KeptConnections(engine, SIZE)


def driver_of(connection: Connection) -> object:
    return connection.connection.dbapi_connection


def test_connection_is_used_again(kept: KeptConnections) -> None:
    with kept.connect() as first:
        before = driver_of(first)
    with kept.connect() as second:
        assert driver_of(second) is before


def test_connection_used_last_is_used_next(kept: KeptConnections) -> None:
    with kept.connect() as outer, kept.connect():
        last = driver_of(outer)
    with kept.connect() as connection:
        assert driver_of(connection) is last


@pytest.mark.parametrize("error", [None, ValueError()])
def test_transaction_ends_with_the_block(kept: KeptConnections, error: Exception | None) -> None:
    with ExitStack() as stack:
        if error is not None:
            stack.enter_context(pytest.raises(ValueError))
        with kept.connect() as connection:
            connection.begin()
            if error is not None:
                raise error
    with kept.connect() as connection:
        assert not connection.in_transaction()
        assert not connection.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]


def test_no_more_are_open_than_the_engine_allows(kept: KeptConnections) -> None:
    with kept.connect(), kept.connect(), pytest.raises(PoolTimeout), kept.connect():
        pass
    with kept.connect(), kept.connect():
        assert kept.unused == 0


def test_who_waits_gets_the_next_connection(engine: Engine) -> None:
    waits = Waits(pool=10)
    engine.pool._timeout = waits.pool  # type: ignore[attr-defined]  # of QueuePool
    kept, got = KeptConnections(engine, SIZE), list[bool]()

    def wait() -> None:
        with kept.connect() as connection:
            got.append(not connection.closed)

    with kept.connect():
        with kept.connect():
            waiting = Thread(target=wait)
            waiting.start()
            wait_until(lambda: kept._waiting == 1)
        waiting.join(5)
        assert got == [True]


def test_at_most_so_many_are_kept(engine: Engine) -> None:
    kept = KeptConnections(engine, 1)
    with kept.connect(), kept.connect():
        pass
    assert kept.unused == 1
    with engine.connect() as other:
        assert not other.closed


def test_kept_connections_are_closed_with_the_database(engine: Engine, kept: KeptConnections) -> None:
    with kept.connect():
        pass
    kept.close()
    assert kept.unused == 0
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of QueuePool


def test_lost_connection_is_not_kept(kept: KeptConnections) -> None:
    with kept.connect() as connection:
        lost = driver_of(connection)
        connection.invalidate()
    assert kept.unused == 0
    with kept.connect() as connection:
        assert driver_of(connection) is not lost
