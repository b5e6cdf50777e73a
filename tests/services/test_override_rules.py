"""Registering overrides: bounds, checks, versions, and later versions of the policy."""

from functools import partial

import pytest

from gateway.domain.errors import Misconfigured, NotFound
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.policy_overrides import (
    BOUNDS,
    TEXT,
    assert_rejected,
    decide,
    list_states,
    override_text,
    register_override,
    set_bounds,
    waived_amount,
    with_later_version,
)
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing


def test_override_without_bounds_is_rejected(world: DemoWorld) -> None:
    assert_rejected(
        world, partial(register_override, world, override_text()), "the operator has set no bounds for car_rental"
    )
    register_override(world, override_text(rules=""))  # an override without changes
    assert decide(world).provenance.policy_hash == CarRental.policy.hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (override_text(rules="[rule.good]\nshare = 39\n"), "rule 'good': share 39 is out of the operator's bounds"),
        (
            override_text(rules="[rule.fair]\nshare = 10\n"),
            "rule 'fair': the operator does not allow this merchant to override share",
        ),
        (override_text(effective="2026-11-22"), "effective is in the past: today is 2026-11-23"),
        (
            override_text(rules="[rule.unscored]\nshare = 10\n"),
            "rule 'unscored': the operator does not allow this merchant to override share",
        ),
        (
            override_text(rules="[rule.very-good]\nshare = 40\n"),
            "fails the check: better tier never gets worse outcome",
        ),
        (override_text(rules="[rule.good]\nshare = 'x'\n"), "rule 'good': share: must be a whole number"),
        ("policy = ", "not valid TOML"),
    ],
)
def test_invalid_override_is_rejected(world: DemoWorld, text: str, message: str) -> None:
    set_bounds(world)
    assert_rejected(world, partial(register_override, world, text), message)


def test_version_can_be_registered_once(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    assert_rejected(
        world,
        partial(register_override, world, override_text(effective="2027-01-01")),
        "version north-1 is already registered",
    )


def test_unknown_merchants_and_adapters_are_rejected(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        for merchant, adapter in (("mer_none", "car_rental"), (world.merchant(), "moon_travel")):
            with pytest.raises(NotFound):
                world.overrides.set_bounds(unit, merchant, adapter, BOUNDS, "bounds.toml")
            with pytest.raises(NotFound):
                world.overrides.register(unit, merchant, adapter, override_text(), "north.toml")


def test_bounds_that_exclude_an_override_are_rejected(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    register_override(world, override_text("january", "2027-01-01", "[rule.good]\nshare = 70\n"))
    narrow = BOUNDS.replace("70", "65")
    assert_rejected(world, partial(set_bounds, world, narrow), "rule 'good': share 70 is out of the operator's bounds")
    register_override(world, override_text("january-2", "2027-01-01", "[rule.good]\nshare = 65\n"))
    set_bounds(world, narrow)
    assert_rejected(
        world,
        partial(register_override, world, override_text("n", rules="[rule.good]\nshare = 70\n")),
        "share 70 is out of",
    )
    world.clock.advance(days=60)
    set_bounds(world, BOUNDS.replace("at_least = 40, at_most = 70", "at_least = 65"))  # north-1 no longer applies


def test_effective_date_is_compared_with_business_time(world: DemoWorld) -> None:
    set_bounds(world)
    world.execute("UPDATE partners SET clock_offset_seconds = 864000 WHERE name = 'demo'")
    assert_rejected(
        world,
        partial(register_override, world, override_text(effective="2026-12-02")),
        "in the past: today is 2026-12-03",
    )
    register_override(world, override_text(effective="2026-12-03"))
    assert waived_amount(decide(world)) == "600.00"


@pytest.mark.postgresql
def test_concurrent_registrations_get_consecutive_sequences(world: DemoWorld) -> None:
    set_bounds(world)
    calls = [partial(register_override, world, override_text(f"n-{number}")) for number in range(4)]
    assert at_once(calls) == [None] * 4
    rows = world.rows("SELECT sequence FROM policy_overrides ORDER BY sequence")
    assert [row.sequence for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "good"', 'id = "fine"', "rule 'good': car_rental 2027-01-01 has no such rule"),
        ("share = 70", "share = 55", "fails the check: better tier never gets worse outcome"),
    ],
)
def test_override_that_does_not_fit_a_later_version_is_listed_with_its_fault(
    world: DemoWorld, old: str, new: str, message: str
) -> None:
    set_bounds(world)
    register_override(world, override_text())
    upgraded = with_later_version(world, TEXT.replace(old, new))

    (state,) = list_states(upgraded)
    assert (state.merchant_id, state.adapter, state.version) == (world.merchant(), "car_rental", "north-1")
    assert message in (state.fault or "")
    assert_rejected(upgraded, partial(register_override, upgraded, override_text("again", "2026-12-24")), message)
    register_override(upgraded, override_text("until", "2027-01-01", ""))
    assert [each.fault for each in list_states(upgraded)] == [None, None]


def test_unreadable_override_can_be_replaced(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    renamed = 'policy = "car_hire"\n' + TEXT.split("\n", 3)[3].replace('policy = "car_rental"', "")
    table = read_table(renamed, CarRental.columns, "policy.toml")

    class Renamed(CarRental):
        policy = table

    other = world.variant(adapters=(Renamed,))
    (state,) = list_states(other, requirements=False)
    assert "policy must be 'car_hire'" in (state.fault or "")
    with pytest.raises(Misconfigured, match="policy must be 'car_hire'"):
        decide(other)
    set_bounds(other, BOUNDS.replace("car_rental", "car_hire"))
    register_override(other, override_text("new").replace("car_rental", "car_hire"))
    assert waived_amount(decide(other)) == "600.00"


def test_overrides_and_bounds_are_append_only(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
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
    assert [row.content for row in kept] == [override_text()]
