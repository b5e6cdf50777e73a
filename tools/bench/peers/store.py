"""The statements of the compared servers in Python, with the driver of the standard library on the event loop's thread.

Each function is one unit of work inside a transaction of the caller. README.md in the folder above has the tables.
"""

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

DAY = 86_400
LARGEST_DEPOSIT, LARGEST_VALUE = 200_000, 50_000_000
"""The policy: what is approved, in minor units."""

_CALLER = """SELECT t.client_id, c.merchant_id, k.id, k.user_id, k.expires_at, k.withdrawn_at
FROM tokens t JOIN clients c ON c.id = t.client_id LEFT JOIN consents k ON k.id = t.consent_id
WHERE t.digest = ? AND t.expires_at > ? AND t.revoked_at IS NULL AND c.active = 1"""
_TIER = "SELECT tier, rank FROM users WHERE id = ?"
_ACCESS = "INSERT INTO accesses (client_id, consent_id, user_id, kind, at) VALUES (?, ?, ?, ?, ?)"
_PAGE = """SELECT id, reference, product, status, created_at, outcome, due FROM decisions
WHERE merchant_id = ? ORDER BY id DESC LIMIT ?"""
_KEY = "SELECT digest, decision_id FROM idempotency WHERE client_id = ? AND key = ?"
_ONE = "SELECT id, reference, product, status, created_at, outcome, due FROM decisions WHERE id = ?"
_TOTALS = "SELECT committed, credit_limit FROM consents WHERE id = ?"
_RESERVE = "UPDATE consents SET open_decisions = open_decisions + 1, committed = committed + ? WHERE id = ?"
_DECISION = """INSERT INTO decisions
(merchant_id, consent_id, user_id, reference, product, status, created_at, outcome, due)
VALUES (?, ?, ?, ?, 'DEPOSIT_WAIVER', ?, ?, ?, ?)"""
_EVENT = "INSERT INTO events (decision_id, kind, at, body) VALUES (?, ?, ?, ?)"
_MESSAGE = "INSERT INTO outbox (merchant_id, decision_id, body, at) VALUES (?, ?, ?, ?)"
_RECORD = "INSERT INTO idempotency (client_id, key, digest, decision_id) VALUES (?, ?, ?, ?)"


class Unauthorized(Exception):
    """The token is unknown, or what it refers to has ended. The response is 401."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request. `consent` and `user` are None for a merchant token."""

    client: int
    merchant: int
    consent: int | None
    user: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of decisions, with its outcome as stored: {"terms", "validUntil", "reasons"} or {"reasons"}."""

    id: int
    reference: str
    product: str
    status: str
    created_at: int
    outcome: dict[str, Any]
    due: int | None


@dataclass(frozen=True, slots=True)
class UserError:
    """A problem that the client can fix."""

    code: str
    message: str
    field: list[str]


def open_database(file: str) -> sqlite3.Connection:
    """Returns the server's only connection. The caller begins and commits."""
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=256)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def find_caller(connection: sqlite3.Connection, authorization: str) -> Caller:
    """Returns the caller of a bearer token. Raises Unauthorized."""
    now = int(time.time())
    row = connection.execute(_CALLER, (hashlib.sha256(authorization[7:].encode()).digest(), now)).fetchone()
    if row is None or (row[2] is not None and (row[4] <= now or row[5] is not None)):
        raise Unauthorized
    return Caller(*row[:4])


def read_tier(connection: sqlite3.Connection, caller: Caller) -> tuple[str, int]:
    """Returns tier and rank of the caller's user, and logs the access."""
    tier, rank = connection.execute(_TIER, (caller.user,)).fetchone()
    connection.execute(_ACCESS, (caller.client, caller.consent, caller.user, "TIER", int(time.time())))
    return tier, rank


def read_page(connection: sqlite3.Connection, caller: Caller, first: int) -> tuple[list[Decision], bool]:
    """Returns the merchant's newest decisions, and whether there are more."""
    rows = connection.execute(_PAGE, (caller.merchant, first + 1)).fetchall()
    return [_decision(row) for row in rows[:first]], len(rows) > first


