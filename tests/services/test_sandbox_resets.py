"""What a reset of a partner keeps, and what background work does about what was before."""

from datetime import timedelta

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import InvalidInput
from gateway.services.seeding import PARTNER
from gateway.startup import prepare_to_serve
from tests.services.policy_overrides import HEADER, list_states, override_text, register_override, set_bounds
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_decision
from tests.support.units import reading, writing


def reset(world: DemoWorld) -> int:
    retired = world.container.sandbox.resets.reset(world.merchant_token(), confirm=True)
    world.seed_demo()
    return retired


def list_record_disputes(world: DemoWorld, with_replaced: bool) -> list[str]:
    with reading(world.database) as unit:
        disputes = unit.record_disputes.list_all(open_only=True, with_replaced=with_replaced)
    return [each.id for each in disputes]


@pytest.mark.postgresql
def test_new_merchant_has_the_contract_the_adapters_and_the_policy_override(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    old = world.merchant()
    reset(world)
    new = world.merchant()
    assert new != old
    with reading(world.database) as unit:
        rows = [unit.merchants.load(each) for each in (old, new)]
        assert rows[0] is not None
        assert rows[1] is not None
        assert (rows[1].contract, rows[1].name) == (rows[0].contract, "Demo Car Rental")
        adapters, overrides, bounds = (
            [read(each) for each in (old, new)]
            for read in (
                unit.merchants.list_enabled_adapters,
                lambda each: [row.content for row in unit.policy_overrides.list_overrides(each, "car_rental")],
                lambda each: getattr(unit.policy_overrides.load_bounds(each, "car_rental"), "content", None),
            )
        )
    assert adapters[0] == adapters[1]
    assert overrides[0] == overrides[1] != []
    assert bounds[0] == bounds[1] is not None


@pytest.mark.postgresql
def test_override_of_a_replaced_merchant_is_listed_only_if_asked(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    old = world.merchant()
    reset(world)
    assert {each.merchant_id for each in list_states(world)} == {world.merchant()}
    assert {each.merchant_id for each in list_states(world, with_replaced=True)} == {old, world.merchant()}


def test_unusable_override_of_a_replaced_merchant_does_not_stop_a_start(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())
    old = world.merchant()
    reset(world)
    with writing(world.database) as unit:
        bounds = unit.policy_overrides.load_bounds(old, "car_rental")
        assert bounds is not None
        narrower = {"id": "bnd_test_narrower", "content": f"{HEADER}[rule.good]\nshare = {{ at_most = 55 }}\n"}
        unit.policy_overrides.append_bounds(bounds.model_copy(update=narrower))
    assert len([each for each in list_states(world, with_replaced=True) if each.fault]) == 1
    assert [each.fault for each in list_states(world)] == [None]
    prepare_to_serve(world.container)


@pytest.mark.postgresql
def test_record_dispute_of_a_replaced_persona_is_listed_only_if_asked(world: DemoWorld) -> None:
    user = world.user("building")
    (late,) = world.rows(f"SELECT id FROM behaviour_records WHERE user_id = '{user}' AND kind = 'LATE'")
    dispute = world.container.record_disputes.open(user, late.id, "I was on time.")
    assert [list_record_disputes(world, each) for each in (False, True)] == [[dispute.id]] * 2
    reset(world)
    assert [list_record_disputes(world, each) for each in (False, True)] == [[], [dispute.id]]


def test_background_work_leaves_what_was_before_alone(world: DemoWorld) -> None:
    consent = world.grant()
    with writing(world.database) as unit:
        decision = make_decision(unit, consent, status=Status.APPROVED)
    reset(world)
    before = world.rows("SELECT count(*) FROM outbox")
    world.clock.advance(timedelta(days=400))
    world.container.tasks.apply_due()
    world.container.tasks.write_reminders()
    with reading(world.database) as unit:
        state = unit.decisions.load(decision)
        assert state is not None
    assert state.status is Status.APPROVED
    assert world.rows("SELECT count(*) FROM outbox") == before


def test_retired_partner_is_not_listed(world: DemoWorld) -> None:
    reset(world)
    reset(world)
    with reading(world.database) as unit:
        names = [each.name for each in unit.partners.list_partners()]
    assert names == [PARTNER]
    assert world.rows("SELECT count(*) FROM partners WHERE retired_at IS NOT NULL")[0][0] == 2


def test_call_of_a_partner_that_was_just_reset_is_refused(world: DemoWorld) -> None:
    token = world.merchant_token()
    reset(world)
    with pytest.raises(InvalidInput, match="same moment"):
        world.container.sandbox.resets.reset(token, confirm=True)
