"""Digests of decisions, calls and disputes: they are stable, cover the whole row, and cannot be guessed."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS, IdempotencyRow
from tests.support.clock import BUSINESS_NOON, NOON
from tests.support.factories import make_cast, make_decision
from tests.support.units import reading, writing


def call(**columns: Any) -> IdempotencyRow:
    return IdempotencyRow(
        **{
            "partner_id": "ptn_1",
            "client_id": "cli_1",
            "mutation": "decisionRequest",
            "key": "key-1",
            "input": {"a": 1},
            "decision_id": "dec_1",
            "expires_at": NOON,
            **columns,
        }
    )


def dispute(**columns: Any) -> DisputeRow:
    return DisputeRow(
        **{
            "id": "dsp_1",
            "decision_id": "dec_1",
            "merchant_id": "mer_1",
            "user_id": "usr_1",
            "subject": "BREACH",
            "opened_by": "USER",
            "status": "UPHELD",
            "opened_at": BUSINESS_NOON,
            "respond_by": BUSINESS_NOON + timedelta(days=1),
            "resolved_at": BUSINESS_NOON + timedelta(days=1),
            "opened_event": "evt_1",
            "answered_event": "evt_2",
            **columns,
        }
    )


def test_stored_row_has_the_digest_of_the_written_state(database: Database) -> None:
    moment = BusinessTime((BUSINESS_NOON + timedelta(microseconds=7)).astimezone(ZoneInfo("Asia/Shanghai")))
    ask = {"carRental": {"注": "é", "b": 1, "a": [True, None]}}
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = make_decision(unit, cast.consent, activated_at=moment, ask=ask, due=Money(2**40, "CNY"))
        state = unit.decisions.load(decision)
        assert state is not None
        written = MAPPING.digest(MAPPING.write(state))
        made = call(partner_id=cast.partner, client_id=cast.client, decision_id=decision, input=ask)
        unit.idempotency.claim(made, NOON)
    with reading(database) as unit:
        row = unit.connection.execute(select(DECISIONS)).one()
        assert MAPPING.digest(row) == written
        kept = unit.connection.execute(select(IDEMPOTENCY_RECORDS)).one()
        assert digests.digest_call(kept, "pws_1") == digests.digest_call(made, "pws_1")
    with writing(database) as unit:
        locked = unit.decisions.lock(decision)
        assert locked is not None
        assert locked.stored is not None
        assert locked.stored.digest == written
    for change, same in (("exposure_minor = 1, flagged_at = created_at", True), ("subject = 'usr_other'", False)):
        with writing(database) as unit:
            unit.connection.execute(text(f"UPDATE decisions SET {change}"))
            assert (MAPPING.digest(unit.connection.execute(select(DECISIONS)).one()) == written) is same


def test_digests_of_calls_and_disputes_never_change() -> None:
    assert digests.digest_call(call(), "pws_1") == "46e26b239b4aecc6e5896ac460858777cc21eb3fcbf61729a89a347430f02582"
    expected = "8126d42f0f4e77e3da0a974536d310a4c2ad4422b48065967787529aba542d1b"
    assert digests.digest_dispute(dispute(), "pws_1") == expected
    assert digests.digest_dispute(dispute(resolved_event="evt_3"), "pws_1") == expected


def test_digests_depend_on_the_persons_id() -> None:
    assert digests.digest_call(call(), "usr_1") != digests.digest_call(call(), "usr_2")
    assert digests.digest_dispute(dispute(), "usr_1") != digests.digest_dispute(dispute(), "usr_2")


@pytest.mark.parametrize("document", [{"a": 0.5}, {"a": 2**70}])
def test_unknown_values_have_no_digest(document: Any) -> None:
    row = call(input=document)
    with pytest.raises(TypeError):
        digests.digest_call(row, "usr_1")
    assert digests.try_digest(digests.digest_call, row, "usr_1") is None
