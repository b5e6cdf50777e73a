"""Checkpoints find what was changed, removed or reordered even if all hashes were computed again."""

import pytest
from sqlalchemy import text

from gateway.audit.log_report import FindingKind
from gateway.kit.checkpoints import Checkpoint, sign_checkpoint
from gateway.kit.crypto import SigningKey
from gateway.kit.merkle import EMPTY_ROOT
from tests.support.logs import Forger, find_in_logs, log_decision, sign_checkpoints
from tests.support.units import writing
from tests.support.written_logs import ENTRIES, SIZES, Logs


@pytest.mark.postgresql
def test_tree_that_was_computed_again_is_found_by_a_checkpoint(logs: Logs) -> None:
    def act(forger: Forger) -> None:
        forger.edit_public(2, topic="OTHER")
        forger.rehash(2)
        forger.rebuild()

    logs.tamper(act)
    assert find_in_logs(logs.database) is None  # without a checkpoint nothing shows it
    finding = logs.finding(logs.checkpoints)
    assert (finding.kind, finding.log) == (FindingKind.CHECKPOINT_DIFFERS, "decision")
    assert "one of 0 to 5" in finding.sentence


def test_earlier_checkpoints_narrow_the_finding(logs: Logs) -> None:
    with writing(logs.database) as unit:
        for _ in range(2):
            log_decision(unit, logs.cast)
    newer = sign_checkpoints(logs.database)

    def act(forger: Forger) -> None:
        forger.edit_public(7, topic="OTHER")
        forger.rehash(7)
        forger.rebuild()

    logs.tamper(act)
    finding = logs.finding(newer, logs.checkpoints)
    assert (finding.kind, finding.leaf_index) == (FindingKind.CHECKPOINT_DIFFERS, ENTRIES + 1)
    assert "one of 6 to 7" in finding.sentence


@pytest.mark.postgresql
def test_checkpoint_in_the_database_is_compared(logs: Logs) -> None:
    sign_checkpoints(logs.database)

    def act(forger: Forger) -> None:
        forger.edit_public(2, topic="OTHER")
        forger.rehash(2)
        forger.rebuild()

    logs.tamper(act)
    assert logs.finding().kind is FindingKind.CHECKPOINT_DIFFERS


def test_checkpoint_signed_by_a_foreign_key_is_found_with_trusted_keys(logs: Logs) -> None:
    foreign = SigningKey()
    forged = sign_checkpoint(Checkpoint("gateway.example/decision-log", 0, EMPTY_ROOT), foreign)
    assert logs.finding(forged).kind is FindingKind.UNKNOWN_KEY
    with writing(logs.database) as unit:
        statement = text(
            "INSERT INTO signing_keys (kid, public, private_sealed, created_at) "
            "SELECT :kid, :public, private_sealed, created_at FROM signing_keys"
        )
        unit.connection.execute(statement, {"kid": foreign.kid, "public": foreign.public})
    assert find_in_logs(logs.database, forged) is None  # anyone who can write keys can sign, so name trusted keys
    finding = logs.finding(forged, trusted={logs.kid})
    assert (finding.kind, finding.log) == (FindingKind.UNKNOWN_KEY, "decision")


def test_foreign_key_with_a_trusted_kid_is_found(logs: Logs) -> None:
    """The kid is the thumbprint of the key, so another key cannot have it."""
    with writing(logs.database) as unit:
        unit.connection.execute(text("UPDATE signing_keys SET public = :public"), {"public": SigningKey().public})
    assert logs.finding(logs.checkpoints, trusted={logs.kid}).kind is FindingKind.UNKNOWN_KEY


@pytest.mark.parametrize("note", ["'junk'", "REPLACE(note, 'decision-log', 'access-log')"])
def test_row_that_is_no_checkpoint_of_its_log_is_found(logs: Logs, note: str) -> None:
    sign_checkpoints(logs.database)
    with writing(logs.database) as unit:
        unit.connection.execute(text(f"UPDATE log_checkpoints SET note = {note} WHERE log = 'decision'"))
    assert logs.finding().kind is FindingKind.CHECKPOINT_INVALID


@pytest.mark.parametrize("log", SIZES)
def test_removed_and_renumbered_rows_are_found_by_a_checkpoint(logs: Logs, log: str) -> None:
    def act(forger: Forger) -> None:
        forger.run(f"DELETE FROM {log}_log WHERE leaf_index = 1")
        forger.rebuild()

    logs.tamper(act, f"{log}_log")
    finding = logs.finding(logs.checkpoints)
    assert (finding.kind, finding.log) == (FindingKind.ROLLED_BACK, log)


@pytest.mark.parametrize("log", SIZES)
@pytest.mark.parametrize("size", [0, 2])
def test_a_cut_end_is_found_by_a_checkpoint(logs: Logs, log: str, size: int) -> None:
    logs.tamper(lambda forger: forger.truncate(size), f"{log}_log")
    finding = logs.finding(logs.checkpoints)
    assert (finding.kind, finding.log, finding.leaf_index) == (FindingKind.ROLLED_BACK, log, size)


@pytest.mark.parametrize("log", SIZES)
def test_swapped_entries_are_found_by_a_checkpoint(logs: Logs, log: str) -> None:
    def act(forger: Forger) -> None:
        forger.exchange(1, 2)
        forger.rebuild()

    logs.tamper(act, f"{log}_log")
    finding = logs.finding(logs.checkpoints)
    assert (finding.kind, finding.log) == (FindingKind.CHECKPOINT_DIFFERS, log)
