"""A person contests an imported record: it does not count, the tier is restored, and the source or silence decides."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import GatewayError, InvalidInput, NotFound, StateConflict, TooEarly
from gateway.domain.scoring.record_dispute import REOPENING_TIME, RESPONSE_TIME, RecordDisputeStatus
from gateway.domain.scoring.tier import Tier
from tests.fixtures.demo import DemoDatabase
from tests.support.clock import MovableClock
from tests.support.contested_records import (
    AMOUNT,
    BROKEN,
    LIVENESS,
    broken,
    contest,
    import_broken,
    load,
    measure,
    mei,
    references,
)
from tests.support.demo_world import DemoWorld
from tests.support.live_world import LiveWorld
from tests.support.race import race
from tests.support.score_imports import history, import_records, make_people, records_of, row, user_id


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment where mei has a broken rental, on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock)) as opened:
        import_broken(opened)
        yield opened


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    """A sandbox with personas, on each kind of database in turn."""
    with demo_database.open(clock) as opened:
        yield opened


def test_contesting_restores_score_and_tier_at_once(live: LiveWorld) -> None:
    low = measure(live)
    assert low.tier is Tier.BUILDING
    dispute = contest(live)
    contested = measure(live)
    assert contested.score == (low.score or 0) + 100
    assert contested.tier is Tier.GOOD
    assert dispute.respond_by == dispute.opened_at + RESPONSE_TIME


def test_held_tier_that_the_record_had_ended_is_held_again(database_url: str, clock: MovableClock) -> None:
    """On the first of December an assessment expires, the score ages below the cut-off, and the tier is held."""
    orders = {"dimension": "SHOPPING", "kind": "MONTHS", "months": "1", "amount": None, "currency": None}
    with closing(LiveWorld(database_url, clock)) as live:
        make_people(live.container, "mei")
        import_records(live.container, *history(15), LIVENESS, row(92, at="2024-12-05", **orders))
        assert measure(live).tier is Tier.GOOD
        clock.advance(timedelta(days=9))
        held = measure(live)
        assert (held.tier, held.held_until is None) == (Tier.GOOD, False)
        import_records(live.container, BROKEN)
        clock.advance(timedelta(days=1))
        assert measure(live).tier is Tier.BUILDING
        contest(live)
        restored = measure(live)
        assert (restored.score, restored.tier, restored.held_until) == (held.score, held.tier, held.held_until)


def test_rejected_dispute_lets_the_record_count_at_once_and_keeps_both_texts(live: LiveWorld) -> None:
    before = measure(live)
    dispute = contest(live, "I paid.\nHere is why.")
    assert measure(live).score != before.score
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="The source has proof.")
    assert (measure(live).score, measure(live).tier) == (before.score, before.tier)
    ended = load(live, dispute)
    assert (ended.status, ended.statement, ended.resolution) == (
        RecordDisputeStatus.REJECTED,
        "I paid.\nHere is why.",
        "The source has proof.",
    )


def test_withdrawn_dispute_lets_the_record_count(live: LiveWorld) -> None:
    before = measure(live)
    dispute = contest(live)
    with pytest.raises(NotFound):
        live.container.record_disputes.withdraw("usr_other", dispute.id)
    live.container.record_disputes.withdraw(mei(live), dispute.id)
    assert measure(live).score == before.score
    with pytest.raises(StateConflict):
        live.container.record_disputes.withdraw(mei(live), dispute.id)


def test_same_version_can_be_contested_again_after_a_month(live: LiveWorld) -> None:
    dispute = contest(live)
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="No.")
    with pytest.raises(TooEarly):
        contest(live, "Here is the receipt.")
    live.clock.advance(REOPENING_TIME)
    contest(live, "Here is the receipt.")


def test_silence_of_the_source_upholds_the_dispute(live: LiveWorld) -> None:
    dispute = contest(live)
    live.clock.advance(RESPONSE_TIME - timedelta(seconds=1))
    assert live.container.tasks.apply_due() == 0
    live.clock.advance(timedelta(seconds=1))
    assert live.container.tasks.apply_due() == 1
    assert load(live, dispute).status is RecordDisputeStatus.UPHELD
    assert "r90" not in references(live)
    assert live.container.tasks.apply_due() == 0


def test_failing_dispute_is_logged_and_others_are_upheld(live: LiveWorld) -> None:
    import_records(live.container, row(93, kind="LATE", at="2026-11-02"))
    (late,) = [each.id for each in records_of(live.container) if each.kind == "LATE"]
    broken_one, other = contest(live), live.container.record_disputes.open(mei(live), late, "I was on time.")
    live.clock.advance(RESPONSE_TIME)
    live.execute("UPDATE behaviour_records SET kind = 'JUNK' WHERE reference = 'r90'")
    with capture_logs() as logs:
        assert live.container.record_disputes.uphold_due() == 1
    (entry,) = [each for each in logs if each["event"] == "record_dispute_not_upheld"]
    assert (entry["dispute"], entry["error"]) == (broken_one.id, "ValueError")
    assert (load(live, broken_one).is_open, load(live, other).is_open) == (True, False)


def test_contested_overdue_record_is_not_seen_by_policies(live: LiveWorld) -> None:
    """The broken record of every test here is open too."""
    import_records(live.container, row(94, kind="OVERDUE", at="2026-11-02"))
    assert measure(live).open_overdue == 2
    (overdue,) = [each.id for each in records_of(live.container) if each.kind == "OVERDUE"]
    dispute = live.container.record_disputes.open(mei(live), overdue, "It is paid.")
    assert measure(live).open_overdue == 1
    live.container.record_disputes.withdraw(mei(live), dispute.id)
    assert measure(live).open_overdue == 2


def test_silence_is_measured_in_the_business_time_of_the_persons_partner(world: DemoWorld) -> None:
    user, service = world.user("building"), world.container.record_disputes
    (late,) = world.rows(f"SELECT id FROM behaviour_records WHERE user_id = '{user}' AND kind = 'LATE'")
    service.open(user, late.id, "I was on time.")
    assert service.uphold_due() == 0
    world.move_partner(RESPONSE_TIME)
    assert (service.uphold_due(), world.mismatches()) == (1, [])


def test_other_persons_and_replaced_records_cannot_be_contested(live: LiveWorld) -> None:
    disputes, record_id = live.container.record_disputes, broken(live)
    bo = live.container.database.read(lambda unit: user_id(unit, "bo"))
    with pytest.raises(NotFound):
        disputes.open(bo, record_id, "Not mine.")
    import_records(live.container, {**BROKEN, **AMOUNT})
    with pytest.raises(NotFound):
        disputes.open(mei(live), record_id, "An old version.")


def test_kept_record_cannot_be_contested(live: LiveWorld) -> None:
    kept = next(each.id for each in records_of(live.container) if each.kind == "KEPT")
    with pytest.raises(InvalidInput):
        live.container.record_disputes.open(mei(live), kept, "No.")


def test_one_of_eight_openings_succeeds(live: LiveWorld) -> None:
    record_id, person = broken(live), mei(live)

    def open_dispute(number: int) -> bool:
        with suppress(GatewayError):
            return bool(live.container.record_disputes.open(person, record_id, f"Statement {number}."))
        return False

    assert sum(race(open_dispute)) == 1
    assert len(live.rows("SELECT id FROM record_disputes")) == 1


def test_texts_are_sealed_and_gone_with_the_persons_key(live: LiveWorld) -> None:
    dispute = contest(live, "A secret of mine.")
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="A secret of theirs.")
    stored = repr(live.rows("SELECT * FROM record_disputes")).encode()
    assert b"secret" not in stored
    live.execute("DELETE FROM user_keys")
    ended = load(live, dispute)
    assert (ended.statement, ended.resolution, ended.status) == ("", None, RecordDisputeStatus.REJECTED)


def test_operators_decision_needs_a_reason(live: LiveWorld) -> None:
    dispute = contest(live)
    with pytest.raises(InvalidInput):
        live.container.record_disputes.resolve(dispute.id, uphold=True, resolution="")
    with pytest.raises(NotFound):
        live.container.record_disputes.resolve("rdp_none", uphold=True, resolution="Yes.")
    assert load(live, dispute).is_open
