"""The webhook endpoints of one partner with their last deliveries, for the pages of a sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.domain.errors import NotFound
from gateway.domain.events import Topic
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.deliveries import DeliveryWindow
from gateway.store.webhooks.delivery_rows import WebhookAttemptRow, WebhookDeliveryRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

MOST_DELIVERIES = 20
"""The number of deliveries of an endpoint that are shown: the newest ones."""

MOST_ATTEMPTS = 5
"""The number of attempts of a delivery that are shown: the newest ones."""


@dataclass(frozen=True, slots=True)
class MerchantEndpoints:
    """A merchant of the partner, and its endpoints, oldest first."""

    id: str
    name: str
    endpoints: tuple[WebhookEndpointRow, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery with the topic of its event and its newest attempts, oldest first."""

    row: WebhookDeliveryRow
    topic: Topic
    attempts: tuple[WebhookAttemptRow, ...]


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """An endpoint with the name of its merchant, and its newest deliveries, newest first."""

    endpoint: WebhookEndpointRow
    merchant_name: str
    deliveries: tuple[Delivery, ...]


def list_endpoints(unit: UnitOfWork, partner_id: str) -> list[MerchantEndpoints]:
    """Returns the partner's merchants with their endpoints, oldest first."""
    return [
        MerchantEndpoints(each.id, each.name, tuple(unit.webhook_endpoints.list_of_merchant(each.id)))
        for each in unit.merchants.list_merchants(partner_id)
    ]


def require_merchant(unit: UnitOfWork, partner_id: str, merchant_id: str) -> str:
    """Returns the id of the partner's merchant. Raises NotFound for any other merchant."""
    merchant = unit.merchants.load(merchant_id)
    if merchant is None or merchant.partner_id != partner_id:
        raise NotFound("There is no such merchant.")
    return merchant.id


def require_endpoint(unit: UnitOfWork, partner_id: str, endpoint_id: str) -> WebhookEndpointRow:
    """Returns the endpoint of a merchant of the partner. Raises NotFound for any other endpoint."""
    endpoint = unit.webhook_endpoints.load(endpoint_id)
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    require_merchant(unit, partner_id, endpoint.merchant_id)
    return endpoint


def require_delivery(unit: UnitOfWork, partner_id: str, delivery_id: str) -> tuple[WebhookDeliveryRow, str]:
    """Returns the delivery to an endpoint of the partner, and the id of its merchant. Raises NotFound for any other
    delivery."""
    delivery = unit.webhook_deliveries.load(delivery_id)
    if delivery is None:
        raise NotFound("There is no such delivery.")
    return delivery, require_endpoint(unit, partner_id, delivery.endpoint_id).merchant_id


def load_endpoint(unit: UnitOfWork, partner_id: str, endpoint_id: str) -> EndpointPage:
    """Returns the endpoint with its newest deliveries. Raises NotFound as `require_endpoint`."""
    endpoint = require_endpoint(unit, partner_id, endpoint_id)
    merchant = unit.merchants.load(endpoint.merchant_id)
    assert merchant is not None  # a foreign key ensures it
    rows = unit.webhook_deliveries.list_page(endpoint.id, DeliveryWindow(MOST_DELIVERIES))
    return EndpointPage(endpoint, merchant.name, tuple(_deliveries(unit, rows)))


def _deliveries(unit: UnitOfWork, rows: list[WebhookDeliveryRow]) -> Iterator[Delivery]:
    topics = {each.id: Topic(each.topic) for each in unit.events.list_by_ids([row.event_id for row in rows])}
    attempts = unit.webhook_deliveries.list_newest_attempts([row.id for row in rows], MOST_ATTEMPTS)
    for row in rows:
        yield Delivery(row, topics[row.event_id], tuple(each for each in attempts if each.delivery_id == row.id))
