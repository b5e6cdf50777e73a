"""The logs of one merchant, for tests that tamper with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from gateway.audit.log_report import Finding, LogReport
from gateway.audit.log_verification import verify_logs
from gateway.domain.decisions.transitions import Status
from gateway.store.database import Database
from tests.support.factories import Cast, make_cast
from tests.support.logs import Forger, find_in_logs, log_decision, log_event, sign_checkpoints, without_triggers
from tests.support.units import reading, writing

ENTRIES = 5
SIZES = {"decision": ENTRIES + 1, "access": ENTRIES, "record": 4}


@dataclass(frozen=True)
class Logs:
    """The logs of one merchant: five decisions, each with an entry and an access, the last cancelled by a sixth entry;
    and four records. `checkpoints` cover all of it, and are not in the database."""

    database: Database
    cast: Cast
    decisions: list[str]
    entries: list[str]
    kid: str
    checkpoints: str

    def check(self, **options: Any) -> LogReport:
        with reading(self.database) as unit:
            return verify_logs(unit, **options)

    def finding(self, *checkpoints: str, **options: Any) -> Finding:
        finding = find_in_logs(self.database, *checkpoints, **options)
        assert finding is not None
        assert finding.sentence.endswith(".")
        return finding

    def tamper(self, act: Callable[[Forger], None], table: str = "decision_log") -> None:
        """Runs `act` without the triggers of the table."""
        with without_triggers(self.database, table) as connection:
            act(Forger(connection, table))


def make_logs(database: Database) -> Logs:
    """Writes the logs."""
    with writing(database) as unit:
        cast = make_cast(unit)
        written = [log_decision(unit, cast) for _ in range(ENTRIES)]
        last = written[-1][0]
        cancelled = log_event(unit, cast, last, Status.APPROVED, Status.CANCELLED)
        unit.connection.execute(text("UPDATE decisions SET status = 'CANCELLED' WHERE id = :id"), {"id": last})
    checkpoints = sign_checkpoints(database)
    with writing(database) as unit:
        unit.connection.execute(text("DELETE FROM log_checkpoints"))
        (kid,) = unit.keys.load_public_keys()
    return Logs(database, cast, [d for d, _ in written], [*[e for _, e in written], cancelled], kid, checkpoints)
