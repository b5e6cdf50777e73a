"""The mutations of webhook endpoints, for merchant tokens."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import strawberry

from gateway.kit.clock import WallTime
from schema.context import Context, Info
from schema.directives import resolved
from schema.types.decision_inputs import known_id
from schema.types.user_error import FIXABLE, UserError, user_error
from schema.types.webhook import WebhookDelivery, WebhookEndpoint
from schema.types.webhook_inputs import (
    WebhookDeliveryResendPayload,
    WebhookEndpointCreateInput,
    WebhookEndpointCreatePayload,
    WebhookEndpointDeletePayload,
    WebhookEndpointUpdateInput,
    WebhookEndpointUpdatePayload,
    WebhookReplayPayload,
    WebhookSecretRotatePayload,
)

_T = TypeVar("_T")
_MANAGE = ["webhooks:manage"]
_OVERLAP = timedelta(days=1)
_IN_INPUT = {"url": ("input", "url"), "topics": ("input", "topics")}
_Id = Annotated[strawberry.ID, strawberry.argument(description="Id of the endpoint.")]
_Overlap = Annotated[
    timedelta | None,
    strawberry.argument(description="How long messages are signed with both secrets, at most P7D. Null: P1D."),
]


@strawberry.type
class WebhookMutations:
    """The mutations of webhook endpoints."""

    @resolved(
        "Creates an endpoint, which gets the events from now on. A merchant has at most 20 endpoints.",
        scopes=_MANAGE,
        cost=10,
    )
    def webhook_endpoint_create(
        self,
        info: Info,
        input: Annotated[WebhookEndpointCreateInput, strawberry.argument(description="The new endpoint.")],  # noqa: A002
    ) -> WebhookEndpointCreatePayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id
        created, errors = _attempt(
            info.context, lambda: service.create(merchant_id, input.url, input.topics), _IN_INPUT
        )
        return WebhookEndpointCreatePayload(
            webhook_endpoint=WebhookEndpoint.of(created[0]) if created else None,
            signing_secret=created[1] if created else None,
            user_errors=errors,
        )

    @resolved("Changes an endpoint, and enables or disables it.", scopes=_MANAGE, cost=10)
    def webhook_endpoint_update(
        self,
        info: Info,
        id: _Id,  # noqa: A002
        input: Annotated[WebhookEndpointUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> WebhookEndpointUpdatePayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id
        endpoint, errors = _attempt(
            info.context,
            lambda: service.update(
                merchant_id,
                known_id(id, "endpoint", "endpointId"),
                url=None if input.url is strawberry.UNSET else input.url,
                topics=None if input.topics is strawberry.UNSET else input.topics,
                enabled=None if input.enabled is strawberry.UNSET else input.enabled,
            ),
            {**_IN_INPUT, "endpointId": ("id",)},
        )
        return WebhookEndpointUpdatePayload(
            webhook_endpoint=WebhookEndpoint.of(endpoint) if endpoint else None, user_errors=errors
        )

    @resolved("Deletes an endpoint and its secrets. Nothing more is sent to it.", scopes=_MANAGE, cost=10)
    def webhook_endpoint_delete(
        self,
        info: Info,
        id: _Id,  # noqa: A002
    ) -> WebhookEndpointDeletePayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id

        def delete() -> strawberry.ID:
            service.delete(merchant_id, known_id(id, "endpoint", "endpointId"))
            return id

        deleted, errors = _attempt(info.context, delete, {"endpointId": ("id",)})
        return WebhookEndpointDeletePayload(deleted_id=deleted, user_errors=errors)

    @resolved(
        "Makes a new secret for an endpoint. Until the end of the overlap, each message has a signature of either"
        " secret. A secret that was replaced earlier ends at once.",
        scopes=_MANAGE,
        cost=10,
    )
    def webhook_secret_rotate(
        self, info: Info, endpoint_id: _Id, overlap: _Overlap = _OVERLAP
    ) -> WebhookSecretRotatePayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id
        length = _OVERLAP if overlap is None else overlap
        rotated, errors = _attempt(
            info.context,
            lambda: service.rotate_secret(merchant_id, known_id(endpoint_id, "endpoint", "endpointId"), length),
        )
        endpoint, secret, until = rotated or (None, None, None)
        return WebhookSecretRotatePayload(
            webhook_endpoint=WebhookEndpoint.of(endpoint) if endpoint else None,
            signing_secret=secret,
            old_secret_valid_until=until,
            user_errors=errors,
        )

    @resolved(
        "Sends an event to its endpoint again, now and, if that fails, by the schedule from its start. The event id is"
        " the same. Possible for 30 days.",
        scopes=_MANAGE,
        cost=10,
    )
    def webhook_delivery_resend(
        self,
        info: Info,
        delivery_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the delivery.")],
    ) -> WebhookDeliveryResendPayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id
        delivery, errors = _attempt(
            info.context, lambda: service.resend(merchant_id, known_id(delivery_id, "delivery", "deliveryId"))
        )
        return WebhookDeliveryResendPayload(
            delivery=WebhookDelivery.of(delivery) if delivery else None, user_errors=errors
        )

    @resolved(
        "Sends the events since a moment to an endpoint again: those with its topics, delivered or not, also those from"
        " before it existed. At most 1000; repeat the call with nextSince until that is null. The event ids are the"
        " same.",
        scopes=_MANAGE,
        cost=50,
    )
    def webhook_replay(
        self,
        info: Info,
        endpoint_id: _Id,
        since: Annotated[
            datetime,
            strawberry.argument(description="Start in real time, at most 30 days ago. Events at this moment are sent."),
        ],
    ) -> WebhookReplayPayload | None:
        service, merchant_id = info.context.container.webhooks, info.context.principal.merchant_id
        replay, errors = _attempt(
            info.context,
            lambda: service.replay(merchant_id, known_id(endpoint_id, "endpoint", "endpointId"), WallTime(since)),
        )
        return WebhookReplayPayload(
            events=replay.events if replay else None,
            next_since=replay.next_since if replay else None,
            user_errors=errors,
        )


def _attempt(
    context: Context, work: Callable[[], _T], paths: Mapping[str, Sequence[str]] | None = None
) -> tuple[_T | None, list[UserError]]:
    """Returns the result of the work, or None and the error that the caller can fix. `paths` are the paths of arguments
    by the service's names of the fields, where they differ."""
    try:
        return work(), []
    except FIXABLE as error:
        name, *rest = error.field or ("",)
        error.field = (*(paths or {}).get(name, (name,)), *rest) if name else None
        return None, [user_error(error, context, prefix=())]
