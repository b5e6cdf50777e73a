"""New personas after a reset, and the spare partner of the demo."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import NotFound
from gateway.domain.money import Money
from gateway.services.seeding import CONTRACT, PARTNER
from gateway.store.unit import UnitOfWork
from tests.services.policy_overrides import override_text, register_override, set_bounds
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_consent, make_decision
from tests.support.locks import wait_for_waiters
from tests.support.units import reading, writing


@pytest.mark.postgresql
def test_f1_reset_creates_personas_with_the_same_names_and_passwords(world: DemoWorld) -> None:
    before, old = world.seed.personas, world.user("excellent")
    assert world.seeding.reset_personas(PARTNER) == before
    assert world.user("excellent") != old
    assert world.seed_demo().personas == before
    with reading(world.database) as unit:
        user = world.accounts.load_by_username(unit, "excellent@demo")
    assert world.accounts.verify_password(user, before[0].password)


@pytest.mark.postgresql
def test_f1_reset_puts_the_old_personas_out_of_reach(world: DemoWorld) -> None:
    consent, old = world.grant(), world.user("excellent")
    with reading(world.database) as unit:
        (persona,) = (each for each in unit.users.list_personas(world.partner_id) if each.user_id == old)
    with writing(world.database) as unit:
        session = world.accounts.sign_in(unit, None, old)
        decision = make_decision(unit, consent, status=Status.APPROVED)

    world.seeding.reset_personas(PARTNER)

    with reading(world.database) as unit:
        user = unit.users.load(old)
        assert user is not None
        assert not world.accounts.verify_password(user, world.seed.personas[0].password)
        assert world.accounts.find_session(unit, session.secret) is None
        ended = unit.consents.load(consent.id)
        assert ended is not None
        assert ended.status(world.now) is ConsentStatus.REVOKED
        assert unit.users.load_persona(world.partner_id, persona.id) is None
        assert old not in {each.user_id for each in unit.users.list_personas(world.partner_id)}
        assert unit.decisions.load(decision) is not None


@pytest.mark.postgresql
def test_f1_personas_can_be_reset_again_and_again(world: DemoWorld) -> None:
    for _ in range(3):
        assert len(world.seeding.reset_personas(PARTNER)) == len(world.seed.personas)
    with reading(world.database) as unit:
        assert len(unit.users.list_personas(world.partner_id)) == len(world.seed.personas)


@pytest.mark.postgresql
def test_f1_reset_changes_no_other_partner(world: DemoWorld) -> None:
    world.second_partner()
    other = world.user("excellent", "other")
    world.seeding.reset_personas(PARTNER)
    assert world.user("excellent", "other") == other
    with pytest.raises(NotFound, match="Did you mean demo"):
        world.seeding.reset_personas("dmeo")


@pytest.mark.postgresql
def test_b1_reset_ends_a_consent_that_is_being_given(postgresql_url: str, clock: MovableClock) -> None:
    with closing(DemoWorld(postgresql_url, clock)) as world:
        world.seed_demo()
        old, client, given = world.user("excellent"), world.client(), threading.Event()

        def give(unit: UnitOfWork) -> str:
            assert unit.users.hold(old)
            given.set()
            consent = make_consent(unit, client, old).id
            wait_for_waiters(postgresql_url, 1)
            return consent

        with ThreadPoolExecutor(2) as pool:
            giving = pool.submit(world.database.write, give)
            assert given.wait(20)
            pool.submit(world.seeding.reset_personas, PARTNER).result()
        with reading(world.database) as unit:
            consent = unit.consents.load(giving.result())
            assert consent is not None
            assert consent.revoked_at is not None


def open_approval(world: DemoWorld) -> None:
    consent = world.grant()
    with writing(world.database) as unit:
        make_decision(unit, consent, status=Status.APPROVED)


def smaller_contract(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        ceiling = Money.parse("100.00", "CNY")
        changed = type(CONTRACT)(CONTRACT.askable_tiers, ceiling, CONTRACT.consent_life)
        world.merchants.replace_contract(unit, world.merchant(), changed)


def moved_time(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        unit.partners.move_clock(world.partner_id, 86400)


def open_breach(world: DemoWorld) -> None:
    consent, now = world.grant(), world.clock()
    with writing(world.database) as unit:
        broken = {"breached_at": now, "breach_kind": BreachKind.DAMAGED, "activated_at": now}
        make_decision(unit, consent, status=Status.BREACHED, **broken)


def override(world: DemoWorld) -> None:
    set_bounds(world)
    register_override(world, override_text())


CHANGES = [open_approval, open_breach, override, smaller_contract, moved_time]


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: f"F1-{each.__name__}")
def test_demo_gets_a_spare_partner_if_its_own_has_a_past(world: DemoWorld, change: Callable[[DemoWorld], None]) -> None:
    assert world.seeding.seed_spare() is None
    change(world)
    first, second = world.seeding.seed_spare(), world.seeding.seed_spare()
    assert first is not None
    assert first == second
    name, seed = first
    assert name == "demo-2"
    assert [(each.name, each.adapter) for each in seed.merchants] == [("Demo Car Rental 2", "car_rental")]
    assert seed.personas[0].username == "excellent@demo-2"


@pytest.mark.postgresql
def test_f1_demo_partner_is_used_again_after_a_reset(world: DemoWorld) -> None:
    open_approval(world)
    assert world.seeding.seed_spare() is not None
    world.seeding.reset_personas(PARTNER)
    assert world.seeding.seed_spare() is None
