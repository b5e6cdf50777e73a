"""The lock on a decision: one unit of work at a time changes it, and reads its newest state."""

from datetime import timedelta

import pytest

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import make_cast, make_decision
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def at(seconds: int) -> BusinessTime:
    return BusinessTime(BUSINESS_NOON + timedelta(seconds=seconds))


def lock(unit: UnitOfWork, decision_id: str) -> Decision:
    decision = unit.decisions.lock(decision_id)
    assert decision is not None
    return decision


def cancel(unit: UnitOfWork, decision_id: str, now: BusinessTime = BUSINESS_NOON) -> bool:
    """Cancels an approval. Returns False if it is already cancelled."""
    decision = lock(unit, decision_id)
    if decision.state.status is not Status.APPROVED:
        return False
    unit.decisions.save(decision, decision.cancel(now), Actor.MERCHANT, {})
    return True


def test_only_one_of_concurrent_transitions_succeeds(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision = make_decision(unit, cast.consent)
    won = race_writes(database, lambda unit, number: cancel(unit, decision, at(number)))
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        state = unit.decisions.load(decision)
        assert state is not None
        assert (state.status, state.updated_at) == (Status.CANCELLED, at(won.index(True)))
        assert unit.exposures.load_by_merchant(cast.user, "CNY") == {}


def test_lock_returns_the_newest_state(database: Database) -> None:
    with writing(database) as unit:
        decision = make_decision(unit, make_cast(unit).consent)
    if database.sqlite:
        return  # on SQLite only one unit writes at a time, so nothing changes between its two reads
    with writing(database) as unit:
        state = unit.decisions.load(decision)
        assert state is not None
        assert state.status is Status.APPROVED
        with writing(database) as other:
            assert cancel(other, decision)
        assert lock(unit, decision).state.status is Status.CANCELLED


def test_an_unknown_decision_cannot_be_locked(database: Database) -> None:
    with writing(database) as unit:
        assert unit.decisions.lock("dec_no") is None
