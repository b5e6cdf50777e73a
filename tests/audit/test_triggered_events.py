"""Messages that are marked as triggered by a merchant: the mark hides no manual change."""

import pytest
from sqlalchemy import select, text

from gateway.domain.webhooks.variant import WebhookVariant, mark
from gateway.store.outbox import OUTBOX
from tests.support.decision_history import DecisionHistory
from tests.support.logs import without_triggers

CONTENT = "its content does not match"
NOT_LOGGED = "the log has no entry for its event"
NO_MESSAGE = "the outbox has no message for it"
REMOVED = "Changed, or removed at the end"


def test_mark_of_a_triggered_event_hides_nothing(history: DecisionHistory) -> None:
    """Triggered events have no entry in the log. Somebody who removes an entry can mark its message as one."""
    json = "" if history.world.database.sqlite else "::json"
    member = """'{{"occurredAt"', '{{"triggered": "NORMAL", "occurredAt"'"""
    marked = f"payload = REPLACE(CAST(payload AS TEXT), {member}){json}"
    last = "id = (SELECT max(id) FROM outbox WHERE aggregate_id = {fulfilled})"
    revoked, uneven = "topic = 'CONSENT_REVOKED'", "its messages do not match its versions"
    attempts = (
        (f"UPDATE outbox SET {marked} WHERE {last}", CONTENT),
        (f"UPDATE outbox SET {marked}, id = 'evt_other' WHERE {last}", NO_MESSAGE),
        (f"UPDATE outbox SET {marked}, id = 'evt_other' WHERE {last}", f"evt_other: {NOT_LOGGED}"),
        (f"UPDATE outbox SET {marked}, aggregate_id = 'dec_other' WHERE {last}", CONTENT),
        (f"UPDATE outbox SET {marked}, aggregate_id = 'dec_other', id = 'evt_other' WHERE {last}", NO_MESSAGE),
        (f"UPDATE outbox SET {marked} WHERE {revoked}", CONTENT),
        (f"UPDATE outbox SET {marked}, aggregate_id = 'con_other' WHERE {revoked}", uneven),
    )
    assert history.undetected(attempts) == []


@pytest.mark.postgresql
def test_mark_does_not_hide_a_removed_log_entry(history: DecisionHistory) -> None:
    database, last = history.world.database, {"decision": history.fulfilled}
    entry = "id = (SELECT max(id) FROM decision_log WHERE decision_id = :decision)"
    with without_triggers(database, "decision_log") as connection:
        (payload,) = connection.scalars(select(OUTBOX.c.payload).where(text(entry)), last)
        marked = OUTBOX.update().where(text(entry)).values(payload=mark(payload, WebhookVariant.NORMAL))
        connection.execute(marked, last)
        connection.execute(text(f"DELETE FROM decision_log WHERE {entry}"), last)
    mismatches = history.world.mismatches()
    (unlogged,) = (each.split()[1].rstrip(":") for each in mismatches if NOT_LOGGED in each)
    moved = f"UPDATE outbox SET aggregate_id = 'dec_other', sequence = 1 WHERE id = '{unlogged}'"
    assert any(REMOVED in mismatch for mismatch in history.mismatches_after(moved))
