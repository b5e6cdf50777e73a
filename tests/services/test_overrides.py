"""A merchant's own numbers within a policy are applied to its requests, and to nobody else's."""

from gateway.domain.decisions.outcome import Approval
from gateway.kit.json import decode
from gateway.services.decisions.shadows import ShadowPolicies
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.asks import car
from tests.services.overriding import TEXT, decided, draw, numbers, register, states, waived, with_later
from tests.support.demo_world import DemoWorld
from tests.support.units import reading


def test_an_override_decides_the_merchants_requests_and_nobody_elses(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    client = world.second_partner()

    mine, other = decided(world), decided(world, 2, client=client, partner="other")

    assert (waived(mine), waived(other)) == ("600.00", "500.00")
    assert (mine.provenance.policy_version, other.provenance.policy_version) == ("2026-11-01+north-1", "2026-11-01")
    assert mine.provenance.policy_hash != other.provenance.policy_hash == CarRental.policy.hash
    assert mine.provenance.rule_id == other.provenance.rule_id == "good"
    with reading(world.database) as unit:
        public = decode(unit.decision_log.list_of_decision(mine.id)[0].public)
        found = world.overrides.find_table(
            unit, world.merchant(), world.registry["car_rental"], mine.provenance.policy_hash
        )
    assert public["policy"]["hash"] == mine.provenance.policy_hash
    assert found is not None
    assert (found.version, found.hash) == ("2026-11-01+north-1", mine.provenance.policy_hash)
    assert world.mismatches() == []


def test_a_preview_says_what_the_request_will(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    acting = world.acting(world.grant("good"))
    preview = world.query(
        acting, lambda query: world.decisions.preview(query, "carRental", car(acting.now, "1000.00"), None)
    )
    assert isinstance(preview.outcome, Approval)
    assert preview.outcome.terms.exposed.amount == waived(decided(world))


def test_it_counts_from_midnight_of_its_date_until_the_next(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers("december", "2026-12-01"))
    register(world, numbers("back", "2026-12-02", ""))
    found = []
    for number, days in enumerate((0, 7.4999, 0.0002, 0.99, 0.02)):
        world.clock.advance(days=days)
        decision = decided(world, number)
        found.append((world.clock().isoformat()[5:13], waived(decision), decision.provenance.policy_version))
    assert found == [
        ("11-23T12", "500.00", "2026-11-01"),
        ("11-30T23", "500.00", "2026-11-01"),
        ("12-01T00", "600.00", "2026-11-01+december"),
        ("12-01T23", "600.00", "2026-11-01+december"),
        ("12-02T00", "500.00", "2026-11-01"),
    ]


def test_of_one_date_the_last_registered_counts(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers("first"))
    register(world, numbers("second", rules="[rule.good]\nshare = 65\n"))
    assert waived(decided(world)) == "650.00"
    assert [each.version for each in states(world)] == ["second"]


def test_an_override_goes_on_under_a_later_version_of_the_policy(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    upgraded = with_later(world, TEXT.replace("share = 70", "share = 75"))
    assert [each.fault for each in states(upgraded)] == [None]
    upgraded.clock.advance(days=60)
    assert decided(upgraded).provenance.policy_version == "2027-01-01+north-1"
    assert waived(decided(upgraded, 2, handle="just-below")) == "750.00"


def test_a_shadow_is_evaluated_as_the_merchant_would_carry_it(world: DemoWorld) -> None:
    draw(world)
    register(world, numbers())
    table = read_table(TEXT.replace("share = 70", "share = 75"), CarRental.columns, "next.toml")
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))

    decision = decided(shadowed)

    with reading(world.database) as unit:
        personal = unit.decision_log.open_personal(unit.decision_log.list_of_decision(decision.id)[0])
    assert personal is not None
    assert (personal["shadow"]["policy_version"], personal["shadow"]["share"]) == ("2026-11-01+north-1", 60)
    assert personal["shadow"]["policy_hash"] not in {decision.provenance.policy_hash, table.hash}


def test_a_person_who_reviews_approves_by_the_merchants_numbers(world: DemoWorld) -> None:
    look = '[[rule]]\nid = "look"\nwhen.vehicle_value = { at_most = "180000.00" }\nrefer = {}\n'
    text = TEXT.replace('[[rule]]\nid = "excellent"', f'{look}[[rule]]\nid = "excellent"')
    table = read_table(text, CarRental.columns, "referring.toml")

    class Referring(CarRental):
        policy = table

    referring = world.variant(adapters=(Referring,))
    draw(referring)
    register(referring, numbers())

    approved = referring.reviews.approve(decided(referring, handle="fair").id, "good")

    assert (waived(approved), approved.provenance.rule_id) == ("600.00", "good")
    assert approved.provenance.policy_version == "2026-11-01+north-1"
