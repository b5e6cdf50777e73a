"""The pgbench script that writes the rows of one decision of the gateway, and what pgbench prints about it.

The values are those of a decision that the gateway has written, sent as parameters. The ids of the decision, of its
person and its merchant, and its places in the logs differ in each transaction.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Table

from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.exposures import COMMITMENTS, MERCHANT_EXPOSURES
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS
from gateway.store.logs.access_log import ACCESS_LOG
from gateway.store.logs.decision_log import DECISION_LOG
from gateway.store.logs.trees import TREES
from gateway.store.outbox import OUTBOX

_SAMPLE = {
    DECISIONS: "id = %(id)s",
    IDEMPOTENCY_RECORDS: "decision_id = %(id)s",
    OUTBOX: "aggregate_id = %(id)s",
    DECISION_LOG: "decision_id = %(id)s",
    ACCESS_LOG: "leaf_index = (SELECT max(leaf_index) FROM access_log)",
    TREES: "log = 'access'",
}
"""The conditions of the rows whose values are written again."""

ADDED_TO = tuple(table for table in _SAMPLE if table is not TREES)
"""The tables that a decision adds one row to."""

PEOPLE = """
CREATE TABLE bench_people AS
SELECT row_number() OVER (ORDER BY consents.id) AS number, users.id AS user_id, users.log_subject,
    consents.id AS consent_id, consents.merchant_id, consents.client_id, consents.subject
FROM exposures JOIN users ON users.id = exposures.user_id JOIN consents ON consents.user_id = users.id
JOIN consent_commitments ON consent_commitments.consent_id = consents.id
WHERE exposures.exposure_minor > 0;
ALTER TABLE bench_people ADD PRIMARY KEY (number);
ANALYZE bench_people
"""
"""The persons with exposure, as the scenario decide has them, each with the merchant that has their consent."""

_DIGITS = 13
"""The digits of the number of a transaction. They are the end of its ids, which so have the length of the gateway's."""


