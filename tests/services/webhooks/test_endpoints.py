"""Endpoints of a merchant: what is accepted, secrets, and events that are sent again."""

from datetime import timedelta

import pytest

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.services.webhooks import endpoints
from gateway.services.webhooks.endpoints import LONGEST_OVERLAP, MOST_ENDPOINTS, Replay, WebhookService
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from gateway.store.webhooks.endpoints import WebhookEndpointRow
from tests.support import factories
from tests.support.factories import ids
from tests.support.outgoing import LOOPBACK
from tests.support.race import race
from tests.support.units import reading, writing
from tests.support.webhook_world import APPROVED, OK, Receiver, WebhookWorld, status

URL = "https://shop.example/hooks"


@pytest.fixture
def service(world: WebhookWorld) -> WebhookService:
    return WebhookService(world.database, ids, LOOPBACK)


def secrets_of(world: WebhookWorld, endpoint: WebhookEndpointRow) -> list[str]:
    with reading(world.database) as unit:
        return unit.webhook_endpoints.open_secrets(world.load(endpoint.id), unit.wall)


def other_merchant(world: WebhookWorld) -> str:
    with writing(world.database) as unit:
        return factories.make_merchant(unit, factories.make_partner(unit))


def test_endpoint_is_stored_with_a_sealed_secret(world: WebhookWorld, service: WebhookService) -> None:
    topics = [Topic.DECISION_DECLINED, APPROVED, APPROVED]
    endpoint, secret = service.create(world.merchant_id, URL, topics)
    stored = world.load(endpoint.id)
    assert (stored.url, stored.topics, stored.enabled) == (URL, ["DECISION_APPROVED", "DECISION_DECLINED"], True)
    assert secret.encode() not in stored.secret_sealed
    assert secrets_of(world, endpoint) == [secret]


@pytest.mark.parametrize(
    "url",
    [
        *("", "shop.example", "ftp://shop.example/", "https://user@shop.example/", "https://shop.example/#a"),
        *("https://10.0.0.1/", "https://[::ffff:127.0.0.1]/", "http://192.168.0.1/", "https://169.254.169.254/"),
        "https://shop.example/" + "a" * 2048,
    ],
)
def test_url_to_which_nothing_would_be_sent_is_refused(world: WebhookWorld, service: WebhookService, url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        service.create(world.merchant_id, url, [APPROVED])
    assert (refused.value.code, refused.value.field) == ("INVALID", ("url",))
    endpoint, _ = service.create(world.merchant_id, URL, [APPROVED])
    with pytest.raises(InvalidInput):
        service.update(world.merchant_id, endpoint.id, url=url)
    assert world.load(endpoint.id).url == URL


def test_plain_http_needs_a_loopback_address_that_is_allowed(world: WebhookWorld, service: WebhookService) -> None:
    service.create(world.merchant_id, "http://127.0.0.1:8080/", [APPROVED])
    live = WebhookService(world.database, ids, ())
    for url in ("http://127.0.0.1:8080/", "http://shop.example/"):
        with pytest.raises(InvalidInput):
            live.create(world.merchant_id, url, [APPROVED])


def test_endpoint_needs_a_topic(world: WebhookWorld, service: WebhookService) -> None:
    with pytest.raises(InvalidInput) as refused:
        service.create(world.merchant_id, URL, [])
    assert refused.value.field == ("topics",)


def test_merchant_has_a_limited_number_of_endpoints(world: WebhookWorld, service: WebhookService) -> None:
    for _ in range(MOST_ENDPOINTS - 1):
        service.create(world.merchant_id, URL, [APPROVED])

    def create(_: int) -> bool:
        try:
            service.create(world.merchant_id, URL, [APPROVED])
        except InvalidInput:
            return False
        return True

    assert sorted(race(create, 3)) == [False, False, True]


def test_endpoint_of_another_merchant_is_unknown(world: WebhookWorld, service: WebhookService) -> None:
    endpoint, _ = service.create(world.merchant_id, URL, [APPROVED])
    other = other_merchant(world)
    since = world.clock.now
    for act in (
        lambda: service.update(other, endpoint.id, enabled=False),
        lambda: service.delete(other, endpoint.id),
        lambda: service.rotate_secret(other, endpoint.id, timedelta()),
        lambda: service.replay(other, endpoint.id, since),
        lambda: service.update(world.merchant_id, "whe_unknown", enabled=False),
    ):
        with pytest.raises(NotFound):
            act()
    assert world.load(endpoint.id).enabled


def test_deleted_endpoint_gets_nothing_and_has_no_secret(
    world: WebhookWorld, service: WebhookService, receiver: Receiver
) -> None:
    endpoint, _ = service.create(world.merchant_id, receiver.url(), [APPROVED])
    world.emit()
    service.delete(world.merchant_id, endpoint.id)
    world.settle()
    assert receiver.events == []
    with pytest.raises(NotFound):
        service.delete(world.merchant_id, endpoint.id)
    with reading(world.database) as unit:
        sealed = unit.connection.exec_driver_sql("SELECT secret_sealed, old_secret_sealed FROM webhook_endpoints").one()
    assert tuple(sealed) == (b"", None)


def test_disabled_endpoint_goes_on_with_what_has_waited(
    world: WebhookWorld, service: WebhookService, receiver: Receiver
) -> None:
    endpoint, _ = service.create(world.merchant_id, receiver.url(), [APPROVED])
    receiver.answer = lambda _: status(410)
    waiting = world.emit("dec_1")
    world.settle()
    missed = world.emit("dec_2")
    world.settle()
    assert not world.load(endpoint.id).enabled
    receiver.answer = lambda _: OK
    enabled = service.update(world.merchant_id, endpoint.id, enabled=True)
    assert (enabled.disabled_at, enabled.disabled_reason, enabled.failures) == (None, None, 0)
    world.clock.advance(minutes=6)
    world.settle()
    assert receiver.events == [waiting, waiting]
    assert missed not in receiver.events


def test_old_secret_is_valid_for_the_overlap(world: WebhookWorld, service: WebhookService) -> None:
    endpoint, first = service.create(world.merchant_id, URL, [APPROVED])
    _, second, until = service.rotate_secret(world.merchant_id, endpoint.id, timedelta(hours=1))
    assert until == world.clock.now + timedelta(hours=1)
    assert secrets_of(world, endpoint) == [second, first]
    _, third, _ = service.rotate_secret(world.merchant_id, endpoint.id, timedelta(hours=1))
    assert secrets_of(world, endpoint) == [third, second]
    world.clock.advance(hours=1)
    assert secrets_of(world, endpoint) == [third]


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), LONGEST_OVERLAP + timedelta(seconds=1)])
def test_overlap_has_limits(world: WebhookWorld, service: WebhookService, overlap: timedelta) -> None:
    endpoint, secret = service.create(world.merchant_id, URL, [APPROVED])
    with pytest.raises(InvalidInput):
        service.rotate_secret(world.merchant_id, endpoint.id, overlap)
    assert secrets_of(world, endpoint) == [secret]


