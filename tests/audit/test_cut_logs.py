"""Logs that were cut at the end together with their heads, and rows that no log covers:
what other rows reveal, and what is not found before there are checkpoints and a log of these rows."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gateway.audit.log_report import FindingKind
from gateway.audit.log_verification import verify_logs
from tests.services.asks import car, request_command
from tests.support.checkout import ROOT
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.logs import without_triggers
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

DECISIONS = 3


@dataclass(frozen=True)
class Cut:
    """A merchant with three decisions about one person, each with a request in the access log. `newest` is the id of
    the newest decision."""

    world: DemoWorld
    merchant: str
    newest: str

    def run(self, *statements: str) -> None:
        """Runs statements without the triggers. `:newest` is the id of the newest decision."""
        with without_triggers(self.world.database, "access_log") as connection:
            self._run(connection, [each for each in statements if "decision_log" not in each])
        with without_triggers(self.world.database, "decision_log") as connection:
            self._run(connection, [each for each in statements if "decision_log" in each])

    def _run(self, connection: Connection, statements: list[str]) -> None:
        for each in statements:
            values = {"newest": self.newest} if ":newest" in each else {}
            assert connection.execute(text(each), values).rowcount, each

    def found(self) -> list[Any]:
        """The kind of the first finding of the log verification, and the number of mismatches."""
        with reading(self.world.database) as unit:
            finding = verify_logs(unit).finding
        return [finding and finding.kind, len(self.world.mismatches())]


@pytest.fixture
def cut(database_url: str, clock: MovableClock) -> Iterator[Cut]:
    with closing(DemoWorld(database_url, clock)) as world:
        world.seed_demo()
        consent = world.grant()
        decisions = [
            world.requester.request(
                world.user_token(consent), request_command(car(world.clock(), "30.00"), f"k{n}", f"order-{n}")
            ).decision
            for n in range(DECISIONS)
        ]
        yield Cut(world, decisions[-1].merchant_id, decisions[-1].id)


def move_head(log: str) -> str:
    """The statement that sets the head of a log to its last entry."""
    last = f"FROM {log}_log WHERE {log}_log.merchant_id = log_heads.merchant_id ORDER BY sequence DESC LIMIT 1"
    return f"UPDATE log_heads SET sequence = (SELECT sequence {last}), hash = (SELECT hash {last}) WHERE log = '{log}'"


CUT_ACCESSES = (f"DELETE FROM access_log WHERE sequence > {DECISIONS - 1}", move_head("access"))
CUT_DECISION = (
    "DELETE FROM outbox WHERE aggregate_id = :newest",
    "DELETE FROM idempotency_records WHERE decision_id = :newest",
    "UPDATE exposures SET exposure_minor = exposure_minor * 2 / 3",
    "UPDATE merchant_exposures SET exposure_minor = exposure_minor * 2 / 3",
    "UPDATE consent_commitments SET committed_minor = committed_minor * 2 / 3",
    "DELETE FROM decisions WHERE id = :newest",
    "DELETE FROM decision_log WHERE decision_id = :newest",
    "UPDATE log_heads SET sequence = (SELECT MAX(sequence) FROM decision_log), hash = (SELECT hash FROM decision_log"
    " ORDER BY sequence DESC LIMIT 1) WHERE log = 'decision'",
)


def test_c1_untouched_logs_have_no_findings(cut: Cut) -> None:
    assert cut.found() == [None, 0]


def test_c1_a_removed_access_log_is_found_by_the_decisions(cut: Cut) -> None:
    cut.run("DELETE FROM access_log", "DELETE FROM log_heads WHERE log = 'access'")
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 2]  # the second: the person has a key and no access


def test_c1_a_request_cut_from_the_access_log_is_found(cut: Cut) -> None:
    cut.run(*CUT_ACCESSES)
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 1]


def test_c1_a_removed_decision_is_found_by_its_request(cut: Cut) -> None:
    cut.run(*CUT_DECISION)
    assert cut.found() == [FindingKind.REQUESTS_DIFFER, 1]


def test_c1_the_only_accesses_to_a_person_cannot_be_removed_unnoticed(cut: Cut) -> None:
    world = cut.world
    token = world.user_token(world.grant("good"))
    with writing(world.database) as unit:
        world.access_log.record(unit, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"})
    assert cut.found() == [None, 0]
    cut.run(f"DELETE FROM access_log WHERE sequence > {DECISIONS}", move_head("access"))
    assert cut.found() == [FindingKind.NO_ACCESS, 1]


def test_c1_a_removal_of_everything_is_not_found_yet(cut: Cut) -> None:
    """The limit that docs/security.md states. Only checkpoints outside the database can show this."""
    cut.run(*CUT_DECISION, *CUT_ACCESSES)
    assert cut.found() == [None, 0]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("UPDATE consents SET expires_at = '2030-01-01 00:00:00', revoked_at = NULL", id="C3-consents"),
        pytest.param("UPDATE merchants SET ceiling_minor = ceiling_minor * 2", id="C3-contracts"),
        pytest.param("UPDATE oauth_clients SET name = 'Another name'", id="C3-clients"),
        pytest.param("UPDATE users SET display_name = 'Another person'", id="C3-users"),
    ],
)
def test_rows_that_no_log_covers_can_be_edited_unnoticed(cut: Cut, edit: str) -> None:
    """The limit that docs/security.md states. Only a log with digests of these rows can show this."""
    with cut.world.database.writing_engine.begin() as connection:
        connection.execute(text(edit))
    assert cut.found() == [None, 0]
    assert "| consents, contracts, clients, users changed" in (ROOT / "docs" / "security.md").read_text()
