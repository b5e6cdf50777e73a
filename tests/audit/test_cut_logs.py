"""Logs that were cut at the end together with their trees, older databases, and rows that were edited by hand: what
other rows reveal, and what checkpoints reveal."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.audit.log_report import FindingKind
from gateway.audit.log_verification import verify_logs
from gateway.services.checkpoints import CheckpointRefused, CheckpointService
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, request_command
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.logs import ISSUER, Forger, find_in_logs, sign_checkpoints, without_triggers
from tests.support.units import reading, writing

DECISIONS = 3


@dataclass(frozen=True)
class Cut:
    """A merchant with three decisions about one person, each with a request in the access log. `newest` is the id of
    the newest decision."""

    world: DemoWorld
    merchant: str
    newest: str

    def run(self, *statements: str) -> None:
        """Runs statements without the triggers, and computes the trees again. `:newest` is the id of the newest
        decision."""
        for log in ("access_log", "decision_log"):
            with without_triggers(self.world.database, log) as connection:
                for each in statements:
                    if ("decision_log" in each) is (log == "decision_log"):
                        values = {"newest": self.newest} if ":newest" in each else {}
                        assert connection.execute(text(each), values).rowcount, each
                Forger(connection, log).rebuild()

    def found(self, *checkpoints: str) -> list[Any]:
        """The kind of the first finding of the log verification, and the number of mismatches."""
        finding = find_in_logs(self.world.database, *checkpoints)
        return [finding and finding.kind, len(self.world.mismatches())]


@pytest.fixture
def cut(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[Cut]:
    with demo_database.open(clock) as world:
        consent = world.grant()
        decisions = [
            world.requester.request(
                world.user_token(consent), request_command(car(world.clock(), "30.00"), f"k{n}", f"order-{n}")
            ).decision
            for n in range(DECISIONS)
        ]
        yield Cut(world, decisions[-1].merchant_id, decisions[-1].id)


CUT_ACCESSES = (f"DELETE FROM access_log WHERE leaf_index >= {DECISIONS - 1}",)
CUT_DECISION = (
    "DELETE FROM outbox WHERE aggregate_id = :newest",
    "DELETE FROM idempotency_records WHERE decision_id = :newest",
    "UPDATE exposures SET exposure_minor = exposure_minor * 2 / 3",
    "UPDATE merchant_exposures SET exposure_minor = exposure_minor * 2 / 3",
    "UPDATE consent_commitments SET committed_minor = committed_minor * 2 / 3",
    "DELETE FROM decisions WHERE id = :newest",
    "DELETE FROM decision_log WHERE decision_id = :newest",
)


@pytest.mark.postgresql
def test_c1_untouched_logs_have_no_findings(cut: Cut) -> None:
    assert cut.found(sign_checkpoints(cut.world.database)) == [None, 0]


@pytest.mark.postgresql
def test_c1_a_removed_access_log_is_found_by_the_decisions(cut: Cut) -> None:
    cut.run("DELETE FROM access_log")
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 2]  # the second: the person has a key and no access


def test_c1_a_request_cut_from_the_access_log_is_found(cut: Cut) -> None:
    cut.run(*CUT_ACCESSES)
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 1]


def test_c1_a_removed_decision_is_found_by_its_request(cut: Cut) -> None:
    cut.run(*CUT_DECISION)
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 1]


def test_c1_the_only_accesses_to_a_person_cannot_be_removed_unnoticed(cut: Cut) -> None:
    world = cut.world
    token = world.user_token(world.grant("good"))
    with writing(world.database) as unit:
        world.access_log.record(unit, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"})
    assert cut.found() == [None, 0]
    cut.run(f"DELETE FROM access_log WHERE leaf_index >= {DECISIONS}")
    assert cut.found() == [FindingKind.NO_ACCESS, 1]


def test_c1_a_removal_of_everything_is_found_by_a_kept_checkpoint(cut: Cut) -> None:
    kept = sign_checkpoints(cut.world.database)
    cut.run(*CUT_DECISION, *CUT_ACCESSES, "DELETE FROM log_checkpoints")
    assert cut.found() == [None, 0]  # without a checkpoint nothing shows it
    assert cut.found(kept) == [FindingKind.ROLLED_BACK, 0]


def test_c1_a_removal_of_everything_is_found_by_a_checkpoint_in_the_database(cut: Cut) -> None:
    sign_checkpoints(cut.world.database)
    cut.run(*CUT_DECISION, *CUT_ACCESSES)
    assert cut.found() == [FindingKind.ROLLED_BACK, 0]


def test_c1_reads_cut_from_the_access_log_are_found_by_a_kept_checkpoint(cut: Cut) -> None:
    """Reads, thresholds and previews are in no other table."""
    world = cut.world
    token = world.user_token(world.grant())
    with writing(world.database) as unit:
        world.access_log.record(unit, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"})
    kept = sign_checkpoints(world.database)
    cut.run(f"DELETE FROM access_log WHERE leaf_index >= {DECISIONS}", "DELETE FROM log_checkpoints")
    assert cut.found(kept) == [FindingKind.ROLLED_BACK, 0]


def test_c1_an_older_database_file_is_found_by_a_kept_checkpoint(
    sqlite_url: str, clock: MovableClock, tmp_path: Path
) -> None:
    file, copy = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "copy.db"
    checkpoints = tmp_path / "checkpoints"
    with closing(DemoWorld(sqlite_url, clock)) as world:
        world.seed_demo()
        CheckpointService(world.database, ISSUER, checkpoints).sign()
        with world.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(file, copy)
        consent = world.grant()
        world.requester.request(world.user_token(consent), request_command(car(world.clock()), "k", "order"))
        CheckpointService(world.database, ISSUER, checkpoints).sign()
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    shutil.copy(copy, file)
    with closing(DemoWorld(sqlite_url, clock)) as world:
        finding = find_in_logs(world.database, checkpoints.read_text())
        assert finding is not None
        assert (finding.kind, finding.log) == (FindingKind.ROLLED_BACK, "decision")
        assert (find_in_logs(world.database), world.mismatches()) == (None, [])  # the copy is intact in itself
        before = checkpoints.read_text()
        with pytest.raises(CheckpointRefused):
            CheckpointService(world.database, ISSUER, checkpoints).sign()
        assert checkpoints.read_text() == before


@pytest.mark.parametrize(
    ("noun", "edit"),
    [
        pytest.param("consent", "UPDATE consents SET expires_at = '2030-01-01 00:00:00'", id="C3-consent-later-end"),
        pytest.param("consent", "UPDATE consents SET revoked_at = NULL", id="C3-consent-end-taken-back"),
        pytest.param("consent", """UPDATE consents SET scopes = '["score:exact"]'""", id="C3-consent-wider-scope"),
        pytest.param(
            "consent", "UPDATE consents SET details = '[]'", id="C3-consent-details", marks=pytest.mark.postgresql
        ),
        pytest.param("consent", "UPDATE consents SET threshold_tier = 'GOOD'", id="C3-consent-tier"),
        pytest.param(
            "merchant",
            "UPDATE merchants SET ceiling_minor = ceiling_minor * 2",
            id="C3-contract-ceiling",
            marks=pytest.mark.postgresql,
        ),
        pytest.param("merchant", "UPDATE merchants SET consent_seconds = consent_seconds + 1", id="C3-contract-life"),
        pytest.param("client", "UPDATE oauth_clients SET name = 'Another name'", id="C3-client-name"),
        pytest.param("client", "UPDATE oauth_clients SET redirect_uris = '[]'", id="C3-client-redirects"),
        pytest.param("user", "UPDATE users SET display_name = 'Another person'", id="C3-user-name"),
        pytest.param("user", "UPDATE users SET password_hash = 'other'", id="C3-user-password"),
    ],
)
def test_edited_record_is_found(cut: Cut, noun: str, edit: str) -> None:
    cut.world.revoke(cut.world.grant())
    assert cut.found() == [None, 0]
    with cut.world.database.writing_engine.begin() as connection:
        assert connection.execute(text(edit)).rowcount
    finding = find_in_logs(cut.world.database)
    assert finding is not None
    assert (finding.kind, finding.log) == (FindingKind.NOT_LOGGED, "record")
    assert finding.sentence.startswith(f"Changed: the {noun} ")
    assert any(each.startswith(f"Changed: the {noun} ") for each in cut.world.mismatches())


@pytest.mark.postgresql
def test_c3_each_change_by_the_gateway_is_logged(cut: Cut) -> None:
    world = cut.world
    consent = world.grant()
    world.revoke(consent)
    with writing(world.database) as unit:
        (client,) = [each for each in unit.clients.list_clients() if each.id == consent.client_id]
        client.name = "New name"
        unit.clients.update(client)
        unit.users.disable(consent.user_id, unit.wall)
        merchant = unit.merchants.load(consent.merchant_id)
        assert merchant is not None
        merchant.ceiling_minor += 1
        unit.merchants.update(merchant)
    assert cut.found(sign_checkpoints(world.database)) == [None, 0]


@pytest.mark.postgresql
def test_c3_record_inserted_by_hand_is_found(cut: Cut) -> None:
    columns = "merchant_id, client_id, user_id, subject, scopes, details, granted_at, expires_at, single_use"
    with cut.world.database.writing_engine.begin() as connection:
        connection.execute(
            text(f"INSERT INTO consents (id, {columns}) SELECT 'con_forged', {columns} FROM consents LIMIT 1")
        )
    finding = find_in_logs(cut.world.database)
    assert finding is not None
    assert (finding.kind, finding.log, finding.entry_id) == (FindingKind.NOT_LOGGED, "record", None)
    assert "con_forged" in finding.sentence


def test_c3_record_removed_by_hand_is_found(cut: Cut) -> None:
    consent = cut.world.grant("good")
    with cut.world.database.writing_engine.begin() as connection:
        for table in ("consent_versions", "outbox"):
            column = "aggregate_id" if table == "outbox" else "consent_id"
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": consent.id})
        connection.execute(text("DELETE FROM consents WHERE id = :id"), {"id": consent.id})
    finding = find_in_logs(cut.world.database)
    assert finding is not None
    assert (finding.kind, finding.log) == (FindingKind.RECORD_REMOVED, "record")
    assert consent.id in finding.sentence


def test_c3_removal_from_the_record_log_is_found_by_a_kept_checkpoint(cut: Cut) -> None:
    consent = cut.world.grant()
    cut.world.revoke(consent)
    kept = sign_checkpoints(cut.world.database)
    with without_triggers(cut.world.database, "record_log") as connection:
        connection.execute(text("UPDATE consents SET revoked_at = NULL WHERE id = :id"), {"id": consent.id})
        forger = Forger(connection, "record_log")
        forger.run("DELETE FROM record_log WHERE leaf_index = (SELECT MAX(leaf_index) FROM record_log)")
        forger.rebuild()
        forger.run("DELETE FROM log_checkpoints")
    with reading(cut.world.database) as unit:
        assert verify_logs(unit).finding is None
    assert cut.found(kept)[0] is FindingKind.ROLLED_BACK
