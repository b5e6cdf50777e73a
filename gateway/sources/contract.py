"""The contract of a score source."""

from typing import Protocol

from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime


class ScoreSource(Protocol):
    """Measures persons' scores. It is called outside of all units of work, so it may use the network."""

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The person's measurement as of `now`. Raises Unavailable (SCORE_UNAVAILABLE) if it cannot be fetched."""
        ...
