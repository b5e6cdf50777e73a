"""Scores: what a merchant may be told of a person's score, under which purpose, each telling logged."""

from gateway.domain.errors import Forbidden
from gateway.domain.score import Measurement, ThresholdAnswer, meets
from gateway.domain.tier import Tier
from gateway.services.questions import Questions
from gateway.services.reading import Reading
from gateway.sources.contract import ScoreSource
from gateway.store import merchants


class ScoreService:
    """Reads a consenting person's score at the level that the consent names."""

    def __init__(self, source: ScoreSource, questions: Questions) -> None:
        self._source, self._questions = source, questions

    def tier(self, reading: Reading) -> Measurement:
        """The measurement behind the tier. Raises Forbidden, ConsentRefused, Unavailable (SCORE_UNAVAILABLE)."""
        purpose = self._purpose(reading, "tier")
        measured = self._source.measure(reading.session, reading.consent().user_id, reading.now)
        reading.log("SCORE_TIER", purpose, {"tier": measured.tier})
        return measured

    def meets(self, reading: Reading, minimum: Tier) -> ThresholdAnswer:
        """Whether the tier is at or above `minimum`. Raises Forbidden also for a tier that the merchant's
        contract does not let it ask about; and LimitReached."""
        purpose = self._purpose(reading, "threshold")
        merchant = merchants.load(reading.session, reading.principal.merchant_id)
        if merchant is None or minimum not in merchant.contract.askable_tiers:
            raise Forbidden(f"The merchant's contract does not allow asking about {minimum}.", [])
        self._questions.ask(reading.principal)
        measured = self._source.measure(reading.session, reading.consent().user_id, reading.now)
        answer = meets(measured.tier, minimum)
        reading.log("SCORE_THRESHOLD", purpose, {"minimum": minimum, "answer": answer})
        return answer

    def exact(self, reading: Reading) -> int | None:
        """The score in points, None for an unscored person. Raises as `tier` does."""
        purpose = self._purpose(reading, "exact")
        measured = self._source.measure(reading.session, reading.consent().user_id, reading.now)
        reading.log("SCORE_EXACT", purpose, {"score": measured.score})
        return measured.score

    def _purpose(self, reading: Reading, level: str) -> str:
        consent = reading.consent()
        consent.require_active(reading.now)
        purpose = consent.score_purpose(level, reading.now)
        if purpose is None:
            raise Forbidden(f"The consent does not cover the score at the level {level}.", [[f"score:{level}"]])
        return purpose
