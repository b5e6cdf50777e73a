"""Why a database cannot be used: one sentence for each class of causes, without addresses and passwords."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from gateway.store.causes import explain
from gateway.store.database import Database, DatabaseDown, create_database_file
from gateway.store.outages import DatabaseUnavailable
from gateway.store.unit import UnitOfWork
from gateway.store.waits import Waits
from tests.support.factories import make_partner
from tests.support.postgresql import Cluster, is_available

SHORT = Waits(lock=0.3, statement=1, pool=0.3, connect=2, grace=0.5)
WORD = "hidden-word"


def cause(url: str) -> str:
    """The sentence about a database that cannot be used."""
    with pytest.raises(DatabaseDown) as raised, closing(Database(url, size=1, waits=SHORT)) as database:
        database.ping()
    assert WORD not in str(raised.value)
    return str(raised.value)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Cluster, int]]:
    """A server with passwords for the user `gateway`, which wants TLS over TCP, and its port."""
    if not is_available():
        pytest.skip("no embedded PostgreSQL")
    port = free_port()
    with Cluster() as cluster:
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE gateway LOGIN PASSWORD '{WORD}'".encode())
            connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 0")
            connection.execute("CHECKPOINT")  # otherwise the new roles could be lost
        cluster.kill()
        cluster.configure(f"listen_addresses = '127.0.0.1'\nport = {port}")
        rules = ["local all gateway scram-sha-256", "local all all trust", "hostssl all gateway 127.0.0.1/32 trust"]
        cluster.admit(rules)
        cluster.start(port)
        yield cluster, port


@pytest.mark.parametrize(
    ("user", "query", "sentence"),
    [
        ("gateway:wrong", "", "refuses the user name or the password"),
        ("nobody", "", "does not know the user"),
        ("few", "", "too many connections"),
        (f"gateway:{WORD}", "none", "does not exist on the server"),
    ],
)
def test_h5_refused_connection(server: tuple[Cluster, int], user: str, query: str, sentence: str) -> None:
    cluster, port = server
    url = cluster.url(query or "postgres").replace("postgres@", f"{user}@", 1) + f"&port={port}"
    assert sentence in cause(url)


def test_h5_server_that_wants_tls(server: tuple[Cluster, int]) -> None:
    assert "sslmode=require" in cause(f"postgresql://gateway:{WORD}@127.0.0.1:{server[1]}/postgres")


def test_h5_server_without_tls(server: tuple[Cluster, int]) -> None:
    url = f"postgresql://gateway:{WORD}@127.0.0.1:{server[1]}/postgres?sslmode=require"
    assert "demands TLS" in cause(url)


@pytest.mark.parametrize("password", [f"p@{WORD}", f"{WORD}@@"])
def test_h5_url_with_an_unencoded_at_sign(password: str) -> None:
    assert "write it as %40" in cause(f"postgresql://gateway:{password}@127.0.0.1/gateway")


def test_h5_unknown_host() -> None:
    assert "host in the database URL is not known" in cause(f"postgresql://gateway:{WORD}@nowhere.invalid/gateway")


def test_h5_refused_port() -> None:
    assert "Nothing listens" in cause(f"postgresql://gateway:{WORD}@127.0.0.1:{free_port()}/gateway")


def test_h5_missing_socket(tmp_path: Path) -> None:
    assert "no database server at the socket" in cause(f"postgresql://gateway:{WORD}@/gateway?host={tmp_path}")


@pytest.mark.slow
def test_h5_server_that_hangs(own_postgresql: Cluster) -> None:
    with own_postgresql.hanging():
        assert "does not reply in time" in cause(own_postgresql.url("gateway"))


def test_h5_locked_file(sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in cause(sqlite_url)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"not a database" * 100, "is not an SQLite database"), (None, "is damaged")],
    ids=["other-file", "damaged"],
)
def test_h5_file_that_is_no_database(sqlite_url: str, content: bytes | None, sentence: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    file.write_bytes(content or file.read_bytes()[:100] + b"x" * 8000)
    assert sentence in cause(sqlite_url)


def test_h5_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseDown, match="cannot be created"):
        create_database_file(f"sqlite:///{tmp_path}/file/gateway.db")


def test_h5_file_that_is_a_folder(tmp_path: Path) -> None:
    assert "cannot be opened" in cause(f"sqlite:///{tmp_path}")


def test_h5_file_that_only_reads(sqlite_url: str) -> None:
    def write(unit: UnitOfWork) -> None:
        unit.connection.exec_driver_sql("PRAGMA query_only = ON")
        make_partner(unit)

    with closing(Database(sqlite_url)) as database, pytest.raises(DatabaseUnavailable) as raised:
        database.write(write)
    assert "cannot be written" in explain(raised.value)
