"""Personas: their scores, their expected outcomes, and the copies for each partner."""

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.identity.persona import Expectation
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import business_time
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.identity.personas import PersonaService, username
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.policies.tables import read_table
from merchants.registry import AdapterRegistry
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

APPROVED, DECLINED = Status.APPROVED, Status.DECLINED
EXPECTED = {
    "excellent": (780, Tier.EXCELLENT, (APPROVED, ()), (APPROVED, ())),
    "threshold": (700, Tier.EXCELLENT, (APPROVED, ()), (APPROVED, ())),
    "just-below": (
        699,
        Tier.VERY_GOOD,
        (APPROVED, ("REDUCED_FOR_TIER",)),
        (APPROVED, ()),
    ),
    "good": (640, Tier.GOOD, (APPROVED, ("REDUCED_FOR_TIER",)), (APPROVED, ())),
    "fair": (570, Tier.FAIR, (APPROVED, ("REDUCED_FOR_TIER",)), (APPROVED, ())),
    "building": (420, Tier.BUILDING, (DECLINED, ("TIER_BELOW_REQUIRED",)), (DECLINED, ("TIER_BELOW_REQUIRED",))),
    "unscored": (None, Tier.UNSCORED, (DECLINED, ("NOT_SCORED",)), (DECLINED, ("NOT_SCORED",))),
    "overdue": (
        760,
        Tier.EXCELLENT,
        (DECLINED, ("OPEN_OVERDUE_OBLIGATION",)),
        (DECLINED, ("OPEN_OVERDUE_OBLIGATION",)),
    ),
}
"""Handle to score, tier, and the outcomes of the ordinary asks of the car rental and the online shop."""


def test_personas_are_listed_with_expected_outcomes(world: DemoWorld) -> None:
    listed = world.query(world.merchant_token(), world.personas.list_of_partner)
    assert [persona.handle for persona in listed] == [each.handle for each in CATALOGUE] == list(EXPECTED)
    for persona in listed:
        score, tier, car, shop = EXPECTED[persona.handle]
        assert (persona.score, persona.tier) == (score, tier)
        assert persona.expectations == (
            Expectation(Product.DEPOSIT_WAIVER, *car),
            Expectation(Product.PAY_LATER, *shop),
        )


class DeclinesAll(CarRental):
    """A second adapter with the car rental's product that declines all asks. Its key sorts first."""

    key = "a_rental"
    member = "aRental"
    ask_type_name = "ARentalAsk"
    policy = read_table(
        """
        policy = "a_rental"
        version = "1"
        effective = 2026-11-01
        currency = "CNY"
        [[rule]]
        id = "nobody"
        decline = { reasons = ["NOT_SCORED"] }
        """,
        CarRental.columns,
        "a_rental.toml",
    )


def test_expectation_of_a_product_uses_the_merchants_own_adapter(world: DemoWorld) -> None:
    registry = AdapterRegistry([DeclinesAll, CarRental, OnlineShop])
    service = PersonaService(registry, world.accounts, world.container.consents, world.source, world.ids)
    answers = {}
    for adapter in ("car_rental", "online_shop"):
        token = world.merchant_token(world.client(adapter))
        listed = world.query(token, service.list_of_partner)
        first = listed[0]
        assert world.query(token, lambda query: service.find(query, first.id)) == first  # noqa: B023
        assert [each.product for each in listed[0].expectations] == [Product.DEPOSIT_WAIVER, Product.PAY_LATER]
        answers[adapter] = listed[0].expectations[0].status
    assert answers == {"car_rental": APPROVED, "online_shop": DECLINED}


@pytest.mark.parametrize("handle", list(EXPECTED))
def test_measurement_of_a_persona(world: DemoWorld, handle: str) -> None:
    now = business_time(world.clock(), 0)
    measured = world.source.measure(world.user(handle), now)
    assert (measured.score, measured.tier) == EXPECTED[handle][:2]
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
    listed = world.query(world.merchant_token(), world.personas.list_of_partner)
    assert {persona.handle for persona in listed} == set(EXPECTED)


def test_each_partner_has_its_own_personas(world: DemoWorld) -> None:
    here, there = world.merchant_token(), world.merchant_token(world.second_partner())
    mine, theirs = world.query(here, world.personas.list_of_partner), world.query(there, world.personas.list_of_partner)
    assert [persona.handle for persona in mine] == [persona.handle for persona in theirs]
    assert not {persona.id for persona in mine} & {persona.id for persona in theirs}
    assert world.query(here, lambda query: world.personas.find(query, mine[0].id)) == mine[0]
    assert world.query(here, lambda query: world.personas.find(query, theirs[0].id)) is None
    assert world.query(there, lambda query: world.personas.find(query, "per_test_nothing")) is None
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


def test_expectations_use_the_policy_version_in_force(world: DemoWorld) -> None:
    text = """
    policy = "car_rental"
    version = "closed"
    effective = 2026-11-24
    currency = "CNY"
    [[rule]]
    id = "everybody"
    decline = { reasons = ["TERM_TOO_LONG"] }
    """

    class Closing(CarRental):
        _, *later = CarRental.policy, read_table(text, CarRental.columns, "closed.toml")

    service = PersonaService(
        AdapterRegistry([Closing]), world.accounts, world.container.consents, world.source, world.ids
    )

    def expected_reasons() -> set[tuple[str, ...]]:
        listed = world.query(world.merchant_token(), service.list_of_partner)
        return {expectation.reasons for persona in listed for expectation in persona.expectations}

    assert ("TERM_TOO_LONG",) not in expected_reasons()
    world.clock.advance(days=1)
    assert expected_reasons() == {("TERM_TOO_LONG",)}
