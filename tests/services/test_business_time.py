"""Each partner lives in its own time: moving one forward moves its consents and approvals, and nobody else's."""

from datetime import timedelta

import pytest

from gateway.domain.consent import ConsentStatus
from gateway.domain.decision import Status
from gateway.domain.errors import ConsentRefused, StateConflict
from gateway.kit.json import decode
from gateway.services.decisions import CancelInput
from tests.services.world import World, asking, car


def move(world: World, partner: str, **units: float) -> None:
    """Sets how far the partner's business time stands ahead of the wall."""
    seconds = int(timedelta(**units).total_seconds())
    world.execute(f"UPDATE partners SET clock_offset_seconds = {seconds} WHERE name = '{partner}'")


def test_moving_a_partner_forward_expires_its_consents_only(world: World) -> None:
    theirs = world.grant(client=world.second_partner(), partner="other")
    ours = world.grant()
    move(world, "other", days=90)
    principal = world.acting(theirs)
    assert principal.now == world.clock() + timedelta(days=90)
    with pytest.raises(ConsentRefused) as refused:
        world.decisions.request(principal, asking(car(principal.now)))
    assert refused.value.code == "CONSENT_EXPIRED"
    assert world.decisions.request(world.acting(ours), asking(car(world.clock()))).decision.status is Status.APPROVED
    with world.database.read() as session:
        (own,) = world.consents.of_user(session, ours.user_id, world.clock())
        (other,) = world.consents.of_user(session, theirs.user_id, world.clock())
    assert own.consent.status(own.now) is ConsentStatus.ACTIVE
    assert other.consent.status(other.now) is ConsentStatus.EXPIRED


def test_moving_a_partner_forward_lapses_its_approvals_only(world: World) -> None:
    client = world.second_partner()
    ours, theirs = world.grant(), world.grant(client=client, partner="other")
    mine = world.decisions.request(world.acting(ours), asking(car(world.clock()))).decision
    other = world.decisions.request(world.acting(theirs), asking(car(world.clock()))).decision
    move(world, "other", days=5)
    here, there = world.reading(world.merchant_token()), world.reading(world.merchant_token(client))
    found, lapsed = world.decisions.find(here, mine.id), world.decisions.find(there, other.id)
    here.finish()
    there.finish()
    assert found is not None
    assert lapsed is not None
    assert (found.status, lapsed.status) == (Status.APPROVED, Status.EXPIRED)
    with pytest.raises(StateConflict) as refused:
        world.decisions.moves.cancel(world.merchant_token(client), CancelInput(other.id, "key-2", "Changed plans"))
    assert refused.value.code == "DECISION_EXPIRED"
    world.decisions.moves.cancel(world.merchant_token(), CancelInput(mine.id, "key-2", "Changed plans"))


def test_consents_and_decisions_are_dated_in_business_time_and_logs_in_wall_time(world: World) -> None:
    move(world, "demo", days=30)
    consent, wall = world.grant(), world.clock()
    there = wall + timedelta(days=30)
    assert (consent.granted_at, consent.expires_at) == (there, there + timedelta(days=90))
    decision = world.decisions.request(world.acting(consent), asking(car(there))).decision
    assert (decision.created_at, decision.valid_until) == (there, there + timedelta(days=4))
    for table in ("decision_log", "access_log"):
        ((public,),) = world.rows(f"SELECT public FROM {table}")
        document = decode(public)
        assert (document["at"], document["business_at"]) == ("2026-11-23T12:00:00Z", "2026-12-23T12:00:00Z")
    reading = world.reading(world.merchant_token())
    (event,) = world.decisions.timeline(reading, decision.id)
    reading.finish()
    assert event.occurred_at == there


def test_a_consent_is_revoked_at_its_partners_time(world: World) -> None:
    consent = world.grant()
    move(world, "demo", days=10)
    with world.database.write() as session:
        revoked = world.consents.revoke(session, consent.id, consent.user_id, world.clock())
    assert revoked.revoked_at == world.clock() + timedelta(days=10)


def test_idempotency_keys_live_in_wall_time(world: World) -> None:
    consent, ask = world.grant(), car(world.clock())
    first = world.decisions.request(world.acting(consent), asking(ask))
    move(world, "demo", days=2)
    again = world.decisions.request(world.acting(consent), asking(ask))
    assert again.replayed
    assert again.decision.id == first.decision.id


def test_a_clock_moved_between_check_and_write_does_not_move_the_decision(world: World) -> None:
    """The token check hands down the partner's time; a request is decided in that time."""
    consent = world.grant()
    principal = world.acting(consent)
    move(world, "demo", days=1)
    assert world.decisions.request(principal, asking(car(world.clock()))).decision.created_at == world.clock()
