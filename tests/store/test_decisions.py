"""Decisions: saved together with totals, log entries and messages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.audit.log_verification import verify_logs
from gateway.audit.reconciliation import find_mismatches
from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.domain.decisions.outcome import Approval, Decline, ManualReview, Outcome
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.decisions.transitions import BreachKind, Status, first_status
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.database import Database
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.decisions.exposures import EXPOSURES
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.logs.decision_log import read_public
from gateway.store.outbox import OUTBOX
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON, NOON
from tests.support.factories import Cast, decision_state, ids, make_cast, make_client, make_consent, make_merchant
from tests.support.logs import log_access
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

DAY = timedelta(days=1)
WINDOWS = Windows(report=10 * DAY, contest=5 * DAY, respond=2 * DAY, write_off=100 * DAY)
PERSONAL = {"note": "Personal"}


def at(length: timedelta) -> BusinessTime:
    return BusinessTime(BUSINESS_NOON + length)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


APPROVAL = Approval(PayLaterTerms(cny(30_000), at(7 * DAY), DAY), at(3 * DAY))


def request(
    unit: UnitOfWork, cast: Cast, *, outcome: Outcome = APPROVAL, reference: str = "R-1", rule: str = "everyone"
) -> str | None:
    """Saves a request of 400.00 as the services do, and returns its decision id, or None if the reference is taken."""
    state = decision_state(
        cast.consent,
        merchant_reference=reference,
        status=first_status(outcome),
        ask={"payLater": {"days": 3, "city": "上海"}},
        outcome=outcome,
        rule_id=rule,
        requested=cny(40_000),
        due=cny(0),
        windows=WINDOWS,
    )
    decision, event = Decision.request(state, outcome if isinstance(outcome, Approval) else None, at(DAY))
    call = call_of(cast, state.id, "decisionRequest")
    if unit.decisions.insert(decision, event, PERSONAL, call) is None:
        return None
    unit.idempotency.claim(call, unit.wall)
    log_access(unit, cast, "REQUEST")
    return state.id


def call_of(cast: Cast, decision: str, mutation: str) -> IdempotencyRow:
    return IdempotencyRow(
        partner_id=cast.partner,
        client_id=cast.client,
        mutation=mutation,
        key=decision,
        input={},
        decision_id=decision,
        expires_at=WallTime(NOON + KEPT_FOR),
    )


def lock(unit: UnitOfWork, decision_id: str | None) -> Decision:
    decision = unit.decisions.lock(decision_id or "")
    assert decision is not None
    return decision


def load(unit: UnitOfWork, decision_id: str | None) -> DecisionState:
    state = unit.decisions.load(decision_id or "")
    assert state is not None
    return state


def exposures(unit: UnitOfWork, cast: Cast) -> tuple[Money, Money, Money]:
    """Returns the stored exposure in total and at the merchant, and the committed amount."""
    in_total = select(EXPOSURES.c.exposure_minor).where(EXPOSURES.c.user_id == cast.user, EXPOSURES.c.currency == "CNY")
    return (
        cny(unit.connection.scalar(in_total) or 0),
        unit.exposures.load_by_merchant(cast.user, "CNY").get(cast.merchant, cny(0)),
        unit.decisions.load_committed(cast.consent.id, "CNY", BUSINESS_NOON),
    )


def same(minor: int) -> tuple[Money, Money, Money]:
    return cny(minor), cny(minor), cny(minor)


def test_insert_writes_decision_totals_log_and_message(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = request(unit, cast)
        assert exposures(unit, cast) == same(30_000)
    with reading(database) as unit:
        state = load(unit, decision)
        assert unit.decisions.load("dec_no") is None
        assert (state.status, state.ask) == (Status.APPROVED, {"payLater": {"days": 3, "city": "上海"}})
        assert (state.outcome, state.windows, state.valid_until) == (APPROVAL, WINDOWS, APPROVAL.valid_until)
        assert (state.requested, state.due, state.created_at) == (cny(40_000), cny(30_000), BUSINESS_NOON)
        (entry,) = unit.decision_log.list_of_decision(state.id)
        public = read_public(entry)
        assert public[digests.DECISION] == MAPPING.digest(MAPPING.write(state))
        assert public[digests.CALL] == digests.digest_call(call_of(cast, state.id, "decisionRequest"), state.subject)
        assert digests.BEFORE not in public
        assert (public["topic"], public["from"], public["to"], public["actor"]) == (
            Topic.DECISION_APPROVED,
            None,
            Status.APPROVED,
            Actor.GATEWAY,
        )
        assert unit.decision_log.open_personal(entry) == PERSONAL
        message = unit.connection.execute(select(OUTBOX)).one()
        assert (message.id, message.payload["data"]["merchantReference"]) == (entry.id, "R-1")
        assert public[digests.MESSAGE] == digests.digest_message(message.payload, state.subject)
        assert list(find_mismatches(unit)) == []
        assert verify_logs(unit).intact


@pytest.mark.parametrize(
    ("outcome", "committed"), [(ManualReview(), 40_000), (Decline(("NO_HISTORY",)), 0)], ids=["pending", "declined"]
)
def test_a_request_that_is_not_approved_reserves_nothing(database: Database, outcome: Outcome, committed: int) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        request(unit, cast, outcome=outcome)
        assert exposures(unit, cast) == (cny(0), cny(0), cny(committed))
    with reading(database) as unit:
        assert list(find_mismatches(unit)) == []


def test_save_writes_row_totals_log_and_message_together(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = request(unit, cast)

    def act(work: Any, actor: Actor = Actor.MERCHANT, **parts: Any) -> None:
        with writing(database) as unit:
            locked = lock(unit, decision)
            assert locked.stored is not None
            before = locked.stored.digest
            event_id = unit.decisions.save(locked, work(locked), actor, PERSONAL, **parts)
            entry = unit.decision_log.load(event_id)
            assert entry is not None
            public = read_public(entry)
            assert public[digests.BEFORE] == before
            assert public[digests.DECISION] == locked.stored.digest
            assert load(unit, decision) == locked.state == locked.stored.state
        with reading(database) as unit:
            assert [one for one in find_mismatches(unit) if "idempotency" not in one] == []

    act(lambda locked: locked.activate(BUSINESS_NOON))
    act(lambda locked: locked.settle(at(DAY), cny(10_000)))
    with reading(database) as unit:
        assert exposures(unit, cast) == same(20_000)
    act(lambda locked: next(locked.apply_due(at(8 * DAY))), Actor.CLOCK)
    act(lambda locked: locked.report_breach(at(9 * DAY), BreachKind.NOT_PAID, cny(15_000)))
    with reading(database) as unit:
        assert exposures(unit, cast) == same(15_000)
        flagged = unit.connection.scalars(select(DECISIONS.c.flagged_at)).one()
        assert flagged == at(8 * DAY)
    act(lambda locked: next(locked.apply_due(at(109 * DAY))), Actor.CLOCK)
    with reading(database) as unit:
        assert exposures(unit, cast) == (cny(0), cny(0), cny(15_000)), "a breach that is written off stays committed"
    act(lambda locked: locked.settle(at(110 * DAY)))
    with reading(database) as unit:
        assert exposures(unit, cast) == same(0)
        assert load(unit, decision).status is Status.FULFILLED
        assert unit.connection.scalars(select(DECISIONS.c.flagged_at)).one() is None
        assert len(unit.decision_log.list_of_decision(load(unit, decision).id)) == 7
        assert verify_logs(unit).intact


def test_several_events_can_be_saved_in_one_unit(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = request(unit, cast)
        locked = lock(unit, decision)
        unit.decisions.save(locked, locked.activate(BUSINESS_NOON), Actor.MERCHANT, PERSONAL)
        for event in locked.apply_due(at(8 * DAY)):
            unit.decisions.save(locked, event, Actor.CLOCK, PERSONAL)
        locked.state, dispute = replace(locked.state), dispute_of(cast, locked.state.id)
        opened = locked.open_dispute(at(8 * DAY))
        event_id = unit.decisions.save(locked, opened, Actor.USER, PERSONAL, dispute=dispute)
        dispute.opened_event = event_id
        unit.disputes.insert(dispute)
    with reading(database) as unit:
        entries = [read_public(entry) for entry in unit.decision_log.list_of_decision(locked.state.id)]
        topics = ["DECISION_APPROVED", "DECISION_ACTIVATED", "DECISION_OVERDUE", "DISPUTE_OPENED"]
        assert [entry["topic"] for entry in entries] == topics
        assert [entry[digests.BEFORE] for entry in entries[1:]] == [entry[digests.DECISION] for entry in entries[:-1]]
        assert list(find_mismatches(unit)) == []
        assert verify_logs(unit).intact


def test_event_without_changes_does_not_write_the_row(database: Database) -> None:
    """Also for a row of an older version, which has no windows: its digest stays the same."""
    with writing(database) as unit:
        decision = request(unit, make_cast(unit))
        unit.connection.execute(DECISIONS.update().values(windows=None))
        locked = lock(unit, decision)
        assert locked.stored is not None
        event = locked.note(Topic.DISPUTE_ANSWERED, BUSINESS_NOON)
        event_id = unit.decisions.save(locked, event, Actor.MERCHANT, PERSONAL)
        entry, row = unit.decision_log.load(event_id), unit.connection.execute(select(DECISIONS)).one()
        assert entry is not None
        public = read_public(entry)
        assert public[digests.BEFORE] == public[digests.DECISION] == MAPPING.digest(row)
        assert row.windows is None


def dispute_of(cast: Cast, decision: str) -> DisputeRow:
    return DisputeRow(
        id=ids.new("dsp"),
        decision_id=decision,
        merchant_id=cast.merchant,
        user_id=cast.user,
        subject="OVERDUE",
        opened_by="USER",
        status="AWAITING_MERCHANT",
        opened_at=at(8 * DAY),
        respond_by=at(10 * DAY),
        opened_event="",
    )


def test_a_unit_that_fails_saves_nothing(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = request(unit, cast)

    def cancel_and_fail(unit: UnitOfWork) -> None:
        locked = lock(unit, decision)
        unit.decisions.save(locked, locked.cancel(BUSINESS_NOON), Actor.MERCHANT, PERSONAL)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(cancel_and_fail)
    with reading(database) as unit:
        assert load(unit, decision).status is Status.APPROVED
        assert exposures(unit, cast) == same(30_000)
        assert list(find_mismatches(unit)) == []


def test_reference_is_unique_per_merchant(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        second = make_client(unit, make_merchant(unit, cast.partner))
        consent = make_consent(unit, second, cast.user)
        other = Cast(cast.partner, consent.merchant_id, second, cast.user, consent)
        assert request(unit, other, reference="R-2") is not None
    won = race_writes(database, lambda unit, number: request(unit, cast, reference="R-2", rule=f"rule {number}"))
    assert sum(each is not None for each in won) == 1
    with reading(database) as unit:
        state = unit.decisions.load_by_reference(cast.merchant, "R-2")
        assert state is not None
        assert (state.id, state.rule_id) == next((one, f"rule {number}") for number, one in enumerate(won) if one)
        assert unit.decisions.load_by_reference(cast.merchant, "R-3") is None
        assert unit.decisions.load_by_reference("mer_other", "R-2") is None
        assert exposures(unit, cast) == (cny(60_000), cny(30_000), cny(30_000)), (
            "requests with a used reference add nothing"
        )
        assert list(find_mismatches(unit)) == []
