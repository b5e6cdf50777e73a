"""Records results of attempts: when a delivery is tried again, and when its endpoint waits or is disabled."""

from collections.abc import Sequence

from gateway.domain.webhooks import schedule
from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.webhooks.sending import Result
from gateway.store.outbox import message_of_endpoint
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from gateway.store.webhooks.endpoints import DisabledReason, WebhookEndpointRow

_log = get_logger(__name__)


def record(unit: UnitOfWork, results: Sequence[Result], ids: Ids) -> list[DeliveryStatus]:
    """Writes attempts, and what they mean for their deliveries and endpoints. Returns the status of each delivery.
    `ids` makes the id of the event of an endpoint that is disabled."""
    unit.webhook_deliveries.insert_attempts([result.row for result in results])
    unit.webhook_deliveries.end_delivered([result.row for result in results if result.delivered], unit.wall)
    statuses = [DeliveryStatus.DELIVERED if result.delivered else _retry(unit, result) for result in results]
    for result in results:
        _judge_endpoint(unit, result, ids)
    return statuses


def _retry(unit: UnitOfWork, result: Result) -> DeliveryStatus:
    """Lets a failed delivery be tried again, or ends it after the last attempt of the schedule."""
    wait = schedule.next_wait(result.attempt.tries, result.retry_after)
    unit.webhook_deliveries.end_failed(result.row, unit.wall, None if wait is None else WallTime(unit.wall + wait))
    return DeliveryStatus.FAILED if wait is None else DeliveryStatus.PENDING


def _judge_endpoint(unit: UnitOfWork, result: Result, ids: Ids) -> None:
    if result.delivered and not result.attempt.was_failing:
        return  # the usual case needs no lock
    endpoint = unit.webhook_endpoints.lock(result.attempt.endpoint_id)
    if endpoint is None:  # deleted meanwhile
        return
    if result.delivered:
        endpoint.failures, endpoint.failing_since, endpoint.paused_until, endpoint.warned_at = 0, None, None, None
    else:
        _count_failure(unit, endpoint, result, ids)
    unit.webhook_endpoints.update(endpoint)


def _count_failure(unit: UnitOfWork, endpoint: WebhookEndpointRow, result: Result, ids: Ids) -> None:
    now, status = unit.wall, result.row.response_status
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    pause = schedule.pause(endpoint.failures, status, result.retry_after)
    if pause is not None:
        endpoint.paused_until = max(endpoint.paused_until or now, WallTime(now + pause))
    failing_for = now - endpoint.failing_since
    if not endpoint.enabled:
        return
    if status == schedule.GONE or failing_for >= schedule.DISABLE_AFTER:
        reason = DisabledReason.GONE if status == schedule.GONE else DisabledReason.FAILING
        _disable(unit, endpoint, reason, ids)
    elif failing_for >= schedule.WARN_AFTER and endpoint.warned_at is None:
        endpoint.warned_at = now
        _log.warning("webhook_endpoint_failing", endpoint=endpoint.id, merchant=endpoint.merchant_id)


def _disable(unit: UnitOfWork, endpoint: WebhookEndpointRow, reason: DisabledReason, ids: Ids) -> None:
    """Disables a locked endpoint, and tells the merchant's other endpoints. Its deliveries wait until it is enabled
    again. The caller updates the row."""
    endpoint.enabled, endpoint.disabled_at, endpoint.disabled_reason = False, unit.wall, reason.value
    at = unit.business_time(endpoint.merchant_id)
    message = message_of_endpoint(ids.new("msg"), endpoint.merchant_id, endpoint.id, reason, at, unit.wall)
    unit.outbox.add(message)
    _log.warning("webhook_endpoint_disabled", endpoint=endpoint.id, merchant=endpoint.merchant_id, reason=reason)
