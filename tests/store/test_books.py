"""The check of the books finds what was changed by hand behind the gateway's back, and nothing where nobody did."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.kit.json import canonical, decode
from gateway.services.decisions import ExtendInput
from gateway.store import books, commitments
from gateway.store.database import Database
from tests.services.world import World
from tests.support.clock import MovableClock
from tests.support.lived import Lived, lived
from tests.support.logs import behind_the_triggers

STATE = "to which its newest entry"
NOT_TOLD = "it does not tell"
LOST_CALL = "the idempotency record of its call"
NO_SUCH_CALL = "no event there is of the call"


@pytest.fixture
def lives(database: Database, clock: MovableClock) -> Lived:
    world = World(database, clock)
    world.plant()
    return lived(world)


@pytest.mark.parametrize("batch", [500, 2])
def test_books_that_nobody_touched_agree(lives: Lived, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(books, "BATCH", batch)
    assert lives.world.faults() == []


def test_what_the_rows_repeat_of_each_other(lives: Lived) -> None:
    attempts = (
        ("UPDATE exposures SET held_minor = held_minor - 1", "the line in CNY says 899999, the promises 900000"),
        ("DELETE FROM exposures", "promises of 900000 in CNY stand on no line"),
        ("UPDATE decisions SET held_minor = held_minor - 1 WHERE id = {active}", "what it holds or when it wakes"),
        ("UPDATE decisions SET amount_minor = 1 WHERE id = {active}", "what it commits, what it holds"),
        ("UPDATE decisions SET wakes_at = NULL WHERE id = {active}", "when it wakes is not what its state says"),
        ("UPDATE decisions SET status = 'GONE' WHERE id = {active}", "its row says nothing that can be understood"),
        ("UPDATE decisions SET outcome = '{{}}' WHERE id = {active}", "its row says nothing that can be understood"),
    )
    assert lives.missed(attempts) == []


def test_a_decision_that_was_changed(lives: Lived) -> None:
    changes = (
        "settled_minor = 0 WHERE id = {kept}",
        "settled_minor = -100 WHERE id = {kept}",
        "settled_minor = settled_minor + 100, due_minor = due_minor + 100 WHERE id = {active}",
        "requested_minor = 1 WHERE id = {kept}",
        "windows = REPLACE(CAST(windows AS TEXT), 'P14D', 'P15D'){json} WHERE id = {active}",
        "breached_at = created_at WHERE id = {contested}",
        "confirmed_at = breached_at WHERE id = {contested}",
        "due_at = activated_at, wakes_at = activated_at WHERE id = {active}",
        "due_at = NULL, wakes_at = NULL WHERE id = {active}",
        "breach_kind = 'DAMAGED' WHERE id = {contested}",
        "subject = 'usr_other' WHERE id = {kept}",
        "merchant_reference = 'other' WHERE id = {kept}",
        "ask = '{{}}' WHERE id = {kept}",
        "ask = '[0.5]' WHERE id = {kept}",
        """outcome = '{{"kind": "REFERRAL", "reasons": []}}' WHERE id = {kept}""",
        "valid_until = NULL WHERE id = {kept}",
        "score_as_of = NULL WHERE id = {kept}",
        "created_at = activated_at WHERE id = {kept}",
        "updated_at = created_at WHERE id = {kept}",
    )
    json = "" if lives.world.database.sqlite else "::json"
    statements = [f"UPDATE decisions SET {change.replace('{json}', json)}" for change in changes]
    together = (
        "UPDATE decisions SET due_minor = due_minor - 100, held_minor = held_minor - 100,"
        " amount_minor = amount_minor - 100 WHERE id = {active};"
        "UPDATE exposures SET held_minor = held_minor - 100"
    )
    assert lives.missed((statement, STATE) for statement in (*statements, together)) == []
    (fault,) = lives(together)  # all else agrees
    assert lives.active in fault


def test_the_check_of_the_log_finds_it_too_and_names_the_column_that_it_can(lives: Lived) -> None:
    found = [
        lives.finding(f"UPDATE decisions SET {change} WHERE id = {{kept}}")
        for change in ("settled_minor = 0", "settled_minor = 0, status = 'ACTIVE'")
    ]
    general, named = (finding.sentence for finding in found if finding)
    assert general.endswith("commits.")
    assert "has the status ACTIVE" in named
    assert lives.finding("UPDATE decisions SET held_minor = 5 WHERE id = {kept}") is None


def test_disputes(lives: Lived) -> None:
    contested = "are open"
    columns = {
        "status = 'AWAITING_MERCHANT'": STATE,
        "respond_by = opened_at": STATE,
        "opened_at = respond_by": STATE,
        "resolved_at = opened_at": STATE,
        "subject = 'OVERDUE'": STATE,
        "opened_by = 'MERCHANT'": STATE,
        "user_id = (SELECT max(id) FROM users)": STATE,
        "opened_event = answered_event": "its opened_event is evt_",
        "answered_event = NULL": "its answered_event is None",
        "answered_event = opened_event": "its answered_event is",
        "resolved_event = opened_event": "the log tells None",
        "decision_id = {kept}": "tells of it",
    }
    attempts = [
        *((f"UPDATE disputes SET {change} WHERE id = {{dispute}}", words) for change, words in columns.items()),
        ("UPDATE disputes SET status = 'REJECTED' WHERE id = {ended}", STATE),
        ("UPDATE disputes SET status = 'UNDER_REVIEW' WHERE id = {ended}", contested),
        ("UPDATE disputes SET status = 'UPHELD' WHERE id = {dispute}", contested),
        ("UPDATE decisions SET contested_at = created_at WHERE id = {active}", contested),
        ("UPDATE decisions SET contested_at = NULL WHERE id = {contested}", contested),
        ("UPDATE decisions SET contested_at = NULL WHERE id = {contested}", STATE),
        ("DELETE FROM disputes WHERE id = {dispute}", "tells of it, but it is not there"),
        ("DELETE FROM disputes WHERE id = {ended}", "tells of it, but it is not there"),
    ]
    assert lives.missed(attempts) == []


def test_messages(lives: Lived) -> None:
    event = "WHERE aggregate_id = {kept} AND topic = 'DECISION_ACTIVATED'"
    ended = "WHERE topic = 'CONSENT_REVOKED'"
    uneven = "do not add up"
    attempts = (
        (f"UPDATE outbox SET payload = '{{{{}}}}' {event}", NOT_TOLD),
        (f"""UPDATE outbox SET payload = '{{{{"decisionId": "dec_other"}}}}' {event}""", NOT_TOLD),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {event}", NOT_TOLD),
        (f"UPDATE outbox SET topic = 'CONSENT_GRANTED' {event}", NOT_TOLD),
        (f"UPDATE outbox SET aggregate_id = {{active}} {event}", NOT_TOLD),
        (f"UPDATE outbox SET created_at = '2026-01-01 00:00:00' {event}", NOT_TOLD),
        (f"UPDATE outbox SET merchant_id = (SELECT min(id) FROM merchants WHERE id <> merchant_id) {event}", NOT_TOLD),
        (f"UPDATE outbox SET id = 'evt_other' {event}", "it was logged, but no message tells of it"),
        (f"UPDATE outbox SET id = 'evt_other' {event}", "evt_other: it tells of an event that is not logged"),
        (f"DELETE FROM outbox {event}", "it was logged, but no message tells of it"),
        ("DELETE FROM outbox WHERE topic = 'DISPUTE_RESOLVED'", "it was logged, but no message tells of it"),
        (f"DELETE FROM outbox {ended}", uneven),
        (f"UPDATE outbox SET topic = 'CONSENT_GRANTED' {ended}", uneven),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {ended}", uneven),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {ended}", "it tells of an event that is not logged"),
        (f"UPDATE outbox SET topic = '' {ended}", "it tells of an event that is not logged"),
        (f"UPDATE outbox SET aggregate_id = 'con_other' {ended}", "it tells of a consent that is not there"),
        (f"UPDATE outbox SET aggregate_id = (SELECT min(id) FROM consents) {ended}", uneven),
        (f"UPDATE outbox SET payload = '{{{{}}}}' {ended}", NOT_TOLD),
        ("DELETE FROM consent_versions WHERE action = 'revoked'", uneven),
    )
    assert lives.missed(attempts) == []


def test_idempotency_records(lives: Lived) -> None:
    copied = (
        "INSERT INTO idempotency_records (partner_id, client_id, mutation, key, consent_id, input, decision_id,"
        " expires_at) SELECT partner_id, client_id, mutation, 'made-up', consent_id, input, decision_id, expires_at"
        " FROM idempotency_records WHERE decision_id = {kept} AND mutation = 'decisionActivate'"
    )
    attempts = [
        ("DELETE FROM idempotency_records", LOST_CALL),
        *(
            (f"DELETE FROM idempotency_records WHERE mutation = '{mutation}'", LOST_CALL)
            for mutation in ("decisionRequest", "decisionFulfill", "decisionReportBreach", "disputeRespond")
        ),
        ("UPDATE idempotency_records SET key = 'x' WHERE mutation = 'decisionRequest' AND key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET input = '{{}}' WHERE key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET input = '{{}}' WHERE key = 'key-1'", NO_SUCH_CALL),
        ("UPDATE idempotency_records SET expires_at = '2026-11-23 12:00:00' WHERE key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET decision_id = {active} WHERE key = 'key-1'", NO_SUCH_CALL),
        ("UPDATE idempotency_records SET decision_id = 'dec_gone' WHERE key = 'key-1'", "leads to it, but it is not"),
        (copied, NO_SUCH_CALL),
    ]
    assert lives.missed(attempts) == []
    lives.world.clock.advance(hours=24)
    assert lives("DELETE FROM idempotency_records") == []  # nobody keeps them longer


@pytest.mark.parametrize("change", ["breach_kind = 'DAMAGED'", "settled_minor = 100", "subject = 'usr_other'"])
def test_a_change_by_hand_stays_visible_whatever_happens_to_the_decision_next(lives: Lived, change: str) -> None:
    world = lives.world
    world.execute(f"UPDATE decisions SET {change} WHERE id = '{lives.active}'")
    given = ExtendInput(lives.active, "on-and-on", world.clock() + timedelta(days=90), "As agreed")
    world.decisions.moves.extend(world.merchant_token(), given)
    assert any(f"the decision {lives.active} was another after" in fault for fault in world.faults())


def test_entries_that_commit_to_nothing_yet(lives: Lived) -> None:
    """As those in databases that are older than the commitments. What they have always told is looked at."""
    committed = (commitments.DECISION, commitments.BEFORE, commitments.DISPUTE, commitments.CALL)
    with behind_the_triggers(lives.world.database, "decision_log") as connection:
        for entry, public in connection.execute(text("SELECT id, public FROM decision_log")).all():
            bare = {name: value for name, value in decode(public).items() if name not in committed}
            change = text("UPDATE decision_log SET public = :public WHERE id = :id")
            connection.execute(change, {"id": entry, "public": canonical(bare).decode()})
    assert lives.world.faults() == []
    for unseen in (
        "UPDATE decisions SET settled_minor = 0 WHERE id = {kept}",
        "UPDATE disputes SET respond_by = opened_at",
        "DELETE FROM idempotency_records",
    ):
        assert lives(unseen) == []
    seen = ("UPDATE decisions SET status = 'CANCELLED' WHERE id = {kept}", "has the status CANCELLED")
    made_up = ("UPDATE idempotency_records SET expires_at = '2026-11-23 11:00:00' WHERE key = 'key-1'", NO_SUCH_CALL)
    assert lives.missed([seen, made_up, ("UPDATE outbox SET payload = '{{}}'", NOT_TOLD)]) == []


def test_a_decision_or_its_entries_that_are_gone(lives: Lived) -> None:
    database = lives.world.database
    found = lives("DELETE FROM decisions WHERE id = {active}")
    assert any(f"the decision {lives.active}, of which it tells, is not there" in fault for fault in found)
    with behind_the_triggers(database, "decision_log") as connection:
        connection.execute(text("DELETE FROM decision_log WHERE decision_id = :id"), {"id": lives.kept})
    found = lives.world.faults()
    assert any(f"no entry tells of the decision {lives.kept}" in fault for fault in found)
    assert any("it tells of an event that is not logged" in fault for fault in found)
