"""The migration to trees: entries of chains become leaves as they are, and rows get entries in the record log."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.audit.log_report import FindingKind
from gateway.audit.log_verification import verify_logs
from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from migrations import runner
from tests.fixtures.database import KINDS, database_copy, migrated_database
from tests.fixtures.settings import MASTER
from tests.support.chains import Chains
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast, make_decision
from tests.support.logs import Forger, find_in_logs, log_decision, sign_checkpoints, without_triggers
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

BEFORE = "2026_11_29_1700"
DECISIONS = 300
"""More than one tile of a tree."""


@pytest.fixture(scope="module", params=KINDS)
def old_template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database at the revision before, with the logs of two merchants. Each test gets a copy."""
    with migrated_database(request, tmp_path_factory.mktemp("old")) as database_url:
        write_chains(database_url)
        yield database_url


@pytest.fixture
def database_url(old_template: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a copy of that database."""
    with database_copy(request, old_template, tmp_path) as url:
        yield url


@pytest.fixture
def old(database_url: str) -> Iterator[Database]:
    """A database at the revision before, with the logs of two merchants."""
    with closing(opened(database_url)) as database:
        yield database


def opened(database_url: str) -> Database:
    return Database(database_url, keyring=Keyring(MASTER, ids), clock=lambda: NOON)


def write_chains(database_url: str) -> None:
    """Writes decisions of two merchants, downgrades the database, and writes an entry of each log for each decision."""
    with closing(opened(database_url)) as database:
        with writing(database) as unit:
            key, casts = unit.keys.ensure_signing_key(), [make_cast(unit) for _ in range(2)]
            decisions = [(cast, make_decision(unit, cast.consent)) for cast in casts for _ in range(DECISIONS // 2)]
            states = {decision: unit.decisions.load(decision) for _, decision in decisions}
            subjects = {cast.user: unit.users.load_log_subject(cast.user) for cast in casts}
        runner.downgrade(database_url, BEFORE)
        database.engine.dispose()
        with database.writing_engine.begin() as connection:
            chains = Chains(connection, key)
            for cast, decision in decisions:
                state, subject = states[decision], subjects[cast.user]
                assert state is not None
                policy = {
                    "adapter": state.adapter,
                    "version": state.policy_version,
                    "hash": state.policy_hash,
                    "rule": state.rule_id,
                }
                public = {
                    "decision": decision,
                    "client": state.client_id,
                    "consent": state.consent_id,
                    "product": state.product,
                    "purpose": state.purpose,
                    "to": state.status,
                    "policy": policy,
                }
                chains.append_decision(cast.merchant, subject, decision, public)
                chains.append_request(cast.merchant, subject)


def entries(database: Database) -> list[Any]:
    columns = "id, merchant_id, sequence, public, sealed, previous_hash, hash, kid, signature"
    with database.engine.connect() as connection:
        return [
            tuple(row)
            for log in ("access_log", "decision_log")
            for row in connection.execute(text(f"SELECT {columns} FROM {log} ORDER BY merchant_id, sequence"))
        ]


def upgrade(database: Database, database_url: str) -> None:
    runner.upgrade(database_url)
    database.engine.dispose()


def test_each_entry_becomes_a_leaf_as_it_is(old: Database, database_url: str) -> None:
    before = entries(old)
    upgrade(old, database_url)
    assert entries(old) == before
    with reading(old) as unit:
        report = verify_logs(unit)
        assert (report.finding, report.entries) == (None, {"decision": DECISIONS, "access": DECISIONS, "record": 8})
        order = unit.connection.execute(text("SELECT merchant_id, sequence FROM decision_log ORDER BY leaf_index"))
        assert [tuple(row) for row in order] == [row[1:3] for row in before[DECISIONS:]]


def test_new_entries_follow_old_ones(old: Database, database_url: str) -> None:
    upgrade(old, database_url)
    kept = sign_checkpoints(old)
    with writing(old) as unit:
        log_decision(unit, make_cast(unit))
    kept += sign_checkpoints(old)
    assert find_in_logs(old, kept) is None
    with reading(old) as unit:
        assert verify_logs(unit).entries == {"decision": DECISIONS + 1, "access": DECISIONS + 1, "record": 12}


def test_older_entry_that_was_changed_is_named_by_its_signature(old: Database, database_url: str) -> None:
    upgrade(old, database_url)
    with without_triggers(old, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.edit_public(5, at="other")
        forger.rehash(5)
        forger.rebuild()
    finding = find_in_logs(old)
    assert finding is not None
    assert (finding.kind, finding.leaf_index) == (FindingKind.FORGED, 5)


def test_older_entry_without_its_signature_is_found_by_a_checkpoint(old: Database, database_url: str) -> None:
    upgrade(old, database_url)
    kept = sign_checkpoints(old)
    with without_triggers(old, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        chained = ("sequence", "previous_hash", "hash", "kid", "signature")
        forger.put({**forger.row(5), **dict.fromkeys(chained)})
        forger.rehash(5)
        forger.rebuild()
    finding = find_in_logs(old, kept)
    assert finding is not None
    assert finding.kind is FindingKind.CHECKPOINT_DIFFERS


def test_logs_without_new_entries_can_be_downgraded(old: Database, database_url: str) -> None:
    before = entries(old)
    upgrade(old, database_url)
    runner.downgrade(database_url, BEFORE)
    old.engine.dispose()
    assert entries(old) == before
    with old.engine.connect() as connection:
        heads = connection.execute(text("SELECT log, sequence, hash FROM log_heads ORDER BY log, merchant_id")).all()
        last = {(row[1], row[2]): row[6] for row in before[:DECISIONS]}
    assert [head.log for head in heads] == ["access", "access", "decision", "decision"]
    assert {head.sequence for head in heads} == {DECISIONS // 2}
    assert {head.hash for head in heads} >= {
        digest for (_, sequence), digest in last.items() if sequence == DECISIONS // 2
    }
    upgrade(old, database_url)
    assert find_in_logs(old) is None
