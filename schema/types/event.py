"""The interface of events. Their types are next to those of their subjects."""

from datetime import datetime

import strawberry

from gateway.domain.events import Topic
from schema.types.node import Node


@strawberry.interface(
    description="An event in the history of a decision, a dispute or a consent. Webhooks report the same events, with"
    " the same ids."
)
class Event(Node):
    occurred_at: datetime = strawberry.field(
        description="When it happened, in the partner's business time. This is real time, unless the partner moved its"
        " business time forward in a sandbox."
    )
    topic: Topic = strawberry.field(description="Kind of event.")
    sequence: int = strawberry.field(
        description="Number of the event among the events of its subject: 1 is the first one. Events of a decision and"
        " of its disputes are counted together, those of a consent on their own."
    )
