"""Log verification: intact logs pass, and each kind of tampering is found with its entry."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from gateway.audit import log_verification
from gateway.audit.log_report import Finding, FindingKind, LogReport
from gateway.audit.log_verification import verify_logs
from gateway.domain.decisions.transitions import Status
from gateway.kit.crypto import SigningKey
from gateway.store.database import Database
from tests.support.factories import Cast, make_cast, make_decision
from tests.support.logs import Forger, log_decision, log_event, without_triggers
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

ENTRIES = 5


@dataclass(frozen=True)
class Chain:
    """One merchant's logs: five decisions, each with an entry and an access, the last cancelled by a sixth entry."""

    database: Database
    cast: Cast
    decisions: list[str]
    entries: list[str]
    kid: str

    def check(self, **options: object) -> LogReport:
        with reading(self.database) as unit:
            return verify_logs(unit, **options)  # type: ignore[arg-type]

    def finding(self, **options: object) -> Finding:
        finding = self.check(**options).finding
        assert finding is not None
        assert finding.sentence.endswith(".")
        return finding


@pytest.fixture
def chain(database: Database, monkeypatch: pytest.MonkeyPatch) -> Chain:
    monkeypatch.setattr(log_verification, "BATCH", 2)  # so that every chain has several batches
    with writing(database) as unit:
        cast = make_cast(unit)
        written = [log_decision(unit, cast) for _ in range(ENTRIES)]
        last = written[-1][0]
        cancelled = log_event(unit, cast, last, Status.APPROVED, Status.CANCELLED)
        unit.connection.execute(text("UPDATE decisions SET status = 'CANCELLED' WHERE id = :id"), {"id": last})
        (kid,) = unit.keys.load_public_keys()
    return Chain(database, cast, [d for d, _ in written], [*[e for _, e in written], cancelled], kid)


def tamper(chain: Chain, act: Callable[[Forger], None], table: str = "decision_log") -> None:
    with without_triggers(chain.database, table) as connection:
        act(Forger(connection, table))


def test_an_empty_database_is_intact(database: Database) -> None:
    with reading(database) as unit:
        report = verify_logs(unit)
    assert report == LogReport({"decision": 0, "access": 0}, 0, 0, None)
    assert report.intact


def test_untouched_logs_are_intact(chain: Chain) -> None:
    with writing(chain.database) as unit:
        other = make_cast(unit)
        for _ in range(3):
            log_decision(unit, other)
    report = chain.check(trusted=[chain.kid])
    assert report.finding is None
    assert report == LogReport({"decision": ENTRIES + 1 + 3, "access": ENTRIES + 3}, 4, ENTRIES + 3, None)


def test_a_destroyed_key_leaves_the_log_intact(chain: Chain) -> None:
    with writing(chain.database) as unit:
        unit.connection.execute(text("DELETE FROM user_keys"))
    assert chain.check().intact


def test_a_changed_public_field_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.edit_public(3, to="DECLINED"))
    finding = chain.finding()
    assert (finding.kind, finding.log, finding.sequence) == (FindingKind.CHANGED, "decision", 3)
    assert (finding.merchant_id, finding.entry_id) == (chain.cast.merchant, chain.entries[2])
    assert chain.entries[2] in finding.sentence


def test_changed_and_rehashed_entry_is_found(chain: Chain) -> None:
    def act(forger: Forger) -> None:
        forger.edit_public(3, to="DECLINED")
        forger.rehash(3, 3)

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence, finding.entry_id) == (FindingKind.FORGED, 3, chain.entries[2])


def test_chain_rehashed_to_its_end_is_found(chain: Chain) -> None:
    def act(forger: Forger) -> None:
        forger.edit_public(2, to="DECLINED")
        forger.rehash(2, ENTRIES + 1)
        forger.set_head("decision", ENTRIES + 1)

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence, finding.entry_id) == (FindingKind.FORGED, 2, chain.entries[1])


