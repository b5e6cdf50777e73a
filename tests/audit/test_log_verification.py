"""Log verification: intact logs pass, and each kind of tampering is found with its entry."""

import pytest
from sqlalchemy import text

from gateway.audit.log_report import FindingKind, LogReport
from gateway.audit.log_verification import verify_logs
from gateway.store.database import Database
from tests.support.factories import make_cast, make_decision
from tests.support.logs import Forger, find_in_logs, log_access, log_decision, sign_checkpoints, without_triggers
from tests.support.units import reading, writing
from tests.support.written_logs import ENTRIES, SIZES, Logs


@pytest.mark.postgresql
def test_an_empty_database_is_intact(database: Database) -> None:
    with reading(database) as unit:
        report = verify_logs(unit)
    assert report == LogReport({"decision": 0, "access": 0, "record": 0}, 0, 0, 0, None)
    assert report.intact


@pytest.mark.postgresql
def test_untouched_logs_are_intact(logs: Logs) -> None:
    sign_checkpoints(logs.database)
    with writing(logs.database) as unit:
        other = make_cast(unit)
        for _ in range(3):
            log_decision(unit, other)
    assert find_in_logs(logs.database, logs.checkpoints, trusted=[logs.kid]) is None
    sizes = {"decision": ENTRIES + 1 + 3, "access": ENTRIES + 3, "record": 8}
    assert logs.check() == LogReport(sizes, 3, ENTRIES + 3, 8, None)


def test_progress_is_reported_for_each_log(logs: Logs) -> None:
    calls = []
    logs.check(progress=lambda *call: calls.append(call))
    assert calls == [(log, min(done, size), size) for log, size in SIZES.items() for done in range(2, size + 2, 2)]


@pytest.mark.postgresql
def test_a_destroyed_key_leaves_the_log_intact(logs: Logs) -> None:
    with writing(logs.database) as unit:
        unit.connection.execute(text("DELETE FROM user_keys"))
    assert find_in_logs(logs.database, logs.checkpoints) is None


def test_a_changed_public_field_is_found(logs: Logs) -> None:
    logs.tamper(lambda forger: forger.edit_public(2, to="DECLINED"))
    finding = logs.finding()
    assert (finding.kind, finding.log, finding.leaf_index) == (FindingKind.CHANGED, "decision", 2)
    assert finding.entry_id == logs.entries[2]
    assert logs.entries[2] in finding.sentence


def test_changed_and_rehashed_entry_is_found(logs: Logs) -> None:
    def act(forger: Forger) -> None:
        forger.edit_public(2, topic="OTHER")
        forger.rehash(2)

    logs.tamper(act)
    assert logs.finding().kind is FindingKind.TREE_CHANGED


@pytest.mark.parametrize("count", [1, 2])
def test_removed_rows_in_the_middle_are_found(logs: Logs, count: int) -> None:
    def act(forger: Forger) -> None:
        forger.run("DELETE FROM decision_log WHERE leaf_index BETWEEN 2 AND :last", last=1 + count)

    logs.tamper(act)
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index, finding.entry_id) == (FindingKind.REMOVED, 2, None)
    assert logs.entries[2 + count] in finding.sentence


def test_a_removed_first_row_is_found(logs: Logs) -> None:
    logs.tamper(lambda forger: forger.run("DELETE FROM decision_log WHERE leaf_index = 0"))
    assert (logs.finding().kind, logs.finding().leaf_index) == (FindingKind.REMOVED, 0)


@pytest.mark.parametrize("log", SIZES)
def test_a_removed_last_row_is_found_by_the_head(logs: Logs, log: str) -> None:
    last = SIZES[log] - 1

    def act(forger: Forger) -> None:
        forger.run(f"DELETE FROM {log}_log WHERE leaf_index = :last", last=last)

    logs.tamper(act, f"{log}_log")
    finding = logs.finding()
    assert (finding.kind, finding.log, finding.leaf_index) == (FindingKind.REMOVED_AT_END, log, last)


@pytest.mark.parametrize("log", SIZES)
def test_a_removed_log_is_found(logs: Logs, log: str) -> None:
    logs.tamper(lambda forger: forger.run(f"DELETE FROM {log}_log"), f"{log}_log")
    finding = logs.finding()
    assert (finding.kind, finding.log, finding.leaf_index) == (FindingKind.REMOVED_AT_END, log, 0)


def test_removed_last_row_with_changed_head_is_found_by_the_decision(logs: Logs) -> None:
    logs.tamper(lambda forger: forger.truncate(ENTRIES))
    finding = logs.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.NOT_LOGGED, logs.entries[4])
    assert logs.decisions[4] in finding.sentence
    assert "CANCELLED" in finding.sentence


