"""Log entries for tests, and changes of rows without the triggers, as an administrator of the database could make."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from gateway.domain.decisions.transitions import Status
from gateway.kit.crypto import SigningKey
from gateway.kit.json import canonical, decode
from gateway.store.database import Database
from gateway.store.logs.sealed_log import SIGNED_AS, NewEntry, hash_entry
from gateway.store.unit import UnitOfWork
from tests.support.factories import Cast, make_decision

PERSONAL = {"note": "Personal", "tier": "GOOD"}
"""The personal part of all these entries."""


def log_decision(unit: UnitOfWork, cast: Cast, status: Status = Status.APPROVED) -> tuple[str, str]:
    """Writes a decision, its first entry and the access of its request. Returns the ids of decision and entry. The
    entry has no digest."""
    decision = make_decision(unit, cast.consent, status=status)
    entry = log_event(unit, cast, decision, None, status)
    log_access(unit, cast, "REQUEST")
    return decision, entry


def log_event(unit: UnitOfWork, cast: Cast, decision: str, before: Status | None, after: Status) -> str:
    """Appends an entry to the decision log and returns its id. Changes no other table."""
    state = unit.decisions.load(decision)
    assert state is not None
    public = {
        "decision": decision,
        "client": state.client_id,
        "consent": state.consent_id,
        "product": state.product,
        "purpose": state.purpose,
        "from": before,
        "to": after,
        "topic": f"DECISION_{after}",
        "policy": {
            "adapter": state.adapter,
            "version": state.policy_version,
            "hash": state.policy_hash,
            "rule": state.rule_id,
        },
    }
    columns = {"decision_id": decision}
    return unit.decision_log.append(
        NewEntry(cast.merchant, cast.user, unit.users.load_log_subject(cast.user), public, PERSONAL, columns)
    )


def log_access(unit: UnitOfWork, cast: Cast, kind: str = "SCORE_TIER") -> str:
    """Appends an entry to the access log and returns its id."""
    subject = unit.users.load_log_subject(cast.user)
    return unit.access_log.append(
        NewEntry(cast.merchant, cast.user, subject, {"kind": kind}, PERSONAL, {"subject": subject})
    )


@contextmanager
def without_triggers(database: Database, table: str) -> Iterator[Connection]:
    """A transaction in which the table's triggers are off. It is committed, and the triggers are on again."""
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            yield connection
            connection.execute(text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only"))
            return
        triggers = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"), {"table": table}
        ).all()
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


@dataclass
class Forger:
    """Rewrites entries of one table and, if asked to, hashes and signs them again."""

    connection: Connection
    table: str

    def row(self, sequence: int) -> dict[str, Any]:
        result = self.connection.execute(
            text(f"SELECT * FROM {self.table} WHERE sequence = :sequence"), {"sequence": sequence}
        )
        return dict(result.mappings().one())

    def run(self, statement: str, **values: Any) -> None:
        """Runs any SQL statement."""
        self.connection.execute(text(statement), values)

    def put(self, row: dict[str, Any]) -> None:
        """Replaces the row with the same id."""
        columns = ", ".join(f"{name} = :{name}" for name in row if name != "id")
        self.run(f"UPDATE {self.table} SET {columns} WHERE id = :id", **row)

    def edit_public(self, sequence: int, **members: Any) -> None:
        """Changes members of the public part only."""
        row = self.row(sequence)
        row["public"] = canonical({**decode(row["public"]), **members}).decode()
        self.put(row)

    def rehash(self, first: int, last: int, key: SigningKey | None = None) -> None:
        """Computes the hashes and links of the entries `first` to `last` again, and signs them if `key` is set."""
        previous = self.row(first)["previous_hash"]
        for sequence in range(first, last + 1):
            row = self.row(sequence)
            row["previous_hash"] = previous
            row["hash"] = previous = hash_entry(previous, row["public"].encode(), bytes(row["sealed"]))
            if key is not None:
                row["kid"], row["signature"] = key.kid, key.sign(SIGNED_AS + bytes.fromhex(row["hash"]))
            self.put(row)

    def truncate(self, log: str, sequence: int) -> None:
        """Deletes the entries after `sequence` and sets the head to it."""
        self.run(f"DELETE FROM {self.table} WHERE sequence > :sequence", sequence=sequence)
        self.set_head(log, sequence)

    def set_head(self, log: str, sequence: int) -> None:
        self.run(
            "UPDATE log_heads SET sequence = :sequence, hash = :hash WHERE log = :log",
            log=log,
            sequence=sequence,
            hash=self.row(sequence)["hash"],
        )
