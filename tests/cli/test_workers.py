"""`gateway serve --workers`: what is refused, and why no worker starts, each in one line."""

from pathlib import Path

import psycopg
import pytest

from tests.cli.test_serve import KEY
from tests.support.operators import Gateway
from tests.support.valkey import unreachable_url

ENVIRONMENTS = {
    "sandbox": {},
    "live": {
        "GATEWAY_ENVIRONMENT": "live",
        "GATEWAY_ISSUER": "https://gateway.example",
        "GATEWAY_SECRET_KEY": KEY,
        "GATEWAY_ADAPTERS": "car_rental",
    },
}
POSTGRESQL = "postgresql://gateway@/gateway?host=/nowhere"


def refusal(url: str, folder: Path, *arguments: str, **settings: str) -> str:
    """The only line of a server that does not start."""
    return Gateway(url, folder, **settings).error_line("serve", "--port", "0", *arguments)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_h7_several_workers_over_sqlite_are_refused(sqlite_url: str, tmp_path: Path, environment: str) -> None:
    settings = {"GATEWAY_VALKEY_URL": unreachable_url(), **ENVIRONMENTS[environment]}
    line = refusal(sqlite_url, tmp_path, "--workers", "2", **settings)
    assert line.startswith("error: --workers 2: several workers need PostgreSQL, because a SQLite file has one writing")
    assert "GATEWAY_DATABASE_URL=postgresql://" in line


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_h7_several_workers_without_valkey_are_refused(tmp_path: Path, environment: str) -> None:
    line = refusal(POSTGRESQL, tmp_path, "--workers", "2", **ENVIRONMENTS[environment])
    assert line.startswith("error: --workers 2: several workers need a Valkey. Without it a proof that was used at one")
    assert "Set GATEWAY_VALKEY_URL" in line


@pytest.mark.parametrize("number", ["0", "-1", "65", "two", "1.5", "", "999999999999999999999"])
def test_number_of_workers_is_from_1_to_64(sqlite_url: str, tmp_path: Path, number: str) -> None:
    done = Gateway(sqlite_url, tmp_path)("serve", "--port", "0", "--workers", number)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "--workers" in done.stderr
    assert "gateway serve --help" in done.stderr


@pytest.mark.slow
def test_unmigrated_database_is_named_once(empty_postgresql_url: str, valkey_url: str, tmp_path: Path) -> None:
    line = refusal(empty_postgresql_url, tmp_path, "--workers", "2", GATEWAY_VALKEY_URL=valkey_url)
    assert "gateway database upgrade" in line


@pytest.mark.slow
def test_valkey_that_does_not_respond_is_named_once(postgresql_url: str, tmp_path: Path) -> None:
    line = refusal(postgresql_url, tmp_path, "--workers", "2", GATEWAY_VALKEY_URL=unreachable_url())
    assert "GATEWAY_VALKEY_URL: Valkey does not respond at this address." in line
    assert "hidden-word" not in line


@pytest.mark.slow
def test_h6_workers_with_too_many_connections_do_not_start(
    postgresql_url: str, valkey_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" CONNECTION LIMIT 60')
    settings = {"GATEWAY_VALKEY_URL": valkey_url, "GATEWAY_DATABASE_CONNECTIONS": "19"}
    line = refusal(postgresql_url, tmp_path, "--workers", "4", **settings)
    assert (
        "This process may open 20 connections to the database, 2 other process(es) 40, and 3 are for commands" in line
    )
    assert "Lower GATEWAY_DATABASE_CONNECTIONS" in line
