"""Personas: their scores, what they are answered, and a copy of one's own for each partner."""

import pytest

from gateway.domain.decision import Status
from gateway.domain.persona import Expectation
from gateway.domain.product import Product
from gateway.domain.tier import Tier
from gateway.services.personas import CATALOGUE, PersonaService, username
from gateway.store import partners, users
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.registry import AdapterRegistry
from merchants.tables import read_table
from tests.services.world import World

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
"""Handle to score, tier, and what the car rental and the online shop answer to their ordinary ask."""


def test_the_personas_are_listed_with_what_they_are_answered(world: World) -> None:
    reading = world.reading(world.merchant_token())
    listed = world.personas.listed(reading)
    reading.finish()
    assert [persona.handle for persona in listed] == [handle for handle, *_ in CATALOGUE] == list(EXPECTED)
    for persona in listed:
        score, tier, car, shop = EXPECTED[persona.handle]
        assert (persona.score, persona.tier) == (score, tier)
        assert persona.expectations == (
            Expectation(Product.DEPOSIT_WAIVER, *car),
            Expectation(Product.PAY_LATER, *shop),
        )


class KnowsNobody(CarRental):
    """A second adapter of the car rental's product, first by its key, that declines everybody."""

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


def test_of_two_adapters_of_a_product_the_merchants_own_speaks(world: World) -> None:
    registry = AdapterRegistry([KnowsNobody, CarRental, OnlineShop])
    service = PersonaService(registry, world.accounts, world.ids)
    answers = {}
    for adapter in ("car_rental", "online_shop"):
        reading = world.reading(world.merchant_token(world.client(adapter)))
        listed = service.listed(reading)
        assert service.find(reading, listed[0].id) == listed[0]
        reading.finish()
        assert [each.product for each in listed[0].expectations] == [Product.DEPOSIT_WAIVER, Product.PAY_LATER]
        answers[adapter] = listed[0].expectations[0].status
    assert answers == {"car_rental": APPROVED, "online_shop": DECLINED}


@pytest.mark.parametrize("handle", list(EXPECTED))
def test_a_persona_measures_as_it_says(world: World, handle: str) -> None:
    with world.database.read() as session:
        measured = world.source.measure(session, world.user(handle), world.clock())
    assert (measured.score, measured.tier) == EXPECTED[handle][:2]
    assert measured.open_overdue == (1 if handle == "overdue" else 0)
    assert measured.as_of == world.clock() < measured.valid_until


def test_provisioning_twice_changes_nothing(world: World) -> None:
    before = world.contents()
    with world.database.write() as session:
        partner = partners.by_name(session, "demo")
        assert partner is not None
        rows = world.personas.provision(session, partner, {}, world.clock())
        assert [row.handle for row in rows] == list(EXPECTED)
    assert world.contents() == before


def test_provisioning_makes_what_is_missing(world: World) -> None:
    world.execute("DELETE FROM personas WHERE handle = 'good'", "DELETE FROM users WHERE username = 'good@demo'")
    before = world.counts()
    world.plant()
    assert {name: world.counts()[name] - before[name] for name in ("personas", "users")} == {"personas": 1, "users": 1}
    reading = world.reading(world.merchant_token())
    assert {persona.handle for persona in world.personas.listed(reading)} == set(EXPECTED)
    reading.finish()


def test_two_partners_have_personas_of_their_own(world: World) -> None:
    other = world.merchant_token(world.second_partner())
    here, there = world.reading(world.merchant_token()), world.reading(other)
    mine, theirs = world.personas.listed(here), world.personas.listed(there)
    assert [persona.handle for persona in mine] == [persona.handle for persona in theirs]
    assert not {persona.id for persona in mine} & {persona.id for persona in theirs}
    assert world.personas.find(here, mine[0].id) == mine[0]
    assert world.personas.find(here, theirs[0].id) is None
    assert world.personas.find(there, "per_test_nothing") is None
    here.finish()
    there.finish()
    assert world.user("excellent", "demo") != world.user("excellent", "other")


def test_a_persona_signs_in_with_its_own_partners_password_only(world: World) -> None:
    world.second_partner()
    password = next(each.password for each in world.seed.personas if each.handle == "good")
    with world.database.read() as session:
        signed_in = world.accounts.authenticate(session, "good@demo", password)
        assert signed_in is not None
        assert signed_in.id == world.user("good")
        assert world.accounts.authenticate(session, "good@other", password) is None
        assert users.by_username(session, "good") is None


def test_usernames_hold_no_spaces(world: World) -> None:
    with world.database.write() as session:
        partner = world.merchants.partner(session, "Green Cars Ltd", world.clock())
        assert username("just-below", partner) == "just-below@green-cars-ltd"


def test_personas_are_told_what_the_version_in_force_answers(world: World) -> None:
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

    service = PersonaService(AdapterRegistry([Closing]), world.accounts, world.ids)

    def told() -> set[tuple[str, ...]]:
        reading = world.reading(world.merchant_token())
        listed = service.listed(reading)
        reading.finish()
        return {expectation.reasons for persona in listed for expectation in persona.expectations}

    assert ("TERM_TOO_LONG",) not in told()
    world.clock.advance(days=1)
    assert told() == {("TERM_TOO_LONG",)}
