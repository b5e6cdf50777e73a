"""Writes the data for the compared servers to an SQLite file, and counts the rows that a run has added."""

import hashlib
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tools.bench.dataset import CREDIT_LIMIT, RANKS, Dataset, StoredDecision

TABLES = """
CREATE TABLE merchants (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE clients (id INTEGER PRIMARY KEY, merchant_id INTEGER NOT NULL REFERENCES merchants,
  active INTEGER NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, tier TEXT NOT NULL, rank INTEGER NOT NULL);
CREATE TABLE consents (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users,
  merchant_id INTEGER NOT NULL REFERENCES merchants, expires_at INTEGER NOT NULL, withdrawn_at INTEGER,
  open_decisions INTEGER NOT NULL, committed INTEGER NOT NULL, credit_limit INTEGER NOT NULL);
CREATE TABLE tokens (digest BLOB PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES clients,
  consent_id INTEGER REFERENCES consents, expires_at INTEGER NOT NULL, revoked_at INTEGER) WITHOUT ROWID;
CREATE TABLE decisions (id INTEGER PRIMARY KEY, merchant_id INTEGER NOT NULL, consent_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL, reference TEXT NOT NULL, product TEXT NOT NULL, status TEXT NOT NULL,
  created_at INTEGER NOT NULL, outcome TEXT NOT NULL, due INTEGER);
CREATE INDEX decisions_of_merchant ON decisions (merchant_id, id);
CREATE TABLE accesses (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, consent_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX accesses_of_user ON accesses (user_id, id);
CREATE TABLE events (id INTEGER PRIMARY KEY, decision_id INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, merchant_id INTEGER NOT NULL, decision_id INTEGER NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE idempotency (client_id INTEGER NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL,
  decision_id INTEGER NOT NULL, PRIMARY KEY (client_id, key)) WITHOUT ROWID;
CREATE TABLE token_clients (id TEXT PRIMARY KEY, jwks TEXT NOT NULL);
CREATE TABLE refresh_tokens (token TEXT PRIMARY KEY);
"""
DAY = 86_400


def write(file: Path, data: Dataset, client_id: str, jwks: dict[str, Any]) -> None:
    """Writes a new file in WAL mode, with everything in the main file. `client_id` and `jwks` are the client of the
    scenario token."""
    now = int(time.time())
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(TABLES)
        with database:
            _write_parties(database, data, now)
            for number, decision in enumerate(data.stored_decisions(), 1):
                _write_decision(database, number, decision, now - DAY + number)
            database.execute("INSERT INTO token_clients VALUES (?, ?)", (client_id, json.dumps(jwks)))
            database.executemany("INSERT INTO refresh_tokens VALUES (?)", ((text,) for text in data.refresh_tokens()))
        database.execute("ANALYZE")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def count(file: Path) -> dict[str, int]:
    """Returns the number of accesses by kind, of decisions, events and messages in the outbox, and of access tokens."""
    with closing(sqlite3.connect(file)) as database:
        kinds = dict(database.execute("SELECT kind, count(*) FROM accesses GROUP BY kind"))
        rows = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("decisions", "events", "outbox", "idempotency")
        }
        tokens = _count_issued_tokens(database)
    accesses = {"tier": kinds.get("TIER", 0), "decision": kinds.get("DECISION", 0)}
    return {**accesses, **rows, "token": tokens}


def _count_issued_tokens(database: sqlite3.Connection) -> int:
    """Returns the number of access tokens in the table that node-oidc-provider creates, or 0 without the table."""
    if database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'oidc_records'").fetchone() is None:
        return 0
    return int(database.execute("SELECT count(*) FROM oidc_records WHERE model = 'AccessToken'").fetchone()[0])


def _write_parties(database: sqlite3.Connection, data: Dataset, now: int) -> None:
    numbers = range(1, data.merchants + 1)
    database.executemany("INSERT INTO merchants VALUES (?, ?)", ((n, f"Merchant {n}") for n in numbers))
    database.executemany("INSERT INTO clients VALUES (?, ?, 1)", ((n, n) for n in numbers))
    people = data.people()
    database.executemany(
        "INSERT INTO users VALUES (?, ?, ?)", ((user.number, user.tier, RANKS[user.tier]) for user in people)
    )
    database.executemany(
        "INSERT INTO consents VALUES (?, ?, ?, ?, NULL, 0, 0, ?)",
        ((user.number, user.number, user.merchant, now + 90 * DAY, CREDIT_LIMIT) for user in people),
    )
    tokens: list[tuple[str, int, int | None]] = [(user.token, user.merchant, user.number) for user in people]
    tokens += [(token, number, None) for number, token in enumerate(data.merchant_tokens(), 1)]
    database.executemany(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, NULL)",
        ((hashlib.sha256(token.encode()).digest(), client, consent, now + DAY) for token, client, consent in tokens),
    )


def _write_decision(database: sqlite3.Connection, number: int, decision: StoredDecision, at: int) -> None:
    user, due = decision.user, decision.deposit if decision.approved else None
    status = "APPROVED" if decision.approved else "DECLINED"
    outcome = _approval(decision.deposit, at) if decision.approved else '{"reasons":["TIER_BELOW_REQUIRED"]}'
    database.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, 'DEPOSIT_WAIVER', ?, ?, ?, ?)",
        (number, user.merchant, user.number, user.number, decision.reference, status, at, outcome, due),
    )
    database.executemany(
        "INSERT INTO events (decision_id, kind, at, body) VALUES (?, ?, ?, ?)",
        ((number, kind, at, outcome) for kind in ("REQUESTED", status)),
    )
    database.execute(
        "INSERT INTO outbox (merchant_id, decision_id, body, at) VALUES (?, ?, ?, ?)",
        (user.merchant, number, outcome, at),
    )
    if due is not None:
        database.execute(
            "UPDATE consents SET open_decisions = open_decisions + 1, committed = committed + ? WHERE id = ?",
            (due, user.number),
        )


def _text(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _approval(deposit: int, at: int) -> str:
    terms = {"originalDeposit": deposit, "waivedAmount": deposit, "depositDue": 0, "returnBy": _text(at + 4 * DAY)}
    return json.dumps({"terms": terms, "validUntil": at + 7 * DAY, "reasons": []}, separators=(",", ":"))
