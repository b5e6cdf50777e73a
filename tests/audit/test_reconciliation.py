"""Reconciliation of decisions, totals, disputes, messages and idempotency records after manual changes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.audit import reconciliation
from gateway.kit.clock import BusinessTime
from gateway.kit.json import canonical, decode
from gateway.services.decisions.transitions import ExtendCommand
from gateway.store.decisions import digests
from gateway.store.outbox import OUTBOX
from tests.support.decision_history import DecisionHistory
from tests.support.logs import without_triggers

DIGEST = "the digest in its newest entry"
CONTENT = "its content does not match"
LOST_CALL = "its idempotency record"
NO_EVENT = "one of its idempotency records belongs to no event"
NOT_LOGGED = "the log has no entry for its event"
NO_MESSAGE = "the outbox has no message for it"


@pytest.mark.postgresql
@pytest.mark.parametrize("batch", [500, 2])
def test_unchanged_database_has_no_mismatches(
    history: DecisionHistory, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(reconciliation, "BATCH", batch)
    assert history.world.mismatches() == []


def test_changed_derived_column_is_found(history: DecisionHistory) -> None:
    missing = "is None, but its other columns give 2026"
    changes = {
        "exposure_minor = 1 WHERE id = {active}": "its exposure_minor is 1, but its other columns give 300000",
        "committed_minor = 1 WHERE id = {active}": "its committed_minor is 1, but its other columns give 300000",
        "next_transition_at = NULL WHERE id = {active}": f"its next_transition_at {missing}",
        "flagged_at = NULL WHERE id = {contested}": f"its flagged_at {missing}",
        "flagged_at = created_at WHERE id = {fulfilled}": "but its other columns give None",
        "status = 'GONE' WHERE id = {active}": "its row cannot be read",
        "outcome = '{{}}' WHERE id = {active}": "its row cannot be read",
    }
    assert history.undetected((f"UPDATE decisions SET {change}", words) for change, words in changes.items()) == []


@pytest.mark.postgresql
def test_changed_total_is_found(history: DecisionHistory) -> None:
    exposure, at_merchant = "the exposure in CNY", "the exposure in CNY at the merchant mer_test_"
    committed, less, none = "the committed amount in CNY", "is 5, but its decisions add up to", "has no total, but its"
    keys = {"exposures": "user_id", "merchant_exposures": "user_id, merchant_id", "consent_commitments": "consent_id"}
    elsewhere = "(SELECT max(id) FROM merchants WHERE id <> merchant_id)"
    attempts = (
        ("UPDATE exposures SET exposure_minor = 5", f"{exposure} {less} 900000"),
        ("DELETE FROM exposures", f"{exposure} {none} decisions add up to 900000"),
        ("UPDATE merchant_exposures SET exposure_minor = 5", f"{less} 900000"),
        ("UPDATE merchant_exposures SET exposure_minor = 5", at_merchant),
        ("DELETE FROM merchant_exposures", at_merchant),
        (f"UPDATE merchant_exposures SET merchant_id = {elsewhere}", "is 900000, but its decisions add up to 0"),
        (f"UPDATE merchant_exposures SET merchant_id = {elsewhere}", none),
        ("UPDATE consent_commitments SET committed_minor = 5", f"{committed} {less} 300000"),
        ("DELETE FROM consent_commitments", f"{committed} {none} decisions add up to 300000"),
        *(
            (f"INSERT INTO {table} SELECT DISTINCT {key}, 'EUR', 5 FROM {table}", "in EUR")
            for table, key in keys.items()
        ),
        ("UPDATE decisions SET exposure_minor = 1 WHERE id = {active}", f"{exposure} is 900000, but its decisions add"),
        ("UPDATE decisions SET exposure_minor = 1 WHERE id = {active}", at_merchant),
        ("UPDATE decisions SET committed_minor = 1 WHERE id = {active}", f"{committed} is 300000, but its decisions"),
        ("UPDATE decisions SET currency = 'EUR' WHERE id = {active}", f"in EUR {none}"),
    )
    assert history.undetected(attempts) == []


def test_changed_decision_is_found(history: DecisionHistory) -> None:
    changes = (
        "settled_minor = 0 WHERE id = {fulfilled}",
        "settled_minor = -100 WHERE id = {fulfilled}",
        "settled_minor = settled_minor + 100, due_minor = due_minor + 100 WHERE id = {active}",
        "requested_minor = 1 WHERE id = {fulfilled}",
        "windows = REPLACE(CAST(windows AS TEXT), 'P14D', 'P15D'){json} WHERE id = {active}",
        "breached_at = created_at WHERE id = {contested}",
        "dispute_rejected_at = breached_at WHERE id = {contested}",
        "due_at = activated_at, next_transition_at = activated_at WHERE id = {active}",
        "due_at = NULL, next_transition_at = NULL WHERE id = {active}",
        "breach_kind = 'OTHER' WHERE id = {contested}",
        "subject = 'usr_other' WHERE id = {fulfilled}",
        "merchant_reference = 'other' WHERE id = {fulfilled}",
        "ask = '{{}}' WHERE id = {fulfilled}",
        "ask = '[0.5]' WHERE id = {fulfilled}",
        """outcome = '{{"kind": "REFERRAL", "reasons": []}}' WHERE id = {fulfilled}""",
        "valid_until = NULL WHERE id = {fulfilled}",
        "score_as_of = NULL WHERE id = {fulfilled}",
        "created_at = activated_at WHERE id = {fulfilled}",
        "updated_at = created_at WHERE id = {fulfilled}",
    )
    json = "" if history.world.database.sqlite else "::json"
    statements = [f"UPDATE decisions SET {change.replace('{json}', json)}" for change in changes]
    together = (
        "UPDATE decisions SET due_minor = due_minor - 100, exposure_minor = exposure_minor - 100,"
        " committed_minor = committed_minor - 100 WHERE id = {active};"
        "UPDATE exposures SET exposure_minor = exposure_minor - 100;"
        "UPDATE merchant_exposures SET exposure_minor = exposure_minor - 100;"
        "UPDATE consent_commitments SET committed_minor = committed_minor - 100"
        " WHERE consent_id = (SELECT consent_id FROM decisions WHERE id = {active})"
    )
    assert history.undetected((statement, DIGEST) for statement in (*statements, together)) == []
    (mismatch,) = history.mismatches_after(together)  # everything else is consistent
    assert history.active in mismatch


def test_log_verification_finds_a_changed_decision_and_names_logged_columns(history: DecisionHistory) -> None:
    findings = [
        history.finding(f"UPDATE decisions SET {change} WHERE id = {{fulfilled}}")
        for change in ("settled_minor = 0", "settled_minor = 0, status = 'ACTIVE'")
    ]
    general, named = (finding.sentence for finding in findings if finding)
    assert DIGEST in general
    assert "has the status ACTIVE" in named
    assert history.finding("UPDATE decisions SET exposure_minor = 5 WHERE id = {fulfilled}") is None


def test_changed_dispute_is_found(history: DecisionHistory) -> None:
    contested = "open disputes"
    columns = {
        "status = 'AWAITING_MERCHANT'": DIGEST,
        "respond_by = opened_at": DIGEST,
        "opened_at = respond_by": DIGEST,
        "resolved_at = opened_at": DIGEST,
        "subject = 'OVERDUE'": DIGEST,
        "opened_by = 'MERCHANT'": DIGEST,
        "user_id = (SELECT max(id) FROM users)": DIGEST,
        "opened_event = answered_event": "its opened_event is evt_",
        "answered_event = NULL": "its answered_event is None",
        "answered_event = opened_event": "its answered_event is",
        "resolved_event = opened_event": "but None in the log",
        "decision_id = {fulfilled}": "has no entry for it",
    }
    attempts = [
        *((f"UPDATE disputes SET {change} WHERE id = {{dispute}}", words) for change, words in columns.items()),
        ("UPDATE disputes SET status = 'REJECTED' WHERE id = {resolved_dispute}", DIGEST),
        ("UPDATE disputes SET status = 'UNDER_REVIEW' WHERE id = {resolved_dispute}", contested),
        ("UPDATE disputes SET status = 'UPHELD' WHERE id = {dispute}", contested),
        ("UPDATE decisions SET contested_at = created_at WHERE id = {active}", contested),
        ("UPDATE decisions SET contested_at = NULL WHERE id = {contested}", contested),
        ("UPDATE decisions SET contested_at = NULL WHERE id = {contested}", DIGEST),
        ("DELETE FROM disputes WHERE id = {dispute}", "it does not exist, but event evt_"),
        ("DELETE FROM disputes WHERE id = {resolved_dispute}", "it does not exist, but event evt_"),
    ]
    assert history.undetected(attempts) == []


def test_changed_message_is_found(history: DecisionHistory) -> None:
    event = "WHERE aggregate_id = {fulfilled} AND topic = 'DECISION_ACTIVATED'"
    ended = "WHERE topic = 'CONSENT_REVOKED'"
    uneven = "its messages do not match its versions"
    json = "" if history.world.database.sqlite else "::json"
    ((consent, subject),) = history.world.rows("SELECT id, subject FROM consents WHERE revoked_at IS NOT NULL")
    old = f"""'{{{{"consentId": "{consent}", "subject": "{subject}"}}}}'"""

    def changed(before: str, after: str) -> str:
        return f"REPLACE(CAST(payload AS TEXT), '{before}', '{after}'){json}"

    attempts = (
        (f"UPDATE outbox SET payload = '{{{{}}}}' {event}", CONTENT),
        (f"""UPDATE outbox SET payload = '{{{{"decisionId": "dec_other"}}}}' {event}""", CONTENT),
        (f"UPDATE outbox SET payload = {changed('MERCHANT', 'CLOCK')} {event}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('car_rental', 'online_shop')} {event}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('false', 'true')} {event}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('3000.00', '1000.00')} {event}", CONTENT),
        (f"UPDATE outbox SET payload = '[]' {event}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('UPHELD', 'REJECTED')} WHERE topic = 'DISPUTE_RESOLVED'", CONTENT),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {event}", CONTENT),
        (f"UPDATE outbox SET topic = 'CONSENT_GRANTED' {event}", CONTENT),
        (f"UPDATE outbox SET aggregate_id = {{active}}, sequence = 99 {event}", CONTENT),
        (f"UPDATE outbox SET sequence = 99 {event}", "its messages are not numbered from 1 on"),
        (f"UPDATE outbox SET created_at = '2026-01-01 00:00:00' {event}", CONTENT),
        (f"UPDATE outbox SET merchant_id = (SELECT min(id) FROM merchants WHERE id <> merchant_id) {event}", CONTENT),
        (f"UPDATE outbox SET id = 'evt_other' {event}", NO_MESSAGE),
        (f"UPDATE outbox SET id = 'evt_other' {event}", f"evt_other: {NOT_LOGGED}"),
        (f"DELETE FROM outbox {event}", NO_MESSAGE),
        ("DELETE FROM outbox WHERE topic = 'DISPUTE_RESOLVED'", NO_MESSAGE),
        (f"DELETE FROM outbox {ended}", uneven),
        (f"UPDATE outbox SET topic = 'CONSENT_GRANTED' {ended}", uneven),
        (f"UPDATE outbox SET topic = 'CONSENT_NARROWED' {ended}", uneven),
        ("UPDATE outbox SET topic = 'CONSENT_NARROWED' WHERE topic = 'CONSENT_GRANTED'", uneven),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {ended}", uneven),
        (f"UPDATE outbox SET topic = 'DECISION_CANCELLED' {ended}", NOT_LOGGED),
        (f"UPDATE outbox SET topic = '' {ended}", NOT_LOGGED),
        (f"UPDATE outbox SET aggregate_id = 'con_other' {ended}", "its consent does not exist"),
        (f"UPDATE outbox SET aggregate_id = (SELECT min(id) FROM consents), sequence = 99 {ended}", uneven),
        (f"UPDATE outbox SET payload = '{{{{}}}}' {ended}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('USER', 'OPERATOR')} {ended}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('REVOKED', 'ACTIVE')} {ended}", CONTENT),
        (f"UPDATE outbox SET payload = {changed('decisions:request', 'score:exact')} {ended}", CONTENT),
        (f"UPDATE outbox SET payload = {old} {ended}", CONTENT),
        ("DELETE FROM consent_versions WHERE action = 'revoked'", uneven),
    )
    assert history.undetected(attempts) == []


def test_changed_idempotency_record_is_found(history: DecisionHistory) -> None:
    copied = (
        "INSERT INTO idempotency_records (partner_id, client_id, mutation, key, consent_id, input, decision_id,"
        " expires_at) SELECT partner_id, client_id, mutation, 'made-up', consent_id, input, decision_id, expires_at"
        " FROM idempotency_records WHERE decision_id = {fulfilled} AND mutation = 'decisionActivate'"
    )
    attempts = [
        ("DELETE FROM idempotency_records", LOST_CALL),
        *(
            (f"DELETE FROM idempotency_records WHERE mutation = '{mutation}'", LOST_CALL)
            for mutation in ("decisionRequest", "decisionFulfill", "decisionReportBreach", "disputeRespond")
        ),
        ("UPDATE idempotency_records SET key = 'x' WHERE mutation = 'decisionRequest' AND key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET input = '{{}}' WHERE key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET input = '{{}}' WHERE key = 'key-1'", NO_EVENT),
        ("UPDATE idempotency_records SET expires_at = '2026-11-23 12:00:00' WHERE key = 'key-1'", LOST_CALL),
        ("UPDATE idempotency_records SET decision_id = {active} WHERE key = 'key-1'", NO_EVENT),
        (
            "UPDATE idempotency_records SET decision_id = 'dec_gone' WHERE key = 'key-1'",
            "an idempotency record refers to it",
        ),
        (copied, NO_EVENT),
    ]
    assert history.undetected(attempts) == []
    history.world.clock.advance(hours=24)
    assert history.mismatches_after("DELETE FROM idempotency_records") == []  # they are kept for 24 hours


@pytest.mark.parametrize("change", ["breach_kind = 'DAMAGED'", "settled_minor = 100", "subject = 'usr_other'"])
def test_manual_change_is_found_after_a_later_transition(history: DecisionHistory, change: str) -> None:
    world = history.world
    world.execute(f"UPDATE decisions SET {change} WHERE id = '{history.active}'")
    command = ExtendCommand(history.active, "on-and-on", BusinessTime(world.clock() + timedelta(days=90)), "As agreed")
    world.transitions.extend(world.merchant_token(), command)
    assert any(f"decision {history.active} was changed between" in mismatch for mismatch in history.world.mismatches())


def test_entries_without_digests(history: DecisionHistory) -> None:
    """Databases of older versions have entries without digests, and messages without snapshots. Only their logged
    columns are compared."""
    members = (digests.DECISION, digests.BEFORE, digests.DISPUTE, digests.CALL, digests.MESSAGE)
    with without_triggers(history.world.database, "decision_log") as connection:
        references: dict[str, str] = dict(
            map(tuple, connection.execute(text("SELECT id, merchant_reference FROM decisions")))
        )
        for entry, public in connection.execute(text("SELECT id, public FROM decision_log")).all():
            logged = decode(public)
            bare = {name: value for name, value in logged.items() if name not in members}
            change = text("UPDATE decision_log SET public = :public WHERE id = :id")
            connection.execute(change, {"id": entry, "public": canonical(bare).decode()})
            old = {
                "decisionId": logged["decision"],
                "merchantReference": references[logged["decision"]],
                "from": logged["from"],
                "to": logged["to"],
                "occurredAt": logged["business_at"],
                **({"disputeId": logged["dispute"]} if "dispute" in logged else {}),
            }
            connection.execute(OUTBOX.update().where(OUTBOX.c.id == entry).values(payload=old))
    assert history.world.mismatches() == []
    for undetectable in (
        "UPDATE decisions SET settled_minor = 0 WHERE id = {fulfilled}",
        "UPDATE disputes SET respond_by = opened_at",
        "DELETE FROM idempotency_records",
    ):
        assert history.mismatches_after(undetectable) == []
    status = ("UPDATE decisions SET status = 'CANCELLED' WHERE id = {fulfilled}", "has the status CANCELLED")
    forged = ("UPDATE idempotency_records SET expires_at = '2026-11-23 11:00:00' WHERE key = 'key-1'", NO_EVENT)
    assert history.undetected([status, forged, ("UPDATE outbox SET payload = '{{}}'", CONTENT)]) == []
    event = "WHERE aggregate_id = {fulfilled} AND topic = 'DECISION_ACTIVATED'"
    json = "" if history.world.database.sqlite else "::json"
    changes = {"order-1": "order-2", "ACTIVE": "BREACHED", "decisionId": "decision", "2026-": "2027-"}
    assert (
        history.undetected(
            (f"UPDATE outbox SET payload = REPLACE(CAST(payload AS TEXT), '{old}', '{new}'){json} {event}", CONTENT)
            for old, new in changes.items()
        )
        == []
    )


def test_deleted_decision_and_deleted_entries_are_found(history: DecisionHistory) -> None:
    database = history.world.database
    mismatches = history.mismatches_after("DELETE FROM decisions WHERE id = {active}")
    assert any(f"its decision {history.active} does not exist" in mismatch for mismatch in mismatches)
    with without_triggers(database, "decision_log") as connection:
        connection.execute(text("DELETE FROM decision_log WHERE decision_id = :id"), {"id": history.fulfilled})
    mismatches = history.world.mismatches()
    assert any(f"the log has no entry for decision {history.fulfilled}" in mismatch for mismatch in mismatches)
    assert any(NOT_LOGGED in mismatch for mismatch in mismatches)
