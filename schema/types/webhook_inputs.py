"""Inputs and payloads of the mutations of webhook endpoints."""

from datetime import datetime

import strawberry

from gateway.domain.events import Topic
from schema.directives import listed
from schema.types.decision_inputs import ERRORS, PAYLOAD
from schema.types.user_error import UserError
from schema.types.webhook import WebhookDelivery, WebhookEndpoint

_URL = (
    "Absolute https URL, without user information and fragment, at most 2048 characters. The host must not be an"
    " address that is not public. Plain http is possible for loopback addresses, if the operator allows it."
)


@strawberry.input(description="Input of webhookEndpointCreate.")
class WebhookEndpointCreateInput:
    url: str = strawberry.field(description=_URL)
    topics: list[Topic] = strawberry.field(description="Kinds of events that are sent. At least one.")


@strawberry.input(description="Input of webhookEndpointUpdate. A null or absent field is not changed.")
class WebhookEndpointUpdateInput:
    url: str | None = strawberry.field(default=strawberry.UNSET, description=_URL)
    topics: list[Topic] | None = strawberry.field(
        default=strawberry.UNSET, description="Kinds of events that are sent. At least one."
    )
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="False stops all deliveries; those that wait are kept. True continues with them. Use webhookReplay"
        " for the events that happened meanwhile.",
    )


@strawberry.type
class WebhookPayload:
    """The field that the payloads share."""

    user_errors: list[UserError] = listed(ERRORS, 1)


@strawberry.type
class WebhookEndpointPayload(WebhookPayload):
    """Fields of the payloads with an endpoint."""

    webhook_endpoint: WebhookEndpoint | None = strawberry.field(
        description="The endpoint after the mutation. Null if userErrors has entries."
    )


@strawberry.type(description=PAYLOAD)
class WebhookEndpointCreatePayload(WebhookEndpointPayload):
    signing_secret: str | None = strawberry.field(
        description="Secret that signs the messages, whsec_ and 32 bytes in base64. It is shown only here. Null if"
        " userErrors has entries."
    )


@strawberry.type(description=PAYLOAD)
class WebhookEndpointUpdatePayload(WebhookEndpointPayload):
    """The payload of webhookEndpointUpdate."""


@strawberry.type(description=PAYLOAD)
class WebhookEndpointDeletePayload(WebhookPayload):
    deleted_id: strawberry.ID | None = strawberry.field(
        description="Id of the deleted endpoint. Null if userErrors has entries."
    )


@strawberry.type(description=PAYLOAD)
class WebhookSecretRotatePayload(WebhookEndpointPayload):
    signing_secret: str | None = strawberry.field(
        description="The new secret. It is shown only here. Null if userErrors has entries."
    )
    old_secret_valid_until: datetime | None = strawberry.field(
        description="Until when messages are signed with the old secret too. Null if userErrors has entries."
    )


@strawberry.type(description=PAYLOAD)
class WebhookDeliveryResendPayload(WebhookPayload):
    delivery: WebhookDelivery | None = strawberry.field(
        description="The delivery, which is due now. Null if userErrors has entries."
    )


@strawberry.type(description=PAYLOAD)
class WebhookReplayPayload(WebhookPayload):
    events: int | None = strawberry.field(
        description="Number of events that are sent again, at most 1000. Null if userErrors has entries."
    )
    next_since: datetime | None = strawberry.field(
        description="The value of since for the next call. Null if there are no more events."
    )