def test_chain_signed_by_a_foreign_key_is_found_with_trusted_keys(chain: Chain) -> None:
    foreign = SigningKey()

    def act(forger: Forger) -> None:
        forger.run(
            "INSERT INTO signing_keys (kid, public, private_sealed, created_at) "
            "SELECT :kid, :public, private_sealed, created_at FROM signing_keys",
            kid=foreign.kid,
            public=foreign.public,
        )
        forger.rehash(4, ENTRIES + 1, foreign)
        forger.set_head("decision", ENTRIES + 1)

    tamper(chain, act)
    assert chain.check().intact  # anyone who can write keys can sign, so the operator should name trusted keys
    finding = chain.finding(trusted={chain.kid})
    assert (finding.kind, finding.sequence, finding.entry_id) == (FindingKind.UNKNOWN_KEY, 4, chain.entries[3])
    assert foreign.kid in finding.sentence


def test_foreign_key_with_a_trusted_kid_is_found(chain: Chain) -> None:
    """The kid is the thumbprint of the key, so another key cannot have it."""
    foreign = SigningKey()

    def act(forger: Forger) -> None:
        forger.run("UPDATE signing_keys SET public = :public", public=foreign.public)
        forger.rehash(1, ENTRIES + 1, foreign)
        forger.run("UPDATE decision_log SET kid = :kid", kid=chain.kid)
        forger.set_head("decision", ENTRIES + 1)

    tamper(chain, act)
    assert chain.finding(trusted={chain.kid}).kind is FindingKind.UNKNOWN_KEY


def test_an_unknown_key_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.rehash(2, 2, SigningKey()))
    finding = chain.finding()
    assert (finding.kind, finding.sequence) == (FindingKind.UNKNOWN_KEY, 2)


@pytest.mark.parametrize("count", [1, 2])
def test_removed_rows_in_the_middle_are_found(chain: Chain, count: int) -> None:
    def act(forger: Forger) -> None:
        forger.run("DELETE FROM decision_log WHERE sequence BETWEEN 3 AND :last", last=2 + count)

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence, finding.entry_id) == (FindingKind.REMOVED, 3, None)
    assert chain.entries[2 + count] in finding.sentence


def test_a_removed_first_row_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.run("DELETE FROM decision_log WHERE sequence = 1"))
    assert (chain.finding().kind, chain.finding().sequence) == (FindingKind.REMOVED, 1)


@pytest.mark.parametrize("log", ["decision", "access"])
def test_a_removed_last_row_is_found_by_the_head(chain: Chain, log: str) -> None:
    last = {"decision": ENTRIES + 1, "access": ENTRIES}[log]

    def act(forger: Forger) -> None:
        forger.run(f"DELETE FROM {log}_log WHERE sequence = :last", last=last)

    tamper(chain, act, f"{log}_log")
    finding = chain.finding()
    assert (finding.kind, finding.log, finding.sequence) == (FindingKind.REMOVED_AT_END, log, last)


@pytest.mark.parametrize("log", ["decision", "access"])
def test_a_removed_chain_is_found(chain: Chain, log: str) -> None:
    tamper(chain, lambda forger: forger.run(f"DELETE FROM {log}_log"), f"{log}_log")
    finding = chain.finding()
    assert (finding.kind, finding.log, finding.sequence) == (FindingKind.REMOVED_AT_END, log, 1)
    assert finding.merchant_id == chain.cast.merchant


def test_removed_last_row_with_changed_head_is_found_by_the_decision(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.truncate("decision", ENTRIES))
    finding = chain.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.NOT_LOGGED, chain.entries[4])
    assert chain.decisions[4] in finding.sentence
    assert "CANCELLED" in finding.sentence


def test_decision_whose_only_entry_was_removed_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.truncate("decision", ENTRIES - 1))
    finding = chain.finding()
    assert (finding.kind, finding.entry_id, finding.sequence) == (FindingKind.NOT_LOGGED, None, None)
    assert chain.decisions[4] in finding.sentence


