"""Reads webhook endpoints and deliveries for a token: those of its merchant, for merchant tokens only."""

from collections.abc import Iterable, Mapping

from gateway.domain.errors import InvalidInput
from gateway.services.query_unit import QueryUnit
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.deliveries import DeliveryWindow
from gateway.store.webhooks.delivery_rows import WebhookAttemptRow, WebhookDeliveryRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

MOST_ATTEMPTS = 20
"""The largest number of attempts of one delivery that are read: those of its schedule twice."""


def find_endpoint(query: QueryUnit, endpoint_id: str) -> WebhookEndpointRow | None:
    """Returns the endpoint, None if it does not exist, was deleted, or the token may not see it."""
    return query.read(lambda unit: _find_endpoint(query, unit, endpoint_id))


def list_endpoints(query: QueryUnit) -> list[WebhookEndpointRow]:
    """Returns the endpoints of the token's merchant, oldest first."""
    return query.read(lambda unit: unit.webhook_endpoints.list_of_merchant(query.principal.merchant_id))


def find_delivery(query: QueryUnit, delivery_id: str) -> WebhookDeliveryRow | None:
    """Returns the delivery, None if it does not exist, was purged, or the token may not see its endpoint."""

    def read(unit: UnitOfWork) -> WebhookDeliveryRow | None:
        delivery = unit.webhook_deliveries.load(delivery_id)
        return delivery if delivery and _find_endpoint(query, unit, delivery.endpoint_id) else None

    return query.read(read)


def list_deliveries(
    query: QueryUnit,
    endpoint_id: str,
    size: int,
    *,
    backward: bool = False,
    after: str | None = None,
    before: str | None = None,
    only_failed: bool = False,
) -> list[WebhookDeliveryRow]:
    """Returns at most `size` deliveries to an endpoint that the token may see, after and before these delivery ids,
    from the newest or, if `backward`, from the oldest. With `only_failed`, only those that have failed. Raises
    InvalidInput with the field "after" or "before" for the delivery to another endpoint."""

    def read(unit: UnitOfWork) -> list[WebhookDeliveryRow]:
        bounds = position(unit, "after", after), position(unit, "before", before)
        return unit.webhook_deliveries.list_page(endpoint_id, DeliveryWindow(size, backward, *bounds, only_failed))

    def position(unit: UnitOfWork, field: str, delivery_id: str | None) -> int | None:
        if delivery_id is None:
            return None
        delivery = unit.webhook_deliveries.load(delivery_id)
        if delivery is None or delivery.endpoint_id != endpoint_id:
            raise InvalidInput("INVALID", "is not a delivery to this endpoint", (field,))
        return delivery.position

    return query.read(read)


def load_attempts(query: QueryUnit, delivery_ids: Iterable[str]) -> Mapping[str, list[WebhookAttemptRow]]:
    """Returns the newest attempts, at most MOST_ATTEMPTS, of each of these deliveries, oldest first, by delivery id."""
    wanted = list(delivery_ids)
    attempts: dict[str, list[WebhookAttemptRow]] = {each: [] for each in wanted}
    for attempt in query.read(lambda unit: unit.webhook_deliveries.list_newest_attempts(wanted, MOST_ATTEMPTS)):
        attempts[attempt.delivery_id].append(attempt)
    return attempts


def load_bodies(query: QueryUnit, event_ids: Iterable[str]) -> Mapping[str, bytes]:
    """Returns the rendered bodies of messages about these events, by event id, without those that were purged or could
    not be rendered."""
    wanted = list(event_ids)
    messages = query.read(lambda unit: unit.webhook_deliveries.load_messages(wanted))
    return {event_id: message.body for event_id, message in messages.items()}


def _find_endpoint(query: QueryUnit, unit: UnitOfWork, endpoint_id: str) -> WebhookEndpointRow | None:
    endpoint, principal = unit.webhook_endpoints.load(endpoint_id), query.principal
    is_visible = endpoint is not None and endpoint.merchant_id == principal.merchant_id and principal.consent is None
    return endpoint if is_visible else None
