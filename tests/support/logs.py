"""Log entries for tests, and changes of rows without the triggers, as an administrator of the database could make."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, text

from gateway.audit.log_report import Finding
from gateway.audit.log_verification import verify_logs
from gateway.domain.decisions.transitions import Status
from gateway.kit.checkpoints import parse_checkpoints
from gateway.kit.json import canonical, decode
from gateway.kit.merkle import Frontier
from gateway.services.checkpoints import CheckpointService
from gateway.store.database import Database
from gateway.store.logs.record_log import hash_record_entry
from gateway.store.logs.sealed_log import NewEntry, hash_sealed_entry
from gateway.store.unit import UnitOfWork
from tests.support.factories import Cast, make_decision

ISSUER = "https://gateway.example"
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
        NewEntry(cast.merchant, unit.logged_persons.load(cast.consent.id), public, PERSONAL, columns)
    )


def log_access(unit: UnitOfWork, cast: Cast, kind: str = "SCORE_TIER") -> str:
    """Appends an entry to the access log and returns its id."""
    person = unit.logged_persons.load(cast.consent.id)
    public = {"kind": kind, "consent": cast.consent.id}
    return unit.access_log.append(NewEntry(cast.merchant, person, public, PERSONAL, {"subject": person.subject}))


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
    """Rewrites entries of one table and, if asked to, computes the hashes and the tree over them again."""

    connection: Connection
    table: str

    def row(self, index: int) -> dict[str, Any]:
        result = self.connection.execute(
            text(f"SELECT * FROM {self.table} WHERE leaf_index = :leaf_index"), {"leaf_index": index}
        )
        return dict(result.mappings().one())

    def run(self, statement: str, **values: Any) -> None:
        """Runs any SQL statement."""
        self.connection.execute(text(statement), values)

    def put(self, row: dict[str, Any]) -> None:
        """Replaces the row with the same id."""
        columns = ", ".join(f"{name} = :{name}" for name in row if name != "id")
        self.run(f"UPDATE {self.table} SET {columns} WHERE id = :id", **row)

    def edit_public(self, index: int, **members: Any) -> None:
        """Changes members of the public part only."""
        row = self.row(index)
        row["public"] = canonical({**decode(row["public"]), **members}).decode()
        self.put(row)

    def rehash(self, *indexes: int) -> None:
        """Computes the leaf hashes of entries again."""
        for index in indexes:
            row = self.row(index)
            self.put({**row, "leaf_hash": self._hash(SimpleNamespace(**row))})

    def rebuild(self) -> None:
        """Computes the tree over the leaf hashes again, and numbers the entries again without gaps."""
        rows = self.connection.execute(text(f"SELECT id, leaf_hash FROM {self.table} ORDER BY leaf_index")).all()
        log, tree = self.table.removesuffix("_log"), Frontier()
        self.run("DELETE FROM log_subtrees WHERE log = :log", log=log)

        def keep(height: int, position: int, subtree_hash: bytes) -> None:
            self.run(
                "INSERT INTO log_subtrees (log, height, position, hash) VALUES (:log, :height, :position, :hash)",
                log=log,
                height=height,
                position=position,
                hash=subtree_hash,
            )

        for index, row in enumerate(rows):
            self.run(f"UPDATE {self.table} SET leaf_index = :index WHERE id = :id", index=index, id=row.id)
            tree.append(bytes(row.leaf_hash), keep)
        self.run(
            "UPDATE log_trees SET size = :size, frontier = :frontier WHERE log = :log",
            log=log,
            size=tree.size,
            frontier=tree.encode(),
        )

    def truncate(self, size: int) -> None:
        """Deletes the entries from index `size` on, with their part of the tree."""
        self.run(f"DELETE FROM {self.table} WHERE leaf_index >= :size", size=size)
        self.rebuild()

    def exchange(self, first: int, second: int) -> None:
        """Exchanges the positions of two entries."""
        one, other = self.row(first), self.row(second)
        for row, index in ((one, -1), (other, first), (one, second)):
            self.run(f"UPDATE {self.table} SET leaf_index = :index WHERE id = :id", index=index, id=row["id"])

    @property
    def _hash(self) -> Callable[[Any], bytes]:
        return hash_record_entry if self.table == "record_log" else hash_sealed_entry


def sign_checkpoints(database: Database) -> str:
    """Signs checkpoints of all logs as the server does, and returns them. Their rows are in the database."""
    return CheckpointService(database, ISSUER, None).sign()


def find_in_logs(database: Database, *kept: str, **options: Any) -> Finding | None:
    """Returns the first finding, with the checkpoints in these texts."""
    checkpoints = [each for text in kept for each in parse_checkpoints(text)]
    return database.read(lambda unit: verify_logs(unit, checkpoints=checkpoints, **options)).finding
