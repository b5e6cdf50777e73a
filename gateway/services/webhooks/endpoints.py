"""Webhook endpoints of a merchant: adds, changes and deletes them, changes their secrets, and sends events again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Topic
from gateway.kit.addresses import Network, may_connect
from gateway.kit.clock import WallTime
from gateway.kit.http_address import HttpAddress, Unreachable, read_address
from gateway.kit.ids import Ids
from gateway.kit.webhook_signatures import new_secret
from gateway.services.purge import WEBHOOKS_KEPT_FOR
from gateway.services.webhooks.fan_out import new_delivery
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import WebhookDeliveryRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

MOST_ENDPOINTS = 20
"""The largest number of endpoints of a merchant."""

LONGEST_OVERLAP = timedelta(days=7)
"""How long an old secret stays valid at most after a new one was made."""

MOST_REPLAYED = 1_000
"""The largest number of events that one call sends again."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How many events are sent again. If there are more, `next_since` is the moment from which to go on, else None."""

    events: int
    next_since: WallTime | None


class WebhookService:
    """Manages the endpoints of a merchant. `networks` are allowed although they are not public."""

    def __init__(self, database: Database, ids: Ids, networks: Sequence[Network]) -> None:
        self._database, self._ids, self._networks = database, ids, tuple(networks)

    def create(self, merchant_id: str, url: str, topics: Sequence[Topic]) -> tuple[WebhookEndpointRow, str]:
        """Adds an endpoint, which gets the events from now on. Returns it and its secret, which is shown only once.
        Raises InvalidInput for a URL that cannot be used, for no topics, and for too many endpoints."""
        self._require_url(url)
        chosen, secret = _require_topics(topics), new_secret()

        def create(unit: UnitOfWork) -> WebhookEndpointRow:
            unit.merchants.lock(merchant_id)  # so that two calls do not add the last one twice
            if len(unit.webhook_endpoints.list_of_merchant(merchant_id)) >= MOST_ENDPOINTS:
                raise InvalidInput("INVALID", f"A merchant has at most {MOST_ENDPOINTS} endpoints: delete one first.")
            endpoint_id = self._ids.new("whe")
            endpoint = WebhookEndpointRow(
                id=endpoint_id,
                merchant_id=merchant_id,
                url=url,
                topics=chosen,
                secret_sealed=unit.webhook_endpoints.seal_secret(secret, endpoint_id),
                created_at=unit.wall,
            )
            unit.webhook_endpoints.insert(endpoint)
            return endpoint

        return self._database.write(create), secret

    def update(
        self,
        merchant_id: str,
        endpoint_id: str,
        *,
        url: str | None = None,
        topics: Sequence[Topic] | None = None,
        enabled: bool | None = None,
    ) -> WebhookEndpointRow:
        """Changes what is not None, and returns the endpoint. If it is enabled again, deliveries that have waited go
        on; events since then are not sent, see `replay`. Raises NotFound, InvalidInput."""
        if url is not None:
            self._require_url(url)
        chosen = None if topics is None else _require_topics(topics)

        def update(unit: UnitOfWork) -> WebhookEndpointRow:
            endpoint = _lock(unit, merchant_id, endpoint_id)
            endpoint.url = endpoint.url if url is None else url
            endpoint.topics = endpoint.topics if chosen is None else chosen
            if enabled is not None and enabled != endpoint.enabled:
                endpoint.enabled = enabled
                endpoint.disabled_at, endpoint.disabled_reason = (None, None) if enabled else (unit.wall, None)
            if url is not None or enabled:
                endpoint.failures, endpoint.failing_since = 0, None
                endpoint.warned_at, endpoint.paused_until = None, None
            unit.webhook_endpoints.update(endpoint)
            return endpoint

        return self._database.write(update)

    def delete(self, merchant_id: str, endpoint_id: str) -> None:
        """Deletes an endpoint and its secrets. Nothing more is sent to it. Raises NotFound."""

        def delete(unit: UnitOfWork) -> None:
            unit.webhook_endpoints.delete(_lock(unit, merchant_id, endpoint_id), unit.wall)

        self._database.write(delete)

    def rotate_secret(
        self, merchant_id: str, endpoint_id: str, overlap: timedelta
    ) -> tuple[WebhookEndpointRow, str, WallTime]:
        """Makes a new secret. Returns the endpoint, the secret, and until when the old one signs too. A secret that was
        old before ends at once. Raises NotFound, InvalidInput."""
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput("INVALID", "The overlap must be from PT0S to P7D.", ("overlap",))
        secret = new_secret()

        def rotate(unit: UnitOfWork) -> WebhookEndpointRow:
            endpoint = _lock(unit, merchant_id, endpoint_id)
            endpoint.old_secret_sealed, endpoint.old_secret_until = (
                endpoint.secret_sealed,
                WallTime(unit.wall + overlap),
            )
            endpoint.secret_sealed = unit.webhook_endpoints.seal_secret(secret, endpoint_id)
            unit.webhook_endpoints.update(endpoint)
            return endpoint

        endpoint = self._database.write(rotate)
        assert endpoint.old_secret_until is not None
        return endpoint, secret, endpoint.old_secret_until

    def resend(self, merchant_id: str, delivery_id: str) -> WebhookDeliveryRow:
        """Sends an event to an endpoint again, now and with all attempts of the schedule, and returns the delivery. The
        event id is the same. Raises NotFound, also for a delivery that was purged, and InvalidInput if the endpoint is
        disabled."""

        def resend(unit: UnitOfWork) -> WebhookDeliveryRow:
            delivery = unit.webhook_deliveries.lock(delivery_id)
            endpoint = unit.webhook_endpoints.load(delivery.endpoint_id) if delivery else None
            if delivery is None or endpoint is None or endpoint.merchant_id != merchant_id:
                raise NotFound("There is no such delivery.", ("deliveryId",))
            if not endpoint.enabled:
                raise InvalidInput("INVALID", "The endpoint is disabled: enable it first.", ("deliveryId",))
            unit.webhook_deliveries.resend([delivery_id], unit.wall)
            resent = unit.webhook_deliveries.load(delivery_id)
            assert resent is not None
            return resent

        return self._database.write(resend)

    def replay(self, merchant_id: str, endpoint_id: str, since: WallTime) -> Replay:
        """Sends the events since a moment, at most 30 days ago, to an endpoint again: those with its topics, delivered
        or not, also those from before it existed. Raises NotFound, InvalidInput."""

        def replay(unit: UnitOfWork) -> Replay:
            if not WallTime(unit.wall - WEBHOOKS_KEPT_FOR) <= since <= unit.wall:
                raise InvalidInput("INVALID", "The moment must be within the last 30 days.", ("since",))
            endpoint = _lock(unit, merchant_id, endpoint_id)
            if not endpoint.enabled:
                raise InvalidInput("INVALID", "The endpoint is disabled: enable it first.", ("endpointId",))
            messages = unit.outbox.list_since(merchant_id, endpoint.topics, since, MOST_REPLAYED + 1)
            replayed, more = messages[:MOST_REPLAYED], messages[MOST_REPLAYED:]
            existing = unit.webhook_deliveries.list_ids(endpoint_id, [message.id for message in replayed])
            unit.webhook_deliveries.resend(sorted(existing.values()), unit.wall)
            new = [message for message in replayed if message.id not in existing]
            unit.webhook_deliveries.insert([], [new_delivery(self._ids, each, endpoint_id, unit.wall) for each in new])
            return Replay(len(replayed), more[0].created_at if more else None)

        return self._database.write(replay)

    def _require_url(self, url: str) -> None:
        """Raises InvalidInput for a URL to which nothing would be sent. Names are resolved when something is sent."""
        try:
            address = read_address(url)
        except Unreachable:
            message = "The URL must be absolute, printable ASCII, without user information and fragment."
            raise InvalidInput("INVALID", message, ("url",)) from None
        if not self._may_connect(address):
            message = "The URL must be https, and its host must not be an address that is not public."
            raise InvalidInput("INVALID", message, ("url",))

    def _may_connect(self, address: HttpAddress) -> bool:
        try:
            literal = ip_address(address.host)
        except ValueError:
            return address.encrypted or bool(self._networks)
        return may_connect(literal, self._networks, encrypted=address.encrypted)


def _require_topics(topics: Sequence[Topic]) -> list[str]:
    if not topics:
        raise InvalidInput("INVALID", "Choose at least one topic.", ("topics",))
    return sorted({topic.value for topic in topics})


def _lock(unit: UnitOfWork, merchant_id: str, endpoint_id: str) -> WebhookEndpointRow:
    endpoint = unit.webhook_endpoints.lock(endpoint_id)
    if endpoint is None or endpoint.merchant_id != merchant_id:
        raise NotFound("There is no such endpoint.", ("endpointId",))
    return endpoint
