"""Migrations: upgrade and downgrade of seeded databases, from any folder and concurrently. The migrated database has
the triggers and matches the tables of the code."""

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import CommandLine, Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from gateway.audit.log_verification import verify_logs
from gateway.audit.records import compare_records
from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from gateway.store.tables import metadata
from migrations import append_only, runner
from tests.fixtures.settings import MASTER
from tests.support.checkout import ROOT, python_files
from tests.support.clock import BUSINESS_NOON
from tests.support.command_line import COMMANDS
from tests.support.factories import (
    ids,
    make_access_token,
    make_cast,
    make_code,
    make_consent,
    make_decision,
    make_persona,
    make_pushed_request,
    make_refresh_token,
)
from tests.support.logs import log_access, log_decision
from tests.support.server import ForkedServer, bare_environment
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LOGS = ("access_log", "decision_log", "record_log")
FORWARD_ONLY = "2026_11_29_1800"
"""The only revision that cannot be reverted once it has been used: the previous version cannot verify log entries that
were written after it. The tests of downgrades have no such entries."""
APPEND_ONLY = (*LOGS, "policy_bounds", "policy_overrides")


def seed(url: str, *, logged: bool = True) -> None:
    """Writes rows into all tables that the factories support: into the access log and the decision log if `logged`."""
    with closing(Database(url, keyring=Keyring(MASTER, ids))) as database, writing(database) as unit:
        cast = make_cast(unit)
        make_persona(unit, cast.partner, cast.user)
        make_pushed_request(unit, cast.client)
        make_code(unit, cast.consent)
        make_access_token(unit, cast.client, cast.consent)
        make_refresh_token(unit, cast.consent)
        for _ in range(3 if logged else 0):
            log_decision(unit, cast)
            log_access(unit, cast)


def tables(url: str) -> set[str]:
    with closing(Database(url)) as database, database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def triggers(url: str) -> set[tuple[Any, ...]]:
    """Returns (table, trigger) on SQLite. On PostgreSQL also when it fires ("A" is always) and whether on TRUNCATE."""
    query = {
        True: "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
        False: "SELECT tgrelid::regclass::text, tgname, tgenabled, (tgtype & 32) <> 0 FROM pg_trigger "
        "WHERE NOT tgisinternal",
    }
    with closing(Database(url)) as database, database.engine.connect() as connection:
        return {tuple(row) for row in connection.execute(text(query[database.sqlite]))}


def expected_triggers(url: str) -> set[tuple[Any, ...]]:
    if url.startswith("sqlite"):
        return {(table, f"{table}_{trigger}") for table in APPEND_ONLY for trigger in append_only.SQLITE_TRIGGERS}
    return {(table, append_only.POSTGRESQL_TRIGGER, "A", True) for table in APPEND_ONLY}


def test_downgrade_to_base_and_upgrade_on_a_seeded_database(database_url: str) -> None:
    seed(database_url, logged=False)
    runner.downgrade(database_url, "base")
    assert tables(database_url) == {"alembic_version"}
    assert triggers(database_url) == set()
    assert runner.current(database_url) is None
    runner.upgrade(database_url)
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    seed(database_url)
    with closing(Database(database_url)) as database, reading(database) as unit:
        assert verify_logs(unit).intact


@pytest.mark.slow
def test_each_revision_can_be_reverted_on_a_seeded_database(database_url: str) -> None:
    seed(database_url, logged=False)
    revisions = list(ScriptDirectory.from_config(runner.configuration()).walk_revisions())
    for revision in revisions[:-1]:  # the first one is reverted by the test above
        runner.downgrade(database_url, str(revision.down_revision))
        runner.upgrade(database_url, revision.revision)
    runner.upgrade(database_url)
    assert runner.is_current(database_url)
    assert triggers(database_url) == expected_triggers(database_url)


def test_used_trees_are_forward_only(database_url: str) -> None:
    seed(database_url)
    runner.downgrade(database_url, FORWARD_ONLY)
    with pytest.raises(RuntimeError, match=f"{FORWARD_ONLY} is forward only"):
        runner.downgrade(database_url, "2026_11_29_1700")
    assert runner.current(database_url) == FORWARD_ONLY
    runner.upgrade(database_url)
    with closing(Database(database_url)) as database, reading(database) as unit:
        assert verify_logs(unit).intact


