"""A person contests an imported record: it does not count, the tier is restored, and the source or silence decides."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta

import pytest

from gateway.domain.errors import GatewayError, InvalidInput, NotFound, StateConflict, TooEarly
from gateway.domain.scoring.record_dispute import REOPENING_TIME, RESPONSE_TIME, RecordDispute, RecordDisputeStatus
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import business_time
from gateway.store.unit import UnitOfWork
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.race import race
from tests.support.score_imports import history, import_records, importer, lines, make_people, records_of, row, user_id

pytestmark = pytest.mark.postgresql
BROKEN = row(90, kind="BROKEN", at="2026-11-01")
LIVENESS = row(91, dimension="IDENTITY", kind="LIVENESS", amount=None, currency=None, at="2026-05-01")
AMOUNT = {"amount": "120.00"}


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment, on each kind of database in turn. Mei's tier is GOOD by kept rentals, and BUILDING by a broken
    one that was imported a day later."""
    with closing(LiveWorld(database_url, clock)) as opened:
        make_people(opened.container, "mei", "bo")
        import_records(opened.container, *history(24), LIVENESS)
        assert measure(opened).tier is Tier.GOOD
        clock.advance(timedelta(days=1))
        import_records(opened.container, BROKEN)
        yield opened


def measure(live: LiveWorld) -> Measurement:
    return live.container.scorecard.measure(mei(live), business_time(live.clock(), 0))


def mei(live: LiveWorld) -> str:
    return live.container.database.read(lambda unit: user_id(unit, "mei"))


def broken(live: LiveWorld) -> str:
    """The id of the visible version of the broken rental."""

    def load(unit: UnitOfWork) -> str:
        listed = unit.contested_records.load_current("harbour", "r90")
        assert listed is not None
        return listed.record.id

    return live.container.database.read(load)


def contest(live: LiveWorld, statement: str = "I paid.") -> RecordDispute:
    return live.container.record_disputes.open(mei(live), broken(live), statement)


def load(live: LiveWorld, dispute: RecordDispute) -> RecordDispute:
    container = live.container
    return container.database.read(lambda unit: container.record_disputes.load(unit, dispute.id))


def references(live: LiveWorld) -> set[str]:
    return {each.reference for each in records_of(live.container)}


def test_contesting_restores_score_and_tier_at_once(live: LiveWorld) -> None:
    low = measure(live)
    assert low.tier is Tier.BUILDING
    dispute = contest(live)
    contested = measure(live)
    assert contested.score == (low.score or 0) + 100
    assert contested.tier is Tier.GOOD
    assert dispute.respond_by == dispute.opened_at + RESPONSE_TIME


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


def test_upheld_record_never_counts_and_the_same_file_does_not_bring_it_back(live: LiveWorld) -> None:
    dispute = contest(live)
    contested = measure(live)
    live.container.record_disputes.resolve(dispute.id, uphold=True, resolution="The source agrees.")
    for values in ({}, {"contested": True}, {"contested": False}):
        assert import_records(live.container, {**BROKEN, **values}).import_id is None
    assert measure(live).score == contested.score
    assert "r90" not in references(live)
    assert len(live.rows("SELECT id FROM behaviour_records WHERE removed_at IS NOT NULL")) == 1


def test_upheld_record_with_other_content_counts_and_can_be_contested(live: LiveWorld) -> None:
    dispute = contest(live)
    upheld = live.container.record_disputes.resolve(dispute.id, uphold=True, resolution="The source agrees.")
    high = measure(live).score
    with pytest.raises(InvalidInput):
        contest(live, "Again.")
    import_records(live.container, {**BROKEN, **AMOUNT})
    assert measure(live).score != high
    assert contest(live).record_id != upheld.record_id


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


def test_newer_version_after_a_rejection_can_be_contested_at_once(live: LiveWorld) -> None:
    dispute = contest(live)
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="No.")
    import_records(live.container, {**BROKEN, **AMOUNT})
    contest(live)


def test_silence_of_the_source_upholds_the_dispute(live: LiveWorld) -> None:
    dispute = contest(live)
    live.clock.advance(RESPONSE_TIME - timedelta(seconds=1))
    assert live.container.tasks.apply_due() == 0
    live.clock.advance(timedelta(seconds=1))
    assert live.container.tasks.apply_due() == 1
    assert load(live, dispute).status is RecordDisputeStatus.UPHELD
    assert "r90" not in references(live)
    assert live.container.tasks.apply_due() == 0


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


def test_newer_negative_version_stays_contested(live: LiveWorld) -> None:
    before, dispute = measure(live).score, contest(live)
    high = measure(live).score
    import_records(live.container, {**BROKEN, **AMOUNT, "contested": False})
    assert measure(live).score == high
    assert live.container.tasks.apply_due() == 0
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="No.")
    assert (measure(live).score, load(live, dispute).record_id) == (before, broken(live))


def test_correction_during_a_dispute_upholds_it_and_counts(live: LiveWorld) -> None:
    dispute = contest(live)
    import_records(live.container, {**BROKEN, "kind": "KEPT"})
    assert live.container.tasks.apply_due() == 1
    assert load(live, dispute).status is RecordDisputeStatus.UPHELD
    (record,) = [each for each in records_of(live.container) if each.reference == "r90"]
    assert (record.kind, record.contested_at, record.removed_at) == ("KEPT", None, None)


def test_source_cannot_end_a_dispute_by_its_flag(live: LiveWorld) -> None:
    contest(live)
    assert import_records(live.container, {**BROKEN, "contested": False}).import_id is None
    (record,) = [each for each in records_of(live.container) if each.reference == "r90"]
    assert record.contested_at is not None


@pytest.mark.parametrize("ends", [False, True])
def test_newer_version_that_did_not_see_a_change_of_the_dispute_follows_it(live: LiveWorld, ends: bool) -> None:
    """Its unit of work began before the dispute was opened, or had ended, and was committed afterwards."""
    dispute = contest(live) if ends else None
    file = importer(live.container).read(lines([{**BROKEN, **AMOUNT}]))

    def change(_: int) -> None:
        if dispute is None:
            contest(live)
            unseen = "NULL"
        else:
            live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="No.")
            unseen = "(SELECT opened_at FROM record_disputes)"
        live.execute(f"UPDATE behaviour_records SET contested_at = {unseen} WHERE amount_minor = 12000")

    with closing(file.spool):
        importer(live.container).run(file, change)
    (record,) = [each for each in records_of(live.container) if each.reference == "r90"]
    assert record.amount_minor == 12_000
    assert (record.contested_at is None) == ends


def test_operators_decision_needs_a_reason(live: LiveWorld) -> None:
    dispute = contest(live)
    with pytest.raises(InvalidInput):
        live.container.record_disputes.resolve(dispute.id, uphold=True, resolution="")
    with pytest.raises(NotFound):
        live.container.record_disputes.resolve("rdp_none", uphold=True, resolution="Yes.")
    assert load(live, dispute).is_open
