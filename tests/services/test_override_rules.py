"""What of an override is registered, within which bounds, and what an upgrade makes of it."""

from functools import partial

import pytest

from gateway.domain.errors import Misconfigured, NotFound
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.overriding import (
    BOUNDS,
    TEXT,
    decided,
    draw,
    numbers,
    refused,
    register,
    states,
    waived,
    with_later,
)
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing


def test_without_bounds_nothing_can_be_overridden(world: DemoWorld) -> None:
    refused(
        world, partial(register, world, numbers()), "the operator has set no bounds for car_rental"
    )
    register(world, numbers(rules=""))  # which says what the policy says
    assert decided(world).provenance.policy_hash == CarRental.policy.hash


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (numbers(rules="[rule.good]\nshare = 39\n"), "rule 'good': share 39 is out of the operator's bounds"),
        (
            numbers(rules="[rule.fair]\nshare = 10\n"),
            "rule 'fair': the operator does not allow this merchant to override share",
        ),
        (numbers(effective="2026-11-22"), "effective is in the past: today is 2026-11-23"),
        (
            numbers(rules="[rule.unscored]\nshare = 10\n"),
            "rule 'unscored': the operator does not allow this merchant to override share",
        ),
        (
            numbers(rules="[rule.very-good]\nshare = 40\n"),
            "fails the check: better tier never gets worse outcome",
        ),
        (numbers(rules="[rule.good]\nshare = 'x'\n"), "rule 'good': share: must be a whole number"),
        ("policy = ", "not valid TOML"),
    ],
)
def test_what_does_not_fit_is_refused(world: DemoWorld, text: str, why: str) -> None:
    draw(world)
    refused(world, partial(register, world, text), why)


def test_a_version_is_registered_once(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    refused(world, partial(register, world, numbers(effective="2027-01-01")), "version north-1 is already registered")


def test_unknown_merchants_and_adapters_are_refused(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        for merchant, adapter in (("mer_none", "car_rental"), (world.merchant(), "moon_travel")):
            with pytest.raises(NotFound):
                world.overrides.set_bounds(unit, merchant, adapter, BOUNDS, "bounds.toml")
            with pytest.raises(NotFound):
                world.overrides.register(unit, merchant, adapter, numbers(), "north.toml")


def test_bounds_are_not_drawn_so_that_an_override_is_left_outside(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    register(world, numbers("january", "2027-01-01", "[rule.good]\nshare = 70\n"))
    narrow = BOUNDS.replace("70", "65")
    refused(world, partial(draw, world, narrow), "rule 'good': share 70 is out of the operator's bounds")
    register(world, numbers("january-2", "2027-01-01", "[rule.good]\nshare = 65\n"))
    draw(world, narrow)
    refused(world, partial(register, world, numbers("n", rules="[rule.good]\nshare = 70\n")), "share 70 is out of")
    world.clock.advance(days=60)
    draw(world, BOUNDS.replace("at_least = 40, at_most = 70", "at_least = 65"))  # north-1 has gone by


def test_business_time_says_what_is_past(world: DemoWorld) -> None:
    draw(world)
    world.execute("UPDATE partners SET clock_offset_seconds = 864000 WHERE name = 'demo'")
    refused(world, partial(register, world, numbers(effective="2026-12-02")), "in the past: it is 2026-12-03")
    register(world, numbers(effective="2026-12-03"))
    assert waived(decided(world)) == "600.00"


def test_two_operators_at_once_take_turns(world: DemoWorld) -> None:
    draw(world)
    calls = [partial(register, world, numbers(f"n-{number}")) for number in range(4)]
    assert at_once(calls) == [None] * 4
    rows = world.rows("SELECT sequence FROM policy_overrides ORDER BY sequence")
    assert [row.sequence for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('id = "good"', 'id = "fine"', "rule 'good': car_rental 2027-01-01 has no such rule"),
        ("share = 70", "share = 55", "fails the check: better tier never gets worse outcome"),
    ],
)
def test_a_later_version_that_an_override_does_not_fit_is_found(world: DemoWorld, old: str, new: str, why: str) -> None:
    draw(world)
    register(world, numbers())
    upgraded = with_later(world, TEXT.replace(old, new))

    (found,) = states(upgraded)
    assert (found.merchant_id, found.adapter, found.version) == (world.merchant(), "car_rental", "north-1")
    assert why in (found.fault or "")
    refused(upgraded, partial(register, upgraded, numbers("again", "2026-12-24")), why)
    register(upgraded, numbers("until", "2027-01-01", ""))
    assert [each.fault for each in states(upgraded)] == [None, None]


def test_what_the_installed_adapter_cannot_read_can_be_replaced(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    renamed = 'policy = "car_hire"\n' + TEXT.split("\n", 3)[3].replace('policy = "car_rental"', "")
    table = read_table(renamed, CarRental.columns, "policy.toml")

    class Renamed(CarRental):
        policy = table

    other = world.variant(adapters=(Renamed,))
    (found,) = states(other, requirements=False)
    assert "policy must be 'car_hire'" in (found.fault or "")
    with pytest.raises(Misconfigured, match="policy must be 'car_hire'"):
        decided(other)
    draw(other, BOUNDS.replace("car_rental", "car_hire"))
    register(other, numbers("new").replace("car_rental", "car_hire"))
    assert waived(decided(other)) == "600.00"


def test_registered_is_registered(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    for statement in (
        "UPDATE policy_overrides SET content = ''",
        "DELETE FROM policy_overrides",
        "UPDATE policy_bounds SET content = ''",
        "DELETE FROM policy_bounds",
    ):
        with pytest.raises(Exception, match="append-only"):
            world.execute(statement)
    with reading(world.database) as unit:
        kept = unit.policy_overrides.list_overrides(world.merchant(), "car_rental")
    assert [row.content for row in kept] == [numbers()]