def decide(
    connection: sqlite3.Connection, caller: Caller, request: dict[str, Any]
) -> tuple[Decision | None, bool, list[UserError]]:
    """Returns the decision, whether an earlier request made it, and the errors. `request` is a DecisionRequestInput."""
    ask, key = request["ask"]["carRental"], request["idempotencyKey"]
    text = json.dumps([caller.consent, request["merchantReference"], ask], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).digest()
    known = connection.execute(_KEY, (caller.client, key)).fetchone()
    if known is not None:
        if known[0] != digest:
            error = UserError(
                "IDEMPOTENCY_KEY_REUSED", "The key was used with another input.", ["input", "idempotencyKey"]
            )
            return None, False, [error]
        return _decision(connection.execute(_ONE, (known[1],)).fetchone()), True, []
    if {ask["deposit"]["currency"], ask["vehicleValue"]["currency"]} != {"CNY"}:
        return None, False, [UserError("INVALID", "Amounts are in CNY.", ["input", "ask", "carRental", "deposit"])]
    deposit, value = _minor(ask["deposit"]["amount"]), _minor(ask["vehicleValue"]["amount"])
    now = int(time.time())
    committed, limit = connection.execute(_TOTALS, (caller.consent,)).fetchone()
    approved = deposit <= LARGEST_DEPOSIT and value <= LARGEST_VALUE and committed + deposit <= limit
    outcome, due = (
        _outcome(deposit, str(ask["rental"]["end"]), now) if approved else _DECLINED,
        deposit if approved else None,
    )
    status, body = "APPROVED" if approved else "DECLINED", json.dumps(outcome, separators=(",", ":"))
    row = (caller.merchant, caller.consent, caller.user, request["merchantReference"], status, now, body, due)
    number = connection.execute(_DECISION, row).lastrowid or 0
    if due is not None:
        connection.execute(_RESERVE, (due, caller.consent))
    connection.executemany(_EVENT, ((number, "REQUESTED", now, text), (number, status, now, body)))
    connection.execute(_MESSAGE, (caller.merchant, number, body, now))
    connection.execute(_RECORD, (caller.client, key, digest, number))
    connection.execute(_ACCESS, (caller.client, caller.consent, caller.user, "DECISION", now))
    return Decision(number, request["merchantReference"], "DEPOSIT_WAIVER", status, now, outcome, due), False, []


class Each:
    """Runs each unit of work in a transaction of its own."""

    def __init__(self, file: str) -> None:
        self.connection = open_database(file)

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Returns the result of a unit after its commit. If the unit raises, nothing is written."""
        return self.run_now(unit)

    def run_now(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """The same without waiting."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = unit(self.connection)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return result

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Returns the result of a unit that writes nothing."""
        return unit(self.connection)


class Group(Each):
    """Runs all units of work that wait in one transaction. Each gets its result after the commit."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """See Each. A unit raises Unauthorized before it writes, and nothing else that the others do not notice."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit_all)
        self._waiting.append((unit, future))
        return await future

    def _commit_all(self) -> None:
        units, self._waiting = self._waiting, []
        results: list[Any] = []
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            for unit, _ in units:
                try:
                    results.append(unit(self.connection))
                except Unauthorized as error:
                    results.append(error)
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            results = [error] * len(units)
        for (_, future), result in zip(units, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


_DECLINED: dict[str, Any] = {"reasons": ["AMOUNT_ABOVE_LIMIT"]}


def _decision(row: Any) -> Decision:
    return Decision(row[0], row[1], row[2], row[3], row[4], orjson.loads(row[5]), row[6])


def _minor(amount: object) -> int:
    return int(Decimal(str(amount)) * 100)


def _outcome(deposit: int, return_by: str, now: int) -> dict[str, Any]:
    terms = {"originalDeposit": deposit, "waivedAmount": deposit, "depositDue": 0, "returnBy": return_by}
    return {"terms": terms, "validUntil": now + 7 * DAY, "reasons": []}