def test_older_consents_get_versions(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with writing(database) as unit:
            cast = make_cast(unit)
            ended = make_consent(unit, cast.client, cast.user)
            unit.consents.revoke(ended.id, BUSINESS_NOON)
        runner.downgrade(database_url, "2026_11_23_1200")
        database.engine.dispose()
        runner.upgrade(database_url)
        with reading(database) as unit:
            first, second = (unit.consent_versions.list_of_consent(each.id) for each in (cast.consent, ended))
        assert [(each.version, each.action, each.at) for each in first] == [(1, "created", cast.consent.granted_at)]
        assert [(each.version, each.action, each.at) for each in second[1:]] == [(2, "revoked", BUSINESS_NOON)]
        assert (first[0].scopes, first[0].details) == (cast.consent.scopes, cast.consent.details)


def test_older_consents_count_as_used_if_they_were(database_url: str) -> None:
    """The digests of the record log are not over this column, so the migrated rows agree with them."""
    with closing(Database(database_url, keyring=Keyring(MASTER, ids))) as database:
        with writing(database) as unit:
            cast = make_cast(unit)
            read, decided, unused = (make_consent(unit, cast.client, cast.user) for _ in range(3))
            log_access(unit, replace(cast, consent=read))
            make_decision(unit, decided)
        runner.downgrade(database_url, "2026_11_30_0530")
        database.engine.dispose()
        runner.upgrade(database_url)
        with reading(database) as unit:
            for consent, first_used_at in ((read, read.granted_at), (decided, decided.granted_at), (unused, None)):
                assert unit.consents.load(consent.id) == replace(consent, first_used_at=first_used_at)
            assert [finding for _, finding in compare_records(unit, 100) if finding is not None] == []


def test_migrated_database_has_the_triggers(database_url: str) -> None:
    assert triggers(database_url) == expected_triggers(database_url)


@pytest.mark.parametrize("log", LOGS)
def test_install_restores_the_triggers_after_a_batch(database_url: str, log: str) -> None:
    """README.md requires this of a revision, because on SQLite a batch silently drops the triggers."""
    seed(database_url)
    with closing(Database(database_url)) as database, database.engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        with op.batch_alter_table(log) as batch:
            batch.add_column(sa.Column("remark", sa.Text(), nullable=True))
            batch.alter_column("public", type_=sa.Text())
        append_only.install(op, log, numbered=("leaf_index",))
    assert triggers(database_url) == expected_triggers(database_url)


def test_migrated_database_matches_the_tables_of_the_code(database_url: str) -> None:
    """`alembic check` finds no difference. Names and parts that it does not compare are compared here."""
    runner.check(database_url)
    with closing(Database(database_url)) as database, database.engine.connect() as connection:
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            # In any order, because a later revision adds its columns at the end.
            assert {column["name"] for column in inspector.get_columns(table.name)} == {c.name for c in table.columns}
            assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name
            keys = {key["name"] for key in inspector.get_foreign_keys(table.name)}
            assert keys == {key.name for key in table.foreign_key_constraints}


def test_upgraded_database_is_current(empty_database_url: str) -> None:
    assert runner.current(empty_database_url) is None
    assert not runner.is_current(empty_database_url)
    runner.upgrade(empty_database_url)
    assert runner.is_current(empty_database_url)
    runner.upgrade(empty_database_url)
    assert runner.current(empty_database_url) == runner.head()


def test_concurrent_upgrades_succeed(empty_database_url: str, tmp_path: Path) -> None:
    """Several processes may start together. Each upgrade runs in its own process, because Alembic keeps its context in
    a module."""
    environment = {**bare_environment(), "GATEWAY_DATABASE_URL": empty_database_url}
    errors = [tmp_path / f"errors {number}" for number in range(4)]
    upgrades = [
        ForkedServer(COMMANDS.start(["database", "upgrade"], environment, tmp_path / "output", file)) for file in errors
    ]

    assert [upgrade.wait(timeout=60) for upgrade in upgrades] == [0] * 4
    assert [file.read_text() for file in errors] == [""] * 4
    assert runner.is_current(empty_database_url)


def test_failed_upgrade_changes_nothing(empty_database_url: str) -> None:
    runner.upgrade(empty_database_url)
    runner.downgrade(empty_database_url, "base")
    with closing(Database(empty_database_url)) as database, writing(database) as unit:
        unit.connection.execute(text("CREATE VIEW access_log AS SELECT 1 AS id"))  # so that creating this table fails
    with pytest.raises(DBAPIError):
        runner.upgrade(empty_database_url)
    assert tables(empty_database_url) - {"alembic_version"} == set()
    assert runner.current(empty_database_url) is None


def alembic(*arguments: str) -> str:
    """Runs Alembic's command line in this process and returns its output."""
    line, output = CommandLine(), StringIO()
    options = line.parser.parse_args(arguments)
    line.run_cmd(Config(toml_file=str(ROOT / "pyproject.toml"), stdout=output, cmd_opts=options), options)
    return output.getvalue()


def test_the_command_line_reads_the_settings(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", empty_database_url)
    alembic("upgrade", "head")
    assert runner.is_current(empty_database_url)
    assert "No new upgrade operations" in alembic("check")


def test_offline_mode_prints_the_sql() -> None:
    command = [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"]
    environment = {**os.environ, "GATEWAY_DATABASE_URL": "postgresql://gateway@database.example/gateway"}
    sql = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert "SET LOCAL lock_timeout = '4s'" in sql
    assert "ENABLE ALWAYS TRIGGER append_only" in sql


def test_runner_works_from_any_folder(tmp_path: Path) -> None:
    code = f"from migrations import runner; runner.upgrade('sqlite:///{tmp_path}/gateway.db'); print(runner.head())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == runner.head()


def test_every_revision_is_named_by_its_time_and_limits_its_locks() -> None:
    for file in python_files("migrations"):
        if file.parent.name == "versions":
            source = file.read_text()
            assert f'revision = "{file.stem[:15]}' in source
            assert source.count("timeouts.limit(op)") == 2
