"""The first use of a consent: one event for the merchant and one notice for the person, whatever the merchant does
first."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial

import pytest

from gateway.audit.log_verification import verify_logs
from gateway.domain.consents.consent import Consent
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.errors import ConsentRefused, InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.domain.notices.notice import Notice, NoticeKind
from gateway.domain.webhooks import notice as webhooks
from gateway.kit.json import decode
from gateway.store.events import MessageWindow
from gateway.store.outbox import notice_of
from gateway.store.unit import UnitOfWork
from tests.services.asks import car, request_command, waiver
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.statements import statements
from tests.support.units import reading

GRANTED, FIRST_USED, REVOKED = Topic.CONSENT_GRANTED, Topic.CONSENT_FIRST_USED, Topic.CONSENT_REVOKED


def read_tier(world: DemoWorld, consent: Consent) -> None:
    """Reads the tier with a token whose check returned this consent."""
    world.query(world.user_token(consent), lambda query: query.log_access("SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"}))


def request(world: DemoWorld, consent: Consent, number: int = 1) -> bool:
    """Requests a decision in the same way. Returns whether it was replayed."""
    command = request_command(car(world.clock()), f"key-{number}", f"order-{number}")
    return world.requester.request(world.user_token(consent), command).replayed


def preview(world: DemoWorld, consent: Consent) -> None:
    ask = car(world.clock())
    world.query(world.user_token(consent), lambda query: world.decisions.preview(query, "carRental", ask, None))


def stored(world: DemoWorld, consent: Consent) -> Consent:
    with reading(world.database) as unit:
        loaded = unit.consents.load(consent.id)
    assert loaded is not None
    return loaded


def events(world: DemoWorld, consent: Consent) -> list[webhooks.Notice]:
    with reading(world.database) as unit:
        messages = unit.events.list_of_subject(consent.id, MessageWindow(100))
    return [notice_of(message, EnvironmentLabel.SANDBOX) for message in messages]


def topics(world: DemoWorld, consent: Consent) -> list[Topic]:
    return [event.topic for event in events(world, consent)]


def notices(world: DemoWorld, consent: Consent) -> list[Notice]:
    """The notices of the first use."""
    with reading(world.database) as unit:
        inbox = unit.notices.list_page(consent.user_id, 100)
    return [each for each in inbox if each.kind is NoticeKind.CONSENT_FIRST_USED and each.subject_id == consent.id]


@pytest.mark.parametrize("use", [read_tier, request, preview])
def test_first_use_is_reported_once(world: DemoWorld, use: Callable[[DemoWorld, Consent], object]) -> None:
    consent = world.grant()
    world.clock.advance(hours=1)
    use(world, consent)
    at = world.now
    world.clock.advance(hours=1)
    for again in (read_tier, preview):
        again(world, consent)  # the token was checked before the first use was written
        again(world, stored(world, consent))
    granted, used = events(world, consent)
    assert (granted.topic, used.topic, used.sequence, used.actor) == (GRANTED, FIRST_USED, 2, Actor.MERCHANT)
    assert used.data == granted.data
    assert (used.occurred_at, used.merchant_id) == (at, consent.merchant_id)
    (notice,) = notices(world, consent)
    assert (notice.merchant_id, notice.product, notice.business_at) == (consent.merchant_id, None, at)
    assert stored(world, consent).first_used_at == at
    with reading(world.database) as unit:
        (entry, *_) = unit.connection.execute(unit.access_log.TABLE.select().order_by("id")).all()
        assert decode(entry.public)["business_at"] == at.isoformat().replace("+00:00", "Z")
        assert verify_logs(unit).intact
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_each_consent_has_a_first_use(world: DemoWorld) -> None:
    one, other = world.grant(), world.grant()
    read_tier(world, one)
    assert (topics(world, one), topics(world, other)) == ([GRANTED, FIRST_USED], [GRANTED])
    read_tier(world, other)
    assert topics(world, other) == [GRANTED, FIRST_USED]


@pytest.mark.postgresql
def test_use_of_a_used_consent_needs_no_statement_on_consents(world: DemoWorld) -> None:
    consent = world.grant()
    with statements(world.database) as first:
        read_tier(world, consent)
    with statements(world.database) as stale:
        read_tier(world, consent)
    used = stored(world, consent)
    with statements(world.database) as second:
        read_tier(world, used)
    assert sum("UPDATE consents" in each for each in first) == 1
    assert len(stale) == len(second) + 1
    assert not any("UPDATE consents" in each for each in second)


@pytest.mark.postgresql
def test_replayed_request_is_no_use(world: DemoWorld) -> None:
    consent = world.grant()
    request(world, consent)
    world.execute("UPDATE consents SET first_used_at = NULL")
    assert request(world, consent)
    assert stored(world, consent).first_used_at is None


@pytest.mark.postgresql
def test_refused_request_is_no_use(world: DemoWorld) -> None:
    request(world, world.grant("good"))
    consent = world.grant("good", waiver("3000.00"))
    with pytest.raises(ConsentRefused):
        world.request(consent, request_command(car(world.clock(), "3000.01"), "key-2", "order-2"))
    with pytest.raises(InvalidInput):  # in the second phase
        world.request(consent, request_command(car(world.clock()), "key-3", "order-1"))
    assert (topics(world, consent), notices(world, consent)) == ([GRANTED], [])
    assert stored(world, consent).first_used_at is None


def test_document_without_an_access_is_no_use(world: DemoWorld) -> None:
    consent = world.grant()
    world.query(world.user_token(consent), lambda query: query.require_consent())
    assert topics(world, consent) == [GRANTED]


@pytest.mark.postgresql
def test_concurrent_first_uses_are_reported_once(world: DemoWorld) -> None:
    consents = [world.grant() for _ in range(3)]
    with closing(world.variant()) as other:  # as in two processes
        calls: list[Callable[[], object]] = []
        for number, consent in enumerate(consents * 2):
            calls += [
                partial(read_tier, world, consent),
                partial(request, world, consent, number),
                partial(read_tier, other, consent),
            ]
        assert [each for each in at_once(calls) if isinstance(each, Exception)] == []
    for consent in consents:
        assert topics(world, consent) == [GRANTED, FIRST_USED]
        assert len(notices(world, consent)) == 1
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_first_use_and_revocation_do_not_wait_for_each_other(world: DemoWorld) -> None:
    for _ in range(4):
        consent = world.grant()
        reads = [partial(read_tier, world, consent)] * 3
        assert at_once([*reads, partial(world.revoke, consent)]) == [None] * 4
        assert topics(world, consent) in ([GRANTED, FIRST_USED, REVOKED], [GRANTED, REVOKED])
        assert len(notices(world, consent)) == 1
    assert world.mismatches() == []


@pytest.mark.postgresql
@pytest.mark.parametrize("has_expired", [False, True])
def test_first_use_after_the_end_has_no_event(world: DemoWorld, has_expired: bool) -> None:
    consent = world.grant()
    token = world.user_token(consent)
    if has_expired:
        world.clock.advance(consent.expires_at - world.now + timedelta(seconds=1))
    else:
        world.revoke(consent)
    world.query(token, lambda query: query.log_access("SCORE_TIER", "CAR_RENTAL", {}))
    assert FIRST_USED not in topics(world, consent)
    assert len(notices(world, consent)) == 1
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_failed_unit_reports_nothing(world: DemoWorld) -> None:
    consent = world.grant()

    def fail(unit: UnitOfWork) -> None:
        world.access_log.record(unit, world.user_token(consent), "SCORE_TIER", "CAR_RENTAL", {})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        world.database.write(fail)
    assert (topics(world, consent), notices(world, consent)) == ([GRANTED], [])
    read_tier(world, consent)
    assert topics(world, consent) == [GRANTED, FIRST_USED]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE consents SET first_used_at = granted_at",
        "UPDATE consents SET first_used_at = NULL",
        "UPDATE outbox SET payload = '{}' WHERE topic = 'CONSENT_FIRST_USED'",
        "UPDATE outbox SET topic = 'CONSENT_FIRST_USED' WHERE topic = 'CONSENT_GRANTED'",
        "UPDATE outbox SET aggregate_id = 'con_other', sequence = 1 WHERE topic = 'CONSENT_FIRST_USED'",
    ],
)
def test_changed_first_use_is_found(world: DemoWorld, change: str) -> None:
    consent = world.grant()
    world.clock.advance(hours=1)
    read_tier(world, consent)
    assert world.mismatches() == []
    world.execute(change)
    assert any("first use" in each or "its consent does not exist" in each for each in world.mismatches())
