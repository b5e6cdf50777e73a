"""What happened: timeline entries, and later webhook payloads and the subscription."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.domain import decision as domain
from gateway.domain.decision import Status
from gateway.domain.event import Actor, Topic
from schema.connection import Asked, PageInfo, cursor, cut
from schema.context import Info
from schema.directives import resolved
from schema.types.dispute import Dispute
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.decision import Decision

ORDER = "TIMELINE"


@strawberry.interface(
    description="Something that happened. Timeline entries, webhook payloads and the subscription share it."
)
class Event(Node):
    occurred_at: datetime = strawberry.field(description="When, in business time.")
    topic: Topic = strawberry.field(description="What happened.")


@strawberry.type(description="Something that happened to a decision.")
class DecisionEvent(Event):
    decision_id: strawberry.Private[str]
    from_: Status | None = strawberry.field(name="from", description="Status before; null for the first event.")
    to: Status = strawberry.field(description="Status after.")
    actor: Actor = strawberry.field(description="Who did it.")
    note: str | None = strawberry.field(description="What was said about it, such as the reason of a cancellation.")

    @classmethod
    def of(cls, event: domain.DecisionEvent) -> "DecisionEvent":
        return cls(
            id=strawberry.ID(event.id),
            occurred_at=event.occurred_at,
            topic=event.topic,
            decision_id=event.decision_id,
            from_=event.before,
            to=event.after,
            actor=event.actor,
            note=event.note,
        )

    @resolved("The decision as it stands now.")
    def decision(self, info: Info) -> Annotated["Decision", strawberry.lazy("schema.types.decision")] | None:
        from schema.types.decision import Decision  # noqa: PLC0415 - a decision has a timeline, an event a decision

        found = info.context.services.decisions.find(info.context.reading, self.decision_id)
        return Decision.of(found) if found else None


@strawberry.type(description="Something that happened to a dispute.")
class DisputeEvent(Event):
    dispute_id: strawberry.Private[str]

    @resolved("The dispute as it stands now; null for a token that does not reach it.")
    def dispute(self, info: Info) -> Dispute | None:
        found = info.context.services.disputes.find(info.context.reading, self.dispute_id)
        return Dispute.of(found) if found else None


def event_of(event: domain.DecisionEvent) -> Event:
    """The GraphQL form of an entry of a decision's timeline."""
    if event.dispute_id is None:
        return DecisionEvent.of(event)
    return DisputeEvent(
        id=strawberry.ID(event.id), occurred_at=event.occurred_at, topic=event.topic, dispute_id=event.dispute_id
    )


@strawberry.type(description="One event in a list.")
class EventEdge:
    cursor: str = strawberry.field(description="Opaque position of this event, for after and before.")
    node: Event = strawberry.field(description="The event.")


@strawberry.type(description="A page of events, oldest first.")
class EventConnection:
    edges: list[EventEdge] = strawberry.field(description="The events with their cursors.")
    nodes: list[Event] = strawberry.field(description="The events alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")

    @classmethod
    def of(cls, events: Sequence[domain.DecisionEvent], wanted: Asked) -> "EventConnection":
        """The page of a whole timeline, oldest first. Raises BadUserInput for another timeline's cursor."""
        shown = cut([((event.occurred_at, event.id), event) for event in events], wanted)
        nodes = [event_of(event) for _, event in shown.items]
        cursors = [cursor(ORDER, at) for at, _ in shown.items]
        return cls(
            edges=[EventEdge(cursor=at, node=node) for at, node in zip(cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=shown.info(cursors),
        )
