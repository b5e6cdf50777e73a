"""The revision 2026_11_29_1200 on data of the previous revision: totals, renamed columns, token times and digests. A
partner has moved its business time."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, column, table, text

from gateway.audit.log_verification import verify_logs
from gateway.audit.reconciliation import find_mismatches
from gateway.domain.events import Actor
from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.json import canonical, decode
from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from gateway.store.outbox import OUTBOX, content_of, message_of_event
from gateway.store.unit import UnitOfWork
from migrations import runner
from tests.fixtures.settings import MASTER
from tests.support.chains import Chains
from tests.support.clock import NOON, MovableClock
from tests.support.factories import ids
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

BEFORE, AFTER = "2026_11_28_1500", "head"
DAY = timedelta(days=1)
AHEAD = timedelta(days=40, seconds=1)
ODD = timedelta(microseconds=999_999)
COMPUTED = {"amount_minor", "held_minor", "wakes_at"}
DECISION: dict[str, Any] = {
    "client_id": "cli_1",
    "consent_id": "con_1",
    "merchant_id": "mer_1",
    "subject": "pws_1",
    "adapter": "online_shop",
    "product": "PAY_LATER",
    "purpose": "PURCHASE",
    "status": "APPROVED",
    "ask": {"payLater": {"注": "é", "b": 1, "a": [True, None]}},
    "outcome": {
        "kind": "APPROVAL",
        "terms": {
            "kind": "PAY_LATER",
            "amount": {"amount": "300.00", "currency": "CNY"},
            "due_at": "2026-11-30T12:00:00Z",
            "grace_period": "P1D",
        },
        "valid_until": "2026-11-26T12:00:00Z",
        "reasons": ["PARTIAL"],
    },
    "policy_version": "2026-11-01",
    "policy_hash": "0" * 64,
    "rule_id": "rule_1",
    "amount_minor": 30_000,
    "held_minor": 30_000,
    "currency": "CNY",
    "valid_until": NOON + 3 * DAY,
    "created_at": NOON,
    "updated_at": NOON,
    "requested_minor": 40_000,
    "due_minor": 30_000,
    "due_at": NOON + 7 * DAY,
    "wakes_at": NOON + 3 * DAY,
}
WITHOUT_TERMS: dict[str, Any] = {
    "outcome": {"kind": "REFERRAL", "reasons": []},
    "due_minor": 0,
    "due_at": None,
    "held_minor": 0,
}
DECISIONS: list[dict[str, Any]] = [
    DECISION
    | {
        "id": "dec_1",
        "merchant_reference": "order-1",
        "status": "ACTIVE",
        "score_as_of": NOON - DAY,
        "amount_minor": 20_000,
        "held_minor": 20_000,
        "settled_minor": 10_000,
        "updated_at": NOON + 8 * DAY + timedelta(microseconds=7),
        "windows": {"report": "P10D", "contest": "P5D", "respond": "P2D", "write_off": "P100D"},
        "activated_at": NOON + timedelta(hours=1),
        "overdue_at": NOON + 8 * DAY,
        "confirmed_at": NOON + 8 * DAY + timedelta(microseconds=7),
        "stood_still_seconds": 3600,
        "wakes_at": NOON + 18 * DAY + timedelta(hours=1),
    },
    DECISION | {"id": "dec_2", "merchant_reference": "order-2"},
    DECISION | WITHOUT_TERMS | {"id": "dec_3", "merchant_reference": "3", "status": "PENDING", "amount_minor": 40_000},
    DECISION
    | {
        "id": "dec_4",
        "merchant_reference": "order-4",
        "merchant_id": "mer_2",
        "client_id": "cli_2",
        "consent_id": "con_2",
        "subject": "pws_2",
        "status": "BREACHED",
        "breached_at": NOON + DAY,
        "breach_kind": "NOT_PAID",
        "activated_at": NOON,
        "wakes_at": NOON + 366 * DAY,
    },
    DECISION
    | {"id": "dec_5", "merchant_reference": "order-5", "status": "FULFILLED", "settled_minor": 30_000}
    | {"activated_at": NOON, "overdue_at": NOON, "amount_minor": 0, "held_minor": 0, "wakes_at": None},
]
FIRST_DIGEST = "2a63367a46ef8edfcd7d6bcd00861a1ef07ac3c93868c1c47eae8552c7c288c1"
"""The digest of the first decision, computed by the code of the previous revision."""


def old_digest(row: dict[str, Any]) -> str:
    """Returns the digest of a decision as the code of the previous revision computes it."""
    members = {name: value for name, value in row.items() if name not in COMPUTED and value not in (None, 0)}
    plain = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in members.items()}
    return hashlib.sha256(canonical(plain)).hexdigest()


def insert(connection: Connection, table: str, **columns: Any) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%d %H:%M:%S.%f")
        return json.dumps(value) if isinstance(value, dict | list) else value

    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    statement = text(f"INSERT INTO {table} ({names}) VALUES ({values})")
    connection.execute(statement, {name: plain(value) for name, value in columns.items()})


def seed(unit: UnitOfWork) -> None:
    """Writes two partners, of which the first has moved its business time, and one person with decisions and tokens at
    both."""
    write = unit.connection
    names = {"username": "mei", "password_hash": "-", "display_name": "Mei", "log_subject": "sub_1"}
    insert(write, "users", id="usr_1", **names, created_at=NOON)
    for number, ahead in ((1, AHEAD), (2, timedelta(0))):
        partner, merchant, client = f"ptn_{number}", f"mer_{number}", f"cli_{number}"
        consent = f"con_{number}"
        seconds = int(ahead.total_seconds())
        insert(write, "partners", id=partner, name=partner, clock_offset_seconds=seconds, created_at=NOON)
        contract = {"askable_tiers": [], "ceiling_minor": 1, "ceiling_currency": "CNY", "consent_seconds": 60}
        insert(write, "merchants", id=merchant, partner_id=partner, name=merchant, **contract, created_at=NOON)
        rights: dict[str, Any] = {"redirect_uris": [], "grant_types": [], "scopes": []}
        insert(
            write,
            "oauth_clients",
            id=client,
            merchant_id=merchant,
            name=client,
            profile="baseline",
            **rights,
            created_at=NOON,
        )
        person = {"user_id": "usr_1", "merchant_id": merchant, "subject": f"pws_{number}"}
        now = NOON + ahead
        insert(
            write,
            "consents",
            **{"id": consent, "client_id": client, **person, "scopes": [], "details": []},
            granted_at=now,
            expires_at=now + 90 * DAY,
        )
        token = {"client_id": client, "consent_id": consent, "family": "f", "issued_at": now + ODD}
        ended = {"revoked_at": NOON + ODD}
        insert(write, "oauth_access_tokens", digest=f"at_{number}", scopes=[], expires_at=now, **token, **ended)
        insert(write, "oauth_refresh_tokens", digest=f"rt_{number}", expires_at=now + DAY, used_at=NOON, **token)
    chains = Chains(write, unit.keys.ensure_signing_key())
    for decision in DECISIONS:
        insert(write, "decisions", **decision)
        log(unit, chains, decision)
    insert(write, "exposures", user_id="usr_1", currency="CNY", held_minor=80_000)


def log(unit: UnitOfWork, chains: Chains, decision: dict[str, Any]) -> None:
    public = {
        "decision": decision["id"],
        "client": decision["client_id"],
        "consent": decision["consent_id"],
        "product": decision["product"],
        "purpose": decision["purpose"],
        "topic": "DECISION_APPROVED",
        "from": None,
        "to": decision["status"],
        "actor": "GATEWAY",
        "business_at": "2026-11-23T12:00:00Z",
        "policy": {"adapter": "online_shop", "version": "2026-11-01", "hash": "0" * 64, "rule": "rule_1"},
        "state": old_digest(decision),
    }
    merchant = decision["merchant_id"]
    event = chains.append_decision(merchant, "sub_1", decision["id"], public)
    payload = {
        "decisionId": public["decision"],
        "merchantReference": decision["merchant_reference"],
        "from": public["from"],
        "to": public["to"],
        "occurredAt": public["business_at"],
    }
    message = content_of(message_of_event(event, merchant, public, payload, unit.wall))
    old_columns = [column(name, OUTBOX.c[name].type) for name in message]
    unit.connection.execute(table(OUTBOX.name, *old_columns).insert(), message)
    chains.append_request(merchant, "sub_1")


@pytest.fixture
def old(database_url: str, clock: MovableClock) -> Iterator[Database]:
    """A database with data of the previous revision."""
    runner.downgrade(database_url, BEFORE)
    with closing(Database(database_url, clock=clock, keyring=Keyring(MASTER, ids))) as database:
        database.write(seed)
        database.engine.dispose()
        yield database


def contents(database: Database, *tables: str) -> dict[str, list[dict[str, Any]]]:
    """Returns all columns of these tables, independent of the code."""
    with reading(database) as unit:
        return {
            table: sorted(
                (dict(row._mapping) for row in unit.connection.execute(text(f"SELECT * FROM {table}"))), key=repr
            )
            for table in tables
        }


def migrate(database: Database, database_url: str, revision: str) -> None:
    database.engine.dispose()
    (runner.upgrade if revision == AFTER else runner.downgrade)(database_url, revision)


def test_data_survives_upgrade_and_downgrade(old: Database, database_url: str) -> None:
    tables = ("decisions", "exposures", "oauth_access_tokens", "oauth_refresh_tokens", "decision_log", "consents")
    assert old_digest(DECISIONS[0]) == FIRST_DIGEST
    before = contents(old, *tables)
    migrate(old, database_url, AFTER)
    with reading(old) as unit:
        assert verify_logs(unit).finding is None
        assert verify_logs(unit).decisions == len(DECISIONS)
        assert list(find_mismatches(unit)) == []
    migrate(old, database_url, BEFORE)
    assert contents(old, *tables) == before
    entries = contents(old, "decision_log")["decision_log"]
    digests = {each["decision_id"]: decode(each["public"])["state"] for each in entries}
    assert [digests[each["id"]] for each in DECISIONS] == [old_digest(each) for each in DECISIONS]
    migrate(old, database_url, AFTER)
    with reading(old) as unit:
        assert list(find_mismatches(unit)) == []


def test_upgrade_computes_totals_from_decisions(old: Database, database_url: str) -> None:
    migrate(old, database_url, AFTER)
    totals = contents(old, "exposures", "merchant_exposures", "consent_commitments")
    assert totals == {
        "exposures": [{"user_id": "usr_1", "currency": "CNY", "exposure_minor": 80_000}],
        "merchant_exposures": [
            {"user_id": "usr_1", "merchant_id": "mer_1", "currency": "CNY", "exposure_minor": 50_000},
            {"user_id": "usr_1", "merchant_id": "mer_2", "currency": "CNY", "exposure_minor": 30_000},
        ],
        "consent_commitments": [
            {"consent_id": "con_1", "currency": "CNY", "committed_minor": 90_000},
            {"consent_id": "con_2", "currency": "CNY", "committed_minor": 30_000},
        ],
    }


def test_upgrade_moves_token_times_to_wall_time(old: Database, database_url: str) -> None:
    consents = contents(old, "consents")["consents"]
    migrate(old, database_url, AFTER)
    with reading(old) as unit:
        for number in (1, 2):
            access = unit.tokens.load_access_token(f"at_{number}")
            refresh = unit.tokens.load_refresh_token(f"rt_{number}")
            assert access is not None
            assert refresh is not None
            assert (access.issued_at, access.expires_at, access.revoked_at) == (NOON + ODD, NOON, NOON + ODD)
            assert (refresh.issued_at, refresh.expires_at, refresh.used_at) == (NOON + ODD, NOON + DAY, NOON)
    after = [{name: row[name] for name in consents[0]} for row in contents(old, "consents")["consents"]]
    assert after == consents, "they stay in business time"


def test_a_decision_can_be_saved_after_the_upgrade(old: Database, database_url: str, clock: MovableClock) -> None:
    migrate(old, database_url, AFTER)
    clock.now = WallTime(datetime(2026, 12, 20, tzinfo=UTC))
    with writing(old) as unit:
        for number in range(1, 6):
            decision = unit.decisions.lock(f"dec_{number}")
            assert decision is not None
            for event in decision.apply_due(unit.business_time(decision.state.merchant_id)):
                unit.decisions.save(decision, event, Actor.CLOCK, {})
    with reading(old) as unit:
        assert [each.minor for each in unit.exposures.load_by_merchant("usr_1", "CNY").values()] == [30_000]
        assert list(find_mismatches(unit)) == []
        assert verify_logs(unit).intact