@dataclass(frozen=True, slots=True)
class Script:
    """The script, and the variables that pgbench sends as parameters."""

    text: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What pgbench printed: the number of transactions, and those per second."""

    transactions: int
    per_second: float


def make_script(url: str, clients: int, *, with_heads: bool = True) -> Script:
    """Returns the script for a database with the table of PEOPLE. Without `with_heads` it does not change the heads of
    the logs, on which all transactions wait for each other."""
    variables = {"n": "0", "clients": str(clients)}
    with psycopg.connect(url) as connection:
        (people,) = connection.execute("SELECT count(*) FROM bench_people").fetchone() or (0,)
        variables["people"] = str(people)
        (newest,) = connection.execute("SELECT max(id) FROM decisions WHERE status = 'APPROVED'").fetchone() or ("",)
        for table, condition in _SAMPLE.items():
            variables |= _values(connection, table, condition, newest)
    return Script(_text(variables, with_heads=with_heads), variables)


def run(program: Path, url: str, script: Script, clients: int, seconds: float, folder: Path) -> Result:
    """Runs pgbench without its own tables, with prepared statements. Raises RuntimeError if it fails, or if one of the
    transactions does."""
    file = folder / "decision.sql"
    file.write_text(script.text)
    defined = [f"--define={name}={value}" for name, value in script.variables.items()]
    options = [f"--file={file}", f"--client={clients}", f"--time={max(1, round(seconds))}", "--jobs=1"]
    command = [str(program), "--no-vacuum", "--protocol=prepared", *options, *defined, f"--dbname={url}"]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise RuntimeError(f"pgbench failed: {completed.stderr[-1_500:]}")
    return read_output(completed.stdout)


def read_output(output: str) -> Result:
    """Returns the figures in the output of pgbench. Raises ValueError if they are missing or a transaction failed."""
    number = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    if number is None or rate is None or (failed and int(failed[1])):
        raise ValueError(f"pgbench printed: {output}")
    return Result(int(number[1]), float(rate[1]))


def _values(connection: psycopg.Connection, table: Table, condition: str, decision_id: str) -> dict[str, str]:
    """Returns the values of a row as text, by the name of the variable, without nulls."""
    columns = ", ".join(f"{column.name}::text" for column in table.c)
    statement = f"SELECT {columns} FROM {table.name} WHERE {condition}"
    row = connection.cursor(row_factory=dict_row).execute(statement.encode(), {"id": decision_id}).fetchone() or {}
    return {_variable(table, name): value for name, value in row.items() if value is not None}


_PERSON = {name: f":{name}" for name in ("user_id", "consent_id", "merchant_id", "subject")}
_PERSON["client_id"] = ":of_client"
"""The columns whose values the first statement returns. pgbench has a variable of its own with the name client_id."""


def _text(variables: Mapping[str, str], *, with_heads: bool) -> str:
    statements = _Statements(variables)
    return "\n".join(
        (
            "\\set n :n + 1",
            f"\\set number 1{'0' * (_DIGITS - 1)} + :n * 1000 + :client_id",
            "\\set person (:n * :clients + :client_id) % :people + 1",
            *([] if with_heads else ["\\set access_leaf :number", "\\set decision_leaf :number"]),
            "BEGIN;",
            statements.claim_key(),
            *statements.reserve(),
            *statements.save(),
            *(_move_head(log) for log in ("access", "decision") if with_heads),
            *statements.append(),
            "END;",
            "",
        )
    )


class _Statements:
    """The statements of the transaction, in the order of the gateway. The variables are those of the copied rows."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._decision_id, self._event_id, self._access_id = (
            f"'{variables[name][:-_DIGITS]}'::text || :number::text"
            for name in ("decisions_id", "decision_log_id", "access_log_id")
        )

    def claim_key(self) -> str:
        """Inserts the idempotency record, and reads the person in the same statement."""
        changed = {
            "key": "'000' || :number::text",
            "client_id": "person.client_id",
            "consent_id": "person.consent_id",
            "decision_id": self._decision_id,
        }
        columns = "user_id, log_subject, consent_id, merchant_id, client_id AS of_client, subject"
        return (
            "WITH person AS (SELECT * FROM bench_people WHERE number = :person),\n"
            f"record AS ({self._insert(IDEMPOTENCY_RECORDS, changed, 'person')})\n"
            f"SELECT {columns} FROM person \\gset"
        )

    def reserve(self) -> Iterator[str]:
        """Adds the amount of the decision to the totals."""
        change = "exposure_minor = exposure_minor + :decisions_exposure_minor"
        yield f"UPDATE exposures SET {change} WHERE user_id = :user_id AND currency = :decisions_currency;"
        yield self._add(MERCHANT_EXPOSURES, "user_id, merchant_id, currency", "exposure_minor")
        yield self._add(COMMITMENTS, "consent_id, currency", "committed_minor")

    def save(self) -> Iterator[str]:
        """Inserts the decision and its message."""
        reference = "'order-000' || :number::text"
        yield self._insert(DECISIONS, {**_PERSON, "id": self._decision_id, "merchant_reference": reference}) + ";"
        yield self._insert(OUTBOX, {**_PERSON, "id": self._event_id, "aggregate_id": self._decision_id}) + ";"

    def append(self) -> Iterator[str]:
        """Inserts the entries of both logs."""
        access = {"id": self._access_id, "subject": ":log_subject", "leaf_index": ":access_leaf"}
        event = {"id": self._event_id, "decision_id": self._decision_id, "leaf_index": ":decision_leaf"}
        yield self._insert(ACCESS_LOG, {**_PERSON, **access}) + ";"
        yield self._insert(DECISION_LOG, {**_PERSON, **event}) + ";"

    def _insert(self, table: Table, changed: Mapping[str, str], source: str = "") -> str:
        names, values = [], []
        for column in table.c:
            variable = _variable(table, column.name)
            copied = f":{variable}" if variable in self._variables else "NULL"
            names.append(column.name)
            values.append(changed.get(column.name, copied))
        listed = ", ".join(values)
        selected = f"SELECT {listed} FROM {source}" if source else f"VALUES ({listed})"
        return f"INSERT INTO {table.name} ({', '.join(names)}) {selected}"

    def _add(self, table: Table, keys: str, amount: str) -> str:
        changed = {**_PERSON, "currency": ":decisions_currency", amount: f":decisions_{amount}"}
        total = f"{amount} = {table.name}.{amount} + excluded.{amount}"
        return f"{self._insert(table, changed)} ON CONFLICT ({keys}) DO UPDATE SET {total};"


def _move_head(log: str) -> str:
    return (
        f"UPDATE log_trees SET size = size + 1, frontier = :log_trees_frontier WHERE log = '{log}'"
        f" RETURNING size - 1 AS {log}_leaf \\gset"
    )


def _variable(table: Table, column: str) -> str:
    return f"{table.name}_{column}"
