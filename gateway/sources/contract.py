"""The contract of a score source."""

from datetime import datetime
from typing import Protocol

from gateway.domain.score import Measurement
from gateway.store.database import Session


class ScoreSource(Protocol):
    """Answers what a person's score is. Called while no write transaction is held."""

    def measure(self, session: Session, user_id: str, now: datetime) -> Measurement:
        """The person's measurement as of `now` (business time, UTC). `session` only reads. Raises Unavailable
        (SCORE_UNAVAILABLE) when no answer can be had now."""
        ...