def test_delivery_is_sent_again_with_its_event_id(
    world: WebhookWorld, service: WebhookService, receiver: Receiver
) -> None:
    endpoint, _ = service.create(world.merchant_id, receiver.url(), [APPROVED])
    event = world.emit()
    world.settle()
    (delivery,) = world.deliveries(endpoint.id)
    with pytest.raises(NotFound):
        service.resend(other_merchant(world), delivery.id)
    resent = service.resend(world.merchant_id, delivery.id)
    assert (resent.status, resent.tries, resent.due_at) == (DeliveryStatus.PENDING, 0, world.clock.now)
    world.settle()
    (delivery,) = world.deliveries(endpoint.id)
    assert (receiver.events, delivery.status, delivery.attempts) == ([event, event], DeliveryStatus.DELIVERED, 2)


def test_events_since_a_moment_are_sent_again(
    world: WebhookWorld, service: WebhookService, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.emit("dec_1")
    moments = []
    events = []
    for number in range(4):
        world.clock.advance(minutes=1)
        moments.append(world.clock.now)
        events.append(world.emit(f"dec_{number % 2}"))
    world.emit("con_1", Topic.CONSENT_GRANTED)
    world.settle()
    endpoint, _ = service.create(world.merchant_id, receiver.url(), [APPROVED])
    monkeypatch.setattr(endpoints, "MOST_REPLAYED", 3)
    assert service.replay(world.merchant_id, endpoint.id, moments[0]) == Replay(3, moments[3])
    world.settle()
    assert sorted(receiver.events) == sorted(events[:3])
    assert service.replay(world.merchant_id, endpoint.id, moments[2]) == Replay(2, None)
    world.settle()
    assert sorted(receiver.events[3:]) == sorted(events[2:])


def test_replay_reaches_thirty_days_back(world: WebhookWorld, service: WebhookService) -> None:
    endpoint, _ = service.create(world.merchant_id, URL, [APPROVED])
    for moment in (world.clock.now - timedelta(days=30, seconds=1), world.clock.now + timedelta(seconds=1)):
        with pytest.raises(InvalidInput):
            service.replay(world.merchant_id, endpoint.id, WallTime(moment))
    assert service.replay(world.merchant_id, endpoint.id, world.clock.now) == Replay(0, None)