def test_decision_whose_only_entry_was_removed_is_found(logs: Logs) -> None:
    logs.tamper(lambda forger: forger.truncate(ENTRIES - 1))
    finding = logs.finding()
    assert (finding.kind, finding.entry_id, finding.leaf_index) == (FindingKind.NOT_LOGGED, None, None)
    assert logs.decisions[4] in finding.sentence


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_trees SET size = 3",
        "UPDATE log_trees SET size = size - 1",
        "UPDATE log_trees SET frontier = ''",
        "DELETE FROM log_trees",
    ],
)
def test_changed_head_is_found(logs: Logs, change: str) -> None:
    logs.tamper(lambda forger: forger.run(change))
    assert logs.finding().kind is FindingKind.TREE_CHANGED


def test_changed_hash_of_a_subtree_is_found(logs: Logs) -> None:
    insert = "INSERT INTO log_subtrees (log, height, position, hash) SELECT log, 8, 0, frontier FROM log_trees"
    logs.tamper(lambda forger: forger.run(insert))
    assert logs.finding().kind is FindingKind.TREE_CHANGED


def test_a_sealed_part_swapped_between_rows_is_found(logs: Logs) -> None:
    def act(forger: Forger) -> None:
        two, four = forger.row(1), forger.row(3)
        two["sealed"], four["sealed"] = four["sealed"], two["sealed"]
        forger.put(two)
        forger.put(four)

    logs.tamper(act)
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index) == (FindingKind.CHANGED, 1)


def test_swapped_entries_are_found(logs: Logs) -> None:
    logs.tamper(lambda forger: forger.exchange(1, 2))
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index) == (FindingKind.TREE_CHANGED, 0)
    assert "one of 0 to 3" in finding.sentence


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("table", "column"), [("decision_log", "decision_id"), ("access_log", "subject"), ("record_log", "digest")]
)
def test_column_that_differs_from_the_public_part_is_found(logs: Logs, table: str, column: str) -> None:
    def act(forger: Forger) -> None:
        forger.put({**forger.row(3), column: "other"})

    logs.tamper(act, table)
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index) == (FindingKind.CHANGED, 3)
    assert column in finding.sentence


@pytest.mark.postgresql
def test_public_part_that_is_not_canonical_is_found(logs: Logs) -> None:
    """The same JSON with a space is rejected, even with a valid hash."""

    def act(forger: Forger) -> None:
        row = forger.row(ENTRIES)
        forger.put({**row, "public": row["public"].replace(":", ": ", 1)})
        forger.rehash(ENTRIES)
        forger.rebuild()

    logs.tamper(act)
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index) == (FindingKind.CHANGED, ENTRIES)
    assert "canonical" in finding.sentence


@pytest.mark.parametrize("column", ["status", "adapter", "policy_version", "policy_hash", "rule_id", "purpose"])
def test_a_changed_decision_is_found(logs: Logs, column: str) -> None:
    with writing(logs.database) as unit:
        unit.connection.execute(
            text(f"UPDATE decisions SET {column} = 'ACTIVE' WHERE id = :id"), {"id": logs.decisions[1]}
        )
    finding = logs.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.NOT_LOGGED, logs.entries[1])


def test_a_removed_decision_is_found(logs: Logs) -> None:
    with writing(logs.database) as unit:
        unit.connection.execute(text("DELETE FROM decisions WHERE id = :id"), {"id": logs.decisions[3]})
    finding = logs.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.DECISION_REMOVED, logs.entries[3])


def test_a_decision_without_an_entry_is_found(logs: Logs) -> None:
    with writing(logs.database) as unit:
        decision = make_decision(unit, logs.cast.consent)
    assert logs.finding().kind is FindingKind.NOT_LOGGED
    assert decision in logs.finding().sentence


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "change",
    [{"public": b"{}", "sealed": "text"}, {"sequence": 1}, {"kid": "other", "signature": "text", "sequence": 1}],
)
def test_value_of_another_type_is_found(logs: Logs, change: dict[str, object]) -> None:
    # SQLite stores text in a column of bytes. The verification must not fail with an error.
    if not logs.database.sqlite:
        change = {key: value for key, value in change.items() if key == "sequence"} or {"public": "{}"}
    logs.tamper(lambda forger: forger.put({**forger.row(1), **change}))
    finding = logs.finding()
    assert (finding.kind, finding.leaf_index) == (FindingKind.CHANGED, 1)


def test_exchanged_entries_are_found_within_256_positions(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        for _ in range(600):
            log_access(unit, cast)
    with without_triggers(database, "access_log") as connection:
        Forger(connection, "access_log").exchange(300, 301)
    finding = find_in_logs(database)
    assert finding is not None
    assert (finding.kind, finding.leaf_index) == (FindingKind.TREE_CHANGED, 256)
    assert "one of 256 to 511" in finding.sentence
