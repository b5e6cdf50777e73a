"""Persons with records, for tests of what a person sees of the score."""

from gateway.domain.scoring.record import BehaviourRecord
from gateway.store.scoring.records import new_record_row
from tests.support.factories import make_user
from tests.support.units import writing
from tests.support.world import World


def new_person(world: World, *records: BehaviourRecord) -> str:
    """The id of a new user without a partner, with these records."""
    with writing(world.database) as unit:
        user_id = make_user(unit)
        for each in records:
            unit.behaviour_records.insert_all([new_record_row(each, user_id, source="test", reference=each.id)])
        return user_id
