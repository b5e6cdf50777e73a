"""Imports of a record that a person contests: removed content does not come back, newer versions follow the dispute."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.record_dispute import RecordDisputeStatus
from gateway.domain.scoring.tier import Tier
from tests.support.clock import MovableClock
from tests.support.contested_records import (
    AMOUNT,
    BROKEN,
    broken,
    contest,
    import_broken,
    load,
    measure,
    mei,
    references,
)
from tests.support.live_world import LiveWorld
from tests.support.score_imports import import_records, importer, lines, records_of, row, user_id
from tests.support.units import reading


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


def wrong_since(live: LiveWorld, person: str = "mei") -> object:
    """Since when a record of the person had counted that is known to be wrong, until the score is computed."""
    with reading(live.database) as unit:
        row = unit.scores.load(user_id(unit, person))
    assert row is not None
    return row.wrong_since


@pytest.mark.parametrize(
    ("values", "is_wrong"),
    [
        ({"kind": "KEPT"}, True),
        ({"kind": "OVERDUE"}, True),
        ({"person": "bo"}, True),
        ({"kind": "LATE"}, False),
        (AMOUNT, False),
        ({"contested": True}, False),
    ],
)
@pytest.mark.parametrize("is_contested", [False, True])
def test_newer_version_says_whether_the_record_was_wrong(
    live: LiveWorld, values: dict[str, object], is_wrong: bool, is_contested: bool
) -> None:
    """A broken obligation that is late now was settled, which is new behaviour. One that is contested can be right."""
    if is_contested:
        contest(live)
        measure(live)
    began = {each.at for each in records_of(live.container) if each.reference == "r90"}
    import_records(live.container, {**BROKEN, **values})
    assert ({wrong_since(live)} == began) == is_wrong
    measure(live)
    assert wrong_since(live) is None
    assert "bo" not in values.values() or wrong_since(live, "bo") is None


def test_assessment_that_its_source_changes_during_a_dispute_was_wrong(live: LiveWorld) -> None:
    orders = row(92, dimension="SHOPPING", kind="MONTHS", months="1", amount=None, currency=None)
    import_records(live.container, orders)
    measure(live)
    import_records(live.container, {**orders, "months": "2"})
    assert wrong_since(live) is None
    measure(live)
    listed = live.container.database.read(lambda unit: unit.contested_records.load_current("harbour", "r92"))
    assert listed is not None
    live.container.record_disputes.open(mei(live), listed.record.id, "I ordered more often.")
    measure(live)
    import_records(live.container, {**orders, "months": "12"})
    assert wrong_since(live) == listed.record.at


@pytest.mark.parametrize("is_contested", [False, True])
def test_source_that_corrects_a_record_lets_its_readers_be_told_once(live: LiveWorld, is_contested: bool) -> None:
    client, person = live.add_merchant("Partner"), mei(live)
    consent = live.grant(person, client, scopes=("score:tier",))
    live.source.scores[person] = 500
    assert measure(live).tier is Tier.BUILDING
    live.clock.advance(minutes=1)
    live.query(live.token(client, consent), live.container.scores.load_measurement)
    live.clock.advance(minutes=1)
    if is_contested:
        contest(live)
        measure(live)
    import_records(live.container, {**BROKEN, "kind": "KEPT"})
    for _ in range(2):
        live.clock.advance(minutes=1)
        assert measure(live).tier is Tier.GOOD
        live.container.tasks.apply_due()
    assert live.rows("SELECT aggregate_id FROM outbox WHERE topic = 'TIER_CORRECTED'") == [(consent.id,)]
