"""An imported record that a person contests, for tests of disputes about it."""

from datetime import timedelta

from gateway.domain.scoring.record_dispute import RecordDispute
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import business_time
from gateway.store.unit import UnitOfWork
from tests.support.live_world import LiveWorld
from tests.support.score_imports import history, import_records, make_people, records_of, row, user_id

BROKEN = row(90, kind="BROKEN", at="2026-11-01")
LIVENESS = row(91, dimension="IDENTITY", kind="LIVENESS", amount=None, currency=None, at="2026-05-01")
AMOUNT = {"amount": "120.00"}


def import_broken(live: LiveWorld) -> None:
    """Imports records of mei, whose tier is GOOD by kept rentals, and BUILDING by a broken one a day later."""
    make_people(live.container, "mei", "bo")
    import_records(live.container, *history(24), LIVENESS)
    assert measure(live).tier is Tier.GOOD
    live.clock.advance(timedelta(days=1))
    import_records(live.container, BROKEN)


def measure(live: LiveWorld) -> Measurement:
    """Mei's score, computed if it is due."""
    return live.container.scorecard.measure(mei(live), business_time(live.clock(), 0))


def mei(live: LiveWorld) -> str:
    """The id of mei."""
    return live.container.database.read(lambda unit: user_id(unit, "mei"))


def broken(live: LiveWorld) -> str:
    """The id of the visible version of the broken rental."""

    def load(unit: UnitOfWork) -> str:
        listed = unit.contested_records.load_current("harbour", "r90")
        assert listed is not None
        return listed.record.id

    return live.container.database.read(load)


def contest(live: LiveWorld, statement: str = "I paid.") -> RecordDispute:
    """Opens a dispute about the broken rental."""
    return live.container.record_disputes.open(mei(live), broken(live), statement)


def load(live: LiveWorld, dispute: RecordDispute) -> RecordDispute:
    """The dispute, with its texts."""
    container = live.container
    return container.database.read(lambda unit: container.record_disputes.load(unit, dispute.id))


def references(live: LiveWorld) -> set[str]:
    """The ids at the source of mei's records, without removed ones."""
    return {each.reference for each in records_of(live.container)}
