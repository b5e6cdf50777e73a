"""Business time: moving it affects only the partner's own consents and decisions, and nothing in wall time."""

from datetime import timedelta

import pytest

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import ConsentRefused, StateConflict, Unavailable
from gateway.kit.json import decode
from gateway.services.decisions.transitions import CancelCommand
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_access_token
from tests.support.units import reading, writing


def move(world: DemoWorld, partner: str, **units: float) -> None:
    """Sets by how much the partner's business time is ahead of wall time."""
    seconds = int(timedelta(**units).total_seconds())
    world.execute(f"UPDATE partners SET clock_offset_seconds = {seconds} WHERE name = '{partner}'")


def test_moving_business_time_expires_consents_of_that_partner_only(world: DemoWorld) -> None:
    theirs = world.grant(client=world.second_partner(), partner="other")
    ours = world.grant()
    move(world, "other", days=90)
    principal = world.user_token(theirs)
    assert principal.now == world.clock() + timedelta(days=90)
    with pytest.raises(ConsentRefused) as refused:
        world.requester.request(principal, request_command(car(principal.now)))
    assert refused.value.code == "CONSENT_EXPIRED"
    assert (
        world.requester.request(world.user_token(ours), request_command(car(world.clock()))).decision.status
        is Status.APPROVED
    )
    with reading(world.database) as unit:
        (own,) = world.consents.list_of_user(unit, ours.user_id)
        (other,) = world.consents.list_of_user(unit, theirs.user_id)
    assert own.consent.status(own.now) is ConsentStatus.ACTIVE
    assert other.consent.status(other.now) is ConsentStatus.EXPIRED


def test_moving_business_time_expires_approvals_of_that_partner_only(world: DemoWorld) -> None:
    client = world.second_partner()
    ours, theirs = world.grant(), world.grant(client=client, partner="other")
    mine = world.requester.request(world.user_token(ours), request_command(car(world.clock()))).decision
    other = world.requester.request(world.user_token(theirs), request_command(car(world.clock()))).decision
    move(world, "other", days=5)
    approved = world.query(world.merchant_token(), lambda query: world.decisions.find(query, mine.id))
    lapsed = world.query(world.merchant_token(client), lambda query: world.decisions.find(query, other.id))
    assert approved is not None
    assert lapsed is not None
    assert (approved.status, lapsed.status) == (Status.APPROVED, Status.EXPIRED)
    with pytest.raises(StateConflict) as refused:
        world.transitions.cancel(world.merchant_token(client), CancelCommand(other.id, "key-2", "Changed plans"))
    assert refused.value.code == "DECISION_EXPIRED"
    world.transitions.cancel(world.merchant_token(), CancelCommand(mine.id, "key-2", "Changed plans"))


def test_consents_and_decisions_have_business_time_and_log_entries_wall_time(world: DemoWorld) -> None:
    move(world, "demo", days=30)
    consent, there = world.grant(), world.now + timedelta(days=30)
    assert (consent.granted_at, consent.expires_at) == (there, there + timedelta(days=90))
    decision = world.requester.request(world.user_token(consent), request_command(car(there))).decision
    assert (decision.created_at, decision.valid_until) == (there, there + timedelta(days=4))
    for table in ("decision_log", "access_log"):
        ((public,),) = world.rows(f"SELECT public FROM {table}")
        document = decode(public)
        assert (document["at"], document["business_at"]) == ("2026-11-23T12:00:00Z", "2026-12-23T12:00:00Z")
    (event,) = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    assert event.occurred_at == there


def test_consent_is_revoked_in_business_time(world: DemoWorld) -> None:
    consent = world.grant()
    move(world, "demo", days=10)
    with writing(world.database) as unit:
        revoked = world.consents.revoke(unit, consent.id, consent.user_id)
    assert revoked.revoked_at == world.clock() + timedelta(days=10)


def test_tokens_are_revoked_in_wall_time(world: DemoWorld) -> None:
    consent = world.grant()
    with writing(world.database) as unit:
        token = make_access_token(unit, consent.client_id, consent)
    move(world, "demo", days=10)
    world.clock.advance(minutes=1)
    world.revoke(consent)
    with reading(world.database) as unit:
        stored, ended = unit.tokens.load_access_token(token), unit.consents.load(consent.id)
    assert stored is not None
    assert ended is not None
    assert (stored.revoked_at, ended.revoked_at) == (world.clock(), world.now + timedelta(days=10))


def test_idempotency_keys_expire_in_wall_time(world: DemoWorld) -> None:
    consent, ask = world.grant(), car(world.clock())
    first = world.requester.request(world.user_token(consent), request_command(ask))
    move(world, "demo", days=2)
    again = world.requester.request(world.user_token(consent), request_command(ask))
    assert again.replayed
    assert again.decision.id == first.decision.id


def test_decision_has_the_business_time_of_its_writing(world: DemoWorld) -> None:
    """The business time is moved after the token check. A score that has expired by then is not used."""
    consent, ask = world.grant(), request_command(car(world.clock()))
    principal = world.user_token(consent)
    move(world, "demo", days=1)
    with pytest.raises(Unavailable):
        world.requester.request(principal, ask)
    assert world.counts()["decisions"] == 0
    move(world, "demo", hours=1)
    decision = world.requester.request(principal, ask).decision
    assert decision.created_at == world.clock() + timedelta(hours=1)
