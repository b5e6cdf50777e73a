"""Overrides apply to all decisions of their merchant, and to no others."""

from gateway.domain.decisions.outcome import Approval
from gateway.kit.json import decode
from gateway.services.decisions.shadows import ShadowPolicies
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.asks import car
from tests.services.policy_overrides import (
    TEXT,
    decide,
    list_states,
    override_text,
    register_override,
    set_bounds,
    waived_amount,
    with_later_version,
)
from tests.support.demo_world import DemoWorld
from tests.support.units import reading


def test_override_applies_to_its_merchant_only(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    client = world.second_partner()

    mine, other = decide(world), decide(world, 2, client=client, partner="other")

    assert (waived_amount(mine), waived_amount(other)) == ("600.00", "500.00")
    assert (mine.provenance.policy_version, other.provenance.policy_version) == ("2026-11-29+north-1", "2026-11-29")
    assert mine.provenance.policy_hash != other.provenance.policy_hash == CarRental.policy.hash
    assert mine.provenance.rule_id == other.provenance.rule_id == "good"
    with reading(world.database) as unit:
        public = decode(unit.decision_log.list_of_decision(mine.id)[0].public)
        state = world.overrides.find_table(
            unit, world.merchant(), world.registry["car_rental"], mine.provenance.policy_hash
        )
    assert public["policy"]["hash"] == mine.provenance.policy_hash
    assert state is not None
    assert (state.version, state.hash) == ("2026-11-29+north-1", mine.provenance.policy_hash)
    assert world.mismatches() == []


def test_preview_applies_the_override(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    acting = world.user_token(world.grant("good"))
    preview = world.query(
        acting, lambda query: world.decisions.preview(query, "carRental", car(acting.now, "1000.00"), None)
    )
    assert isinstance(preview.outcome, Approval)
    assert preview.outcome.terms.exposed.amount == waived_amount(decide(world))


def test_override_applies_from_midnight_of_its_date_until_the_next(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text("december", "2026-12-01"))
    register_override(world, override_text("back", "2026-12-02", ""))
    state = []
    for number, days in enumerate((0, 7.4999, 0.0002, 0.99, 0.02)):
        world.clock.advance(days=days)
        decision = decide(world, number)
        state.append((world.clock().isoformat()[5:13], waived_amount(decision), decision.provenance.policy_version))
    assert state == [
        ("11-23T12", "500.00", "2026-11-29"),
        ("11-30T23", "500.00", "2026-11-29"),
        ("12-01T00", "600.00", "2026-11-29+december"),
        ("12-01T23", "600.00", "2026-11-29+december"),
        ("12-02T00", "500.00", "2026-11-29"),
    ]


def test_last_registered_override_of_a_date_applies(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text("first"))
    register_override(world, override_text("second", rules="[rule.good]\nshare = 65\n"))
    assert waived_amount(decide(world)) == "650.00"
    assert [each.version for each in list_states(world)] == ["second"]


def test_override_applies_to_a_later_version_of_the_policy(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    upgraded = with_later_version(world, TEXT.replace("share = 70", "share = 75"))
    assert [each.fault for each in list_states(upgraded)] == [None]
    upgraded.clock.advance(days=60)
    assert decide(upgraded).provenance.policy_version == "2027-01-01+north-1"
    assert waived_amount(decide(upgraded, 2, handle="just-below")) == "750.00"


def test_override_applies_to_a_shadow_policy(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    table = read_table(TEXT.replace("share = 70", "share = 75"), CarRental.columns, "next.toml")
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))

    decision = decide(shadowed)

    with reading(world.database) as unit:
        personal = unit.decision_log.open_personal(unit.decision_log.list_of_decision(decision.id)[0])
    assert personal is not None
    assert (personal["shadow"]["policy_version"], personal["shadow"]["share"]) == ("2026-11-29+north-1", 60)
    assert personal["shadow"]["policy_hash"] not in {decision.provenance.policy_hash, table.hash}


def test_override_applies_to_manual_review(world: DemoWorld) -> None:
    look = '[[rule]]\nid = "look"\nwhen.vehicle_value = { at_most = "180000.00" }\nrefer = {}\n'
    text = TEXT.replace('[[rule]]\nid = "excellent"', f'{look}[[rule]]\nid = "excellent"')
    table = read_table(text, CarRental.columns, "referring.toml")

    class Referring(CarRental):
        policy = table

    referring = world.variant(adapters=(Referring,))
    set_bounds(referring)
    register_override(referring, override_text())

    approved = referring.reviews.approve(decide(referring, handle="fair").id, "good")

    assert (waived_amount(approved), approved.provenance.rule_id) == ("600.00", "good")
    assert approved.provenance.policy_version == "2026-11-29+north-1"
