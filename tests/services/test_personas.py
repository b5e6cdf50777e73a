"""Personas: their scores, and the copies for each partner."""

import pytest

from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import business_time
from gateway.services.identity.personas import username
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

EXPECTED = {
    "excellent": (780, Tier.EXCELLENT),
    "threshold": (700, Tier.EXCELLENT),
    "just-below": (699, Tier.VERY_GOOD),
    "good": (640, Tier.GOOD),
    "fair": (570, Tier.FAIR),
    "building": (420, Tier.BUILDING),
    "unscored": (None, Tier.UNSCORED),
    "overdue": (760, Tier.EXCELLENT),
}
"""Handle to score and tier."""


@pytest.mark.parametrize("handle", list(EXPECTED))
def test_measurement_of_a_persona(world: DemoWorld, handle: str) -> None:
    now = business_time(world.clock(), 0)
    measured = world.source.measure(world.user(handle), now)
    assert (measured.score, measured.tier) == EXPECTED[handle]
    assert measured.open_overdue == (1 if handle == "overdue" else 0)
    assert measured.as_of == now < measured.valid_until


def test_provisioning_twice_changes_nothing(world: DemoWorld) -> None:
    before = world.contents()
    with writing(world.database) as unit:
        partner = unit.partners.load_by_name("demo")
        assert partner is not None
        rows = world.personas.provision(unit, partner, {})
        assert [row.handle for row in rows] == list(EXPECTED)
    assert world.contents() == before


def test_provisioning_creates_missing_personas(world: DemoWorld) -> None:
    user = "(SELECT id FROM users WHERE username = 'good@demo')"
    tables = ("personas", "behaviour_records", "person_scores", "score_snapshots", "score_choices")
    world.execute(*(f"DELETE FROM {table} WHERE user_id = {user}" for table in tables))
    world.execute("DELETE FROM users WHERE username = 'good@demo'")
    before = world.counts()
    world.seed_demo()
    assert {name: world.counts()[name] - before[name] for name in ("personas", "users")} == {"personas": 1, "users": 1}
    listed = world.query(world.merchant_token(), world.container.persona_outcomes.list_by_product)
    assert {persona.handle for persona in listed} == set(EXPECTED)


def test_each_partner_has_its_own_personas(world: DemoWorld) -> None:
    here, there = world.merchant_token(), world.merchant_token(world.second_partner())
    service = world.container.persona_outcomes
    mine, theirs = (world.query(each, service.list_by_product) for each in (here, there))
    assert [persona.handle for persona in mine] == [persona.handle for persona in theirs]
    assert not {persona.id for persona in mine} & {persona.id for persona in theirs}
    assert world.query(here, lambda query: service.find(query, mine[0].id)) == mine[0]
    assert world.query(here, lambda query: service.find(query, theirs[0].id)) is None
    assert world.query(there, lambda query: service.find(query, "per_test_nothing")) is None
    assert world.user("excellent", "demo") != world.user("excellent", "other")


def test_password_of_a_persona_is_specific_to_its_partner(world: DemoWorld) -> None:
    world.second_partner()
    password = next(each.password for each in world.seed.personas if each.handle == "good")
    with reading(world.database) as unit:
        own, other = (world.accounts.load_by_username(unit, f"good@{partner}") for partner in ("demo", "other"))
        assert own is not None
        assert own.id == world.user("good")
        assert world.accounts.verify_password(own, password)
        assert not world.accounts.verify_password(other, password)
        assert unit.users.load_by_username("good") is None


def test_usernames_have_no_spaces(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        partner = world.merchants.ensure_partner(unit, "Green Cars Ltd")
        assert username("just-below", partner) == "just-below@green-cars-ltd"
