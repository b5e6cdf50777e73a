"""The mutation that sends an event without a cause."""

from typing import Annotated

import strawberry

from gateway.domain.events import Topic
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.services.events import load_events
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.event import Event
from schema.types.user_error import UserError
from schema.types.webhook import WebhookDelivery, event_of


@strawberry.type(description="Result of sandboxWebhookTrigger.")
class SandboxWebhookTriggerPayload:
    event: Event | None = strawberry.field(
        description="The event. Its subject does not exist, so decision, dispute, consent and endpoint are null. With"
        " REORDERED the later one of two events."
    )
    deliveries: list[WebhookDelivery] | None = listed(
        "The deliveries, one for each enabled endpoint with the topic; with REORDERED those of both events. Empty if no"
        " endpoint has it. Null if another process is making them, which takes about a second.",
        20,
    )
    user_errors: list[UserError] = listed("Always empty.", 1)


@strawberry.type
class SandboxWebhookMutations:
    """The mutation of webhooks in a sandbox."""

    @resolved(
        "Sends one event of this topic, with sample data about a subject that does not exist, to your endpoints and"
        " listeners. It has the format of a real one, and is in the feed. It is written also if no endpoint has the"
        " topic.",
        scopes=SANDBOX,
        cost=20,
    )
    def sandbox_webhook_trigger(
        self,
        info: Info,
        topic: Annotated[Topic, strawberry.argument(description="Kind of event.")],
        variant: Annotated[
            WebhookVariant | None, strawberry.argument(description="How the event is sent. Null: NORMAL.")
        ] = WebhookVariant.NORMAL,
    ) -> SandboxWebhookTriggerPayload | None:
        context, service = info.context, info.context.container.sandbox.webhooks
        triggered = service.trigger(context.principal.merchant_id, topic, variant or WebhookVariant.NORMAL)
        deliveries = triggered.deliveries
        return SandboxWebhookTriggerPayload(
            event=event_of(load_events(context.query, [triggered.id])[triggered.id]),
            deliveries=None if deliveries is None else WebhookDelivery.list_of(deliveries),
            user_errors=[],
        )
