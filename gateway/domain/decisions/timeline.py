"""The timeline of a decision, read from the decision log."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, InternalTopic, Topic


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of a decision's timeline, read from the decision log. `note` is None if the entry has no note or the
    person's key has been destroyed. `dispute_id` is set for events of a dispute."""

    id: str
    decision_id: str
    occurred_at: datetime
    topic: Topic | InternalTopic
    before: Status | None
    after: Status
    actor: Actor
    note: str | None
    dispute_id: str | None = None

    @property
    def merchant_topic(self) -> Topic:
        """The topic of an event that merchants see. Raises ValueError for any other event."""
        return Topic(self.topic)
