"""Logs for tests: real entries, and a way to change rows behind the triggers, as somebody with the database could."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from gateway.domain.decision import Status
from gateway.kit.crypto import SigningKey
from gateway.kit.json import canonical, decode
from gateway.store import users
from gateway.store.access_log import AccessLogRow
from gateway.store.database import Database, Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.decisions import DecisionRow
from gateway.store.keys import Keyring
from gateway.store.sealed_log import SIGNED_AS, Event, SealedLog, hash_of
from tests.support.clock import NOON
from tests.support.factories import Cast, ids, make_decision

MASTER = b"0123456789abcdef0123456789abcdef"


class Logs:
    """Both logs over one keyring."""

    def __init__(self, master: bytes = MASTER) -> None:
        self.keyring = Keyring(master, ids)
        self.decisions = SealedLog(DecisionLogRow, self.keyring, ids)
        self.accesses = SealedLog(AccessLogRow, self.keyring, ids)

    def decide(self, session: Session, cast: Cast, status: Status = Status.APPROVED) -> tuple[str, str]:
        """A decision and its first entry: their ids."""
        decision = make_decision(session, cast.consent, status=status)
        return decision, self.tell(session, cast, decision, None, status)

    def tell(
        self,
        session: Session,
        cast: Cast,
        decision: str,
        before: Status | None,
        after: Status,
        now: datetime = NOON,
    ) -> str:
        """An entry of the decision log; answers its id."""
        row = session.get_one(DecisionRow, decision)
        public = {
            "decision": decision,
            "client": row.client_id,
            "consent": row.consent_id,
            "product": row.product,
            "purpose": row.purpose,
            "from": before,
            "to": after,
            "topic": f"DECISION_{after}",
            "policy": {
                "adapter": row.adapter,
                "version": row.policy_version,
                "hash": row.policy_hash,
                "rule": row.rule_id,
            },
        }
        return self.decisions.append(session, _event(session, cast, public, {"decision_id": decision}), now)

    def access(self, session: Session, cast: Cast, kind: str = "SCORE_TIER", now: datetime = NOON) -> str:
        """An entry of the access log; answers its id."""
        event = _event(session, cast, {"kind": kind}, {})
        return self.accesses.append(session, _with_subject(event), now)


def _event(session: Session, cast: Cast, public: dict[str, Any], columns: dict[str, Any]) -> Event:
    user = users.load(session, cast.user)
    assert user is not None
    return Event(cast.merchant, cast.user, user.log_subject, public, {"note": "Personal", "tier": "GOOD"}, columns)


def _with_subject(event: Event) -> Event:
    return Event(
        event.merchant_id, event.user_id, event.subject, event.public, event.personal, {"subject": event.subject}
    )


@contextmanager
def behind_the_triggers(database: Database, table: str) -> Iterator[Connection]:
    """A committed transaction in which the table's triggers do not act. They are back afterwards."""
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
        found = self.connection.execute(
            text(f"SELECT * FROM {self.table} WHERE sequence = :sequence"), {"sequence": sequence}
        )
        return dict(found.mappings().one())

    def run(self, statement: str, **values: Any) -> None:
        """Any statement at all."""
        self.connection.execute(text(statement), values)

    def put(self, row: dict[str, Any]) -> None:
        """Writes the row over the one with its id."""
        columns = ", ".join(f"{name} = :{name}" for name in row if name != "id")
        self.run(f"UPDATE {self.table} SET {columns} WHERE id = :id", **row)

    def edit_public(self, sequence: int, **members: Any) -> None:
        """Changes members of the public part and nothing else."""
        row = self.row(sequence)
        row["public"] = canonical({**decode(row["public"]), **members}).decode()
        self.put(row)

    def rehash(self, first: int, last: int, key: SigningKey | None = None) -> None:
        """Makes hashes and links right from entry `first` to `last`, signed by `key` if one is given."""
        previous = self.row(first)["previous_hash"]
        for sequence in range(first, last + 1):
            row = self.row(sequence)
            row["previous_hash"] = previous
            row["hash"] = previous = hash_of(previous, row["public"].encode(), bytes(row["sealed"]))
            if key is not None:
                row["kid"], row["signature"] = key.kid, key.sign(SIGNED_AS + bytes.fromhex(row["hash"]))
            self.put(row)

    def wind_back(self, log: str, sequence: int) -> None:
        """Makes `sequence` the end of the chain, and the head say so."""
        self.run(f"DELETE FROM {self.table} WHERE sequence > :sequence", sequence=sequence)
        self.set_head(log, sequence)

    def set_head(self, log: str, sequence: int) -> None:
        self.run(
            "UPDATE log_heads SET sequence = :sequence, hash = :hash WHERE log = :log",
            log=log,
            sequence=sequence,
            hash=self.row(sequence)["hash"],
        )
