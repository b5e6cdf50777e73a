"""Persons with records, for tests of what a person sees of the score."""

from gateway.domain.scoring.record import BehaviourRecord, Dimension
from gateway.kit.clock import business_time
from gateway.services.identity.persona_records import CATALOGUE
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


def give_records(world: World, username: str, handle: str, *, share: bool = True) -> str:
    """Gives a user the records of a persona, and returns the user's id. `share`: the user shares all dimensions."""
    blueprint = next(each for each in CATALOGUE if each.handle == handle)
    with writing(world.database) as unit:
        user = unit.users.load_by_username(username)
        assert user is not None
        now = business_time(unit.wall, 0)
        unit.behaviour_records.insert_all(
            [
                new_record_row(each, user.id, source="test", reference=each.id)
                for each in blueprint.records(f"{username}-{handle}", now)
            ]
        )
        unit.scores.choose(user.id, Dimension.FINANCIAL_CAPACITY, unit.wall, share=share)
        return user.id
