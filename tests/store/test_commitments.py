"""What an entry commits to: the whole row, whichever way it came into memory, and nothing that can be guessed."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.store import commitments, decisions
from gateway.store.database import Database
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow
from gateway.store.idempotency import IdempotencyRow
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_decision


def test_a_row_read_back_is_the_row_that_was_written(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        moment = (NOON + timedelta(microseconds=7)).astimezone(ZoneInfo("Asia/Shanghai"))
        ask = {"carRental": {"注": "é", "b": 1, "a": [True, None]}}
        decision = make_decision(session, cast.consent, activated_at=moment, ask=ask, settled_minor=2**40)
        written = commitments.of_decision(session.get_one(DecisionRow, decision))
    with database.read() as session:
        row = decisions.load(session, decision)
        assert row is not None
        assert commitments.of_decision(row) == written
        row.held_minor, row.amount_minor, row.wakes_at = 1, 2, NOON
        assert commitments.of_decision(row) == written
        row.subject = "usr_other"
        assert commitments.of_decision(row) != written


def test_nobody_can_guess_without_the_persons_id() -> None:
    call = IdempotencyRow(
        partner_id="p", client_id="c", mutation="m", key="k", input={}, decision_id="d", expires_at=NOON
    )
    dispute = DisputeRow(
        id="d",
        decision_id="d",
        merchant_id="m",
        user_id="u",
        subject="BREACH",
        opened_by="USER",
        status="UPHELD",
        opened_at=NOON,
        respond_by=NOON,
        opened_event="e",
    )
    assert commitments.of_call(call, "usr_1") != commitments.of_call(call, "usr_2")
    assert commitments.of_dispute(dispute, "usr_1") != commitments.of_dispute(dispute, "usr_2")


@pytest.mark.parametrize("ask", [{"a": 0.5}, {"a": 2**70}])
def test_what_the_gateway_would_not_write_is_refused_to_be_written_and_not_found(ask: Any) -> None:
    row = IdempotencyRow(
        partner_id="p", client_id="c", mutation="m", key="k", input=ask, decision_id="d", expires_at=NOON
    )
    with pytest.raises(TypeError):
        commitments.of_call(row, "usr_1")
    assert commitments.found(commitments.of_call, row, "usr_1") is None
