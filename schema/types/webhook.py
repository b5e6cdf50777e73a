"""Webhook endpoints of a merchant, deliveries to them, and events of endpoints. The types refer to each other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from gateway.domain.api_version import API_VERSION
from gateway.domain.events import Topic
from gateway.domain.webhooks.notice import SubjectType, subject_type_of
from gateway.services.events import MerchantEvent, load_events
from gateway.services.webhooks import queries
from gateway.services.webhooks.queries import MOST_ATTEMPTS
from gateway.store.webhooks.delivery_rows import DeliveryStatus, WebhookAttemptRow, WebhookDeliveryRow
from gateway.store.webhooks.endpoints import DisabledReason, WebhookEndpointRow
from schema.connection import DEFAULT_SIZE, After, Before, Connection, First, Last, load_page, page_request
from schema.context import Info
from schema.directives import describe, listed, require_scopes, resolved
from schema.types.consent import ConsentEvent
from schema.types.decision import DecisionEvent, dispute_event
from schema.types.event import Event
from schema.types.node import Node

_DELIVERIES, _FAILED = "DELIVERIES", "FAILED_DELIVERIES"
_SCOPES = require_scopes("webhooks:manage")
_OnlyFailed = Annotated[
    bool | None, strawberry.argument(description="Only deliveries with the status FAILED. Null: all deliveries.")
]


@strawberry.type(description="One attempt of a delivery.")
class WebhookAttempt:
    number: int = strawberry.field(description="Number of the attempt: 1 is the first one.")
    started_at: datetime = strawberry.field(description="When it began.")
    duration_ms: int = strawberry.field(description="How long it took, in milliseconds.")
    response_status: int | None = strawberry.field(description="HTTP status of your response. Null without a response.")
    response_body: str | None = strawberry.field(
        description="The first 1000 characters of your response. Null without a response."
    )
    error: str | None = strawberry.field(
        description="Code that says why there was no response, for example timeout. Null if there was one."
    )

    @classmethod
    def of(cls, attempt: WebhookAttemptRow) -> "WebhookAttempt":
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            duration_ms=attempt.duration_ms,
            response_status=attempt.response_status,
            response_body=attempt.response_body,
            error=attempt.error,
        )


class _Page:
    """Events, attempts and bodies of the deliveries of one page. Each kind is read for all of them at its first use."""

    def __init__(self, deliveries: Sequence[WebhookDeliveryRow]) -> None:
        self._ids = [each.id for each in deliveries]
        self._event_ids = [each.event_id for each in deliveries]
        self._events: Mapping[str, MerchantEvent] | None = None
        self._attempts: Mapping[str, list[WebhookAttemptRow]] | None = None
        self._bodies: Mapping[str, bytes] | None = None

    def event(self, info: Info, event_id: str) -> MerchantEvent:
        if self._events is None:
            self._events = load_events(info.context.query, self._event_ids)
        return self._events[event_id]

    def attempts(self, info: Info, delivery_id: str) -> list[WebhookAttemptRow]:
        if self._attempts is None:
            self._attempts = queries.load_attempts(info.context.query, self._ids)
        return self._attempts[delivery_id]

    def body(self, info: Info, event_id: str) -> bytes | None:
        if self._bodies is None:
            self._bodies = queries.load_bodies(info.context.query, self._event_ids)
        return self._bodies.get(event_id)


@strawberry.type(
    description=describe(
        "The delivery of one event to one endpoint, with its attempts. It is kept for 30 days.", _SCOPES
    ),
    directives=[_SCOPES],
)
class WebhookDelivery(Node):
    page: strawberry.Private[_Page]
    event_id: strawberry.Private[str]
    status: DeliveryStatus = strawberry.field(description="Status of the delivery.")
    attempt_count: int = strawberry.field(
        description="Number of attempts so far, with one that runs, and with those before it was sent again."
    )
    created_at: datetime = strawberry.field(description="When the delivery was created.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When the next attempt is made at the earliest: later while an earlier event of the same subject is"
        " not delivered, or while the endpoint is paused or disabled. Null unless the status is PENDING."
    )

    @classmethod
    def of(cls, delivery: WebhookDeliveryRow, page: "_Page | None" = None) -> "WebhookDelivery":
        """Returns the GraphQL form of a delivery on a page, or of a single one."""
        return cls(
            id=strawberry.ID(delivery.id),
            page=page or _Page([delivery]),
            event_id=delivery.event_id,
            status=DeliveryStatus(delivery.status),
            attempt_count=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.due_at,
        )

    @classmethod
    def list_of(cls, deliveries: Sequence[WebhookDeliveryRow]) -> "list[WebhookDelivery]":
        """Returns the GraphQL form of the deliveries of one page."""
        page = _Page(deliveries)
        return [cls.of(each, page) for each in deliveries]

    @resolved("The event. It has the id that the header webhook-id has.", cost=2)
    def event(self, info: Info) -> Event:
        return event_of(self.page.event(info, self.event_id))

    @resolved(f"The newest attempts, at most {MOST_ATTEMPTS}, oldest first.", cost=1, assumed_size=5)
    def attempts(self, info: Info) -> list[WebhookAttempt]:
        return list(map(WebhookAttempt.of, self.page.attempts(info, self.id)))

    @resolved(
        "Body of the request, the same in each attempt. Null before the first attempt of a message that could not be"
        " rendered, and after 30 days.",
        cost=1,
    )
    def request_body(self, info: Info) -> str | None:
        body = self.page.body(info, self.event_id)
        return None if body is None else body.decode("utf-8", "replace")


@strawberry.type(
    description=describe("An address to which events are sent as webhooks.", _SCOPES), directives=[_SCOPES]
)
class WebhookEndpoint(Node):
    url: str = strawberry.field(
        description="Absolute https URL. Plain http is possible for loopback addresses, if the operator allows it."
    )
    topics: list[Topic] = listed("Kinds of events that the endpoint gets.", 20)
    enabled: bool = strawberry.field(
        description="Whether events are sent. An event that happens while it is false is not sent later, unless you use"
        " webhookReplay."
    )
    api_version: str = strawberry.field(description="API version of the messages.")
    created_at: datetime = strawberry.field(description="When the endpoint was created.")
    disabled_at: datetime | None = strawberry.field(
        description="When the endpoint was disabled. Null if it is enabled."
    )
    disabled_reason: DisabledReason | None = strawberry.field(
        description="Why the gateway disabled the endpoint. Null if it is enabled, or if you disabled it."
    )
    failing_since: datetime | None = strawberry.field(
        description="When the first attempt failed after the last success. Null if the last attempt succeeded. After"
        " five days of failures the endpoint is disabled."
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpointRow) -> "WebhookEndpoint":
        return cls(
            id=strawberry.ID(endpoint.id),
            url=endpoint.url,
            topics=list(map(Topic, endpoint.topics)),
            enabled=endpoint.enabled,
            api_version=API_VERSION,
            created_at=endpoint.created_at,
            disabled_at=endpoint.disabled_at,
            disabled_reason=DisabledReason(endpoint.disabled_reason) if endpoint.disabled_reason else None,
            failing_since=endpoint.failing_since,
        )

    @resolved(
        "Deliveries to the endpoint, newest event first.",
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def deliveries(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        only_failed: _OnlyFailed = False,
    ) -> Connection[WebhookDelivery]:
        order = _FAILED if only_failed else _DELIVERIES
        request = page_request(order, first, after, last, before)
        load = partial(queries.list_deliveries, info.context.query, self.id, only_failed=bool(only_failed))
        page = load_page(request, load)
        bounds = page.bounds(order, lambda each: (each.created_at, each.id))
        return Connection(bounds=bounds, items=WebhookDelivery.list_of(page.items))


@strawberry.type(description="A change of a webhook endpoint that the gateway made.")
class EndpointEvent(Event):
    endpoint_id: strawberry.Private[str]

    @classmethod
    def of(cls, event: MerchantEvent) -> "EndpointEvent":
        return cls(
            id=strawberry.ID(event.id),
            occurred_at=event.occurred_at,
            topic=event.topic,
            sequence=event.sequence,
            endpoint_id=event.subject_id,
        )

    @resolved("The endpoint in its current state. Null if it was deleted, or if this token cannot read it.", cost=2)
    def endpoint(self, info: Info) -> WebhookEndpoint | None:
        context, identifier = info.context, self.endpoint_id
        endpoint = context.find_once(("endpoint", identifier), lambda: queries.find_endpoint(context.query, identifier))
        return WebhookEndpoint.of(endpoint) if endpoint else None


@strawberry.type(description="A test that you sent to your endpoints and listeners.")
class TestEvent(Event):
    @classmethod
    def of(cls, event: MerchantEvent) -> "TestEvent":
        return cls(
            id=strawberry.ID(event.id), occurred_at=event.occurred_at, topic=event.topic, sequence=event.sequence
        )


_OTHERS: Mapping[SubjectType, type[ConsentEvent] | type[EndpointEvent] | type[TestEvent]] = {
    SubjectType.CONSENT: ConsentEvent,
    SubjectType.ENDPOINT: EndpointEvent,
    SubjectType.TEST: TestEvent,
}


def event_of(event: MerchantEvent) -> Event:
    """Returns the GraphQL form of an event."""
    if event.dispute_id is not None:
        return dispute_event(event.id, event.occurred_at, event.topic, event.sequence, event.dispute_id)
    if event.logged is not None:
        return DecisionEvent.of(event.logged, event.sequence)
    return _OTHERS[subject_type_of(event.topic)].of(event)