def test_changed_head_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.set_head("decision", 3))
    assert chain.finding().kind is FindingKind.HEAD_CHANGED


def test_a_removed_head_is_found(chain: Chain) -> None:
    tamper(chain, lambda forger: forger.run("DELETE FROM log_heads"))
    assert chain.finding().kind is FindingKind.HEAD_CHANGED


def test_a_sealed_part_swapped_between_rows_is_found(chain: Chain) -> None:
    def act(forger: Forger) -> None:
        two, four = forger.row(2), forger.row(4)
        two["sealed"], four["sealed"] = four["sealed"], two["sealed"]
        forger.put(two)
        forger.put(four)

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence) == (FindingKind.CHANGED, 2)


def test_swapped_entries_are_found(chain: Chain) -> None:
    def act(forger: Forger) -> None:
        two, three = forger.row(2), forger.row(3)
        forger.put({**two, "sequence": 99})
        forger.put({**three, "sequence": 2})
        forger.put({**two, "sequence": 3})

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence, finding.entry_id) == (FindingKind.REORDERED, 2, chain.entries[2])


@pytest.mark.parametrize(("table", "column"), [("decision_log", "decision_id"), ("access_log", "subject")])
def test_column_that_differs_from_the_public_part_is_found(chain: Chain, table: str, column: str) -> None:
    def act(forger: Forger) -> None:
        forger.put({**forger.row(3), column: "other"})

    tamper(chain, act, table)
    finding = chain.finding()
    assert (finding.kind, finding.sequence) == (FindingKind.CHANGED, 3)
    assert column in finding.sentence


def test_public_part_that_is_not_canonical_is_found(chain: Chain) -> None:
    """The same JSON with a space is rejected, even with a valid hash and signature."""
    with writing(chain.database) as unit:
        key = unit.keys.ensure_signing_key()

    def act(forger: Forger) -> None:
        row = forger.row(ENTRIES + 1)
        forger.put({**row, "public": row["public"].replace(":", ": ", 1)})
        forger.rehash(ENTRIES + 1, ENTRIES + 1, key)
        forger.set_head("decision", ENTRIES + 1)

    tamper(chain, act)
    finding = chain.finding()
    assert (finding.kind, finding.sequence) == (FindingKind.CHANGED, ENTRIES + 1)
    assert "canonical" in finding.sentence


@pytest.mark.parametrize("column", ["status", "adapter", "policy_version", "policy_hash", "rule_id", "purpose"])
def test_a_changed_decision_is_found(chain: Chain, column: str) -> None:
    with writing(chain.database) as unit:
        unit.connection.execute(
            text(f"UPDATE decisions SET {column} = 'ACTIVE' WHERE id = :id"), {"id": chain.decisions[1]}
        )
    finding = chain.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.NOT_LOGGED, chain.entries[1])


def test_a_removed_decision_is_found(chain: Chain) -> None:
    with writing(chain.database) as unit:
        unit.connection.execute(text("DELETE FROM decisions WHERE id = :id"), {"id": chain.decisions[3]})
    finding = chain.finding()
    assert (finding.kind, finding.entry_id) == (FindingKind.DECISION_REMOVED, chain.entries[3])


def test_a_decision_without_an_entry_is_found(chain: Chain) -> None:
    with writing(chain.database) as unit:
        decision = make_decision(unit, chain.cast.consent)
    assert chain.finding().kind is FindingKind.NOT_LOGGED
    assert decision in chain.finding().sentence


def test_value_of_another_type_is_found(chain: Chain) -> None:
    # SQLite stores text in a column of bytes. The verification must not fail with an error.
    tamper(chain, lambda forger: forger.put({**forger.row(2), "public": b"{}", "sealed": "text"}))
    finding = chain.finding()
    assert (finding.kind, finding.sequence) == (FindingKind.CHANGED, 2)
