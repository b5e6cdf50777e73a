"""Fetches a person's score before a unit of work begins: a source may ask a provider, which no unit may."""

from gateway.domain.errors import Unavailable
from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.score import Measurement
from gateway.sources.contract import ScoreSource

FetchedScore = Measurement | Exception | None
"""A measurement, the error of the source, or None where nothing was fetched: a merchant token has no person."""


class ScoreFetcher:
    """Asks the score source about the person of a token."""

    def __init__(self, source: ScoreSource) -> None:
        self._source = source

    def fetch(self, principal: Principal) -> FetchedScore:
        """The person's measurement as of the principal's business time, or the source's error, whatever it is: it is
        raised where the score is needed, and costs nothing else."""
        if principal.consent is None:
            return None
        try:
            return self._source.measure(principal.consent.user_id, principal.now)
        except Exception as error:  # noqa: BLE001
            return error


def require_measurement(score: FetchedScore) -> Measurement:
    """The measurement. Raises the source's error, Unavailable (SCORE_UNAVAILABLE) where it has none."""
    if isinstance(score, Measurement):
        return score
    raise score or Unavailable("SCORE_UNAVAILABLE", "No score was fetched for this request.")
