"""Imports of a record that a person contests: removed content does not come back, newer versions follow the dispute."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.record_dispute import RecordDisputeStatus
from tests.support.clock import MovableClock
from tests.support.contested_records import (
    AMOUNT,
    BROKEN,
    broken,
    contest,
    import_broken,
    load,
    measure,
    references,
)
from tests.support.live_world import LiveWorld
from tests.support.score_imports import import_records, importer, lines, records_of

pytestmark = pytest.mark.postgresql


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment where mei has a broken rental, on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock)) as opened:
        import_broken(opened)
        yield opened


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


def test_newer_version_after_a_rejection_can_be_contested_at_once(live: LiveWorld) -> None:
    dispute = contest(live)
    live.container.record_disputes.resolve(dispute.id, uphold=False, resolution="No.")
    import_records(live.container, {**BROKEN, **AMOUNT})
    contest(live)


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
