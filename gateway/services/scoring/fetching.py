"""Fetches a person's score before a unit of work begins, because a score source may use the network."""

from gateway.domain.errors import Unavailable
from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.score import Measurement
from gateway.sources.contract import ScoreSource

FetchedScore = Measurement | Exception | None
"""A measurement, the error of the source, or None if nothing was fetched. A merchant token has no person."""


class ScoreFetcher:
    """Fetches the score of a token's person from the score source."""

    def __init__(self, source: ScoreSource) -> None:
        self._source = source

    def fetch(self, principal: Principal) -> FetchedScore:
        """The person's measurement as of the principal's business time, or any error of the source. The error is raised
        where the score is used, so that it does not affect fields without the score."""
        if principal.consent is None:
            return None
        try:
            return self._source.measure(principal.consent.user_id, principal.now)
        except Exception as error:  # noqa: BLE001
            return error


def require_measurement(score: FetchedScore) -> Measurement:
    """Returns the measurement. Raises the source's error, or Unavailable (SCORE_UNAVAILABLE) if nothing was fetched."""
    if isinstance(score, Measurement):
        return score
    raise score or Unavailable("SCORE_UNAVAILABLE", "No score was fetched for this request.")
