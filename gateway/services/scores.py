"""Scores: reads of a person's score by a merchant, within the person's consent. Each read is logged."""

from gateway.domain.errors import Forbidden
from gateway.domain.scoring.score import Measurement, ThresholdAnswer, meets
from gateway.domain.scoring.tier import Tier
from gateway.services.query_unit import QueryUnit


class ScoreService:
    """Reads a person's score at the levels that the person's consent covers."""

    def load_measurement(self, query: QueryUnit) -> Measurement:
        """The measurement of the person, for its tier. Raises Forbidden, ConsentRefused, RateLimitReached, Unavailable
        (SCORE_UNAVAILABLE)."""
        purpose = _require_purpose(query, "tier")
        query.take_inquiry()
        measurement = query.require_measurement()
        query.log_access("SCORE_TIER", purpose, {"tier": measurement.tier})
        return measurement

    def check_threshold(self, query: QueryUnit, minimum: Tier) -> ThresholdAnswer:
        """Whether the person's tier is at or above `minimum`. Raises as `load_measurement` does, Forbidden also for a
        tier that the merchant's contract does not allow.

        A consent of the level "threshold" is about one tier: the `minimum` of its detail, or else that of the first
        inquiry that was answered. Raises Forbidden for another tier.
        """
        purpose = _require_purpose(query, "threshold")
        merchant = query.read(lambda unit: unit.merchants.load(query.principal.merchant_id))
        if merchant is None or minimum not in merchant.contract.askable_tiers:
            raise Forbidden(f"The merchant's contract does not allow asking about {minimum}.", [])
        is_bound = query.require_consent().score_purpose("tier", query.now) is None
        tier = query.load_threshold_tier() if is_bound else None
        if tier not in {None, minimum}:
            raise Forbidden(f"The consent allows threshold inquiries about {tier} only.", [["score:tier"]])
        query.take_inquiry()
        answer = meets(query.require_measurement().tier, minimum)
        if is_bound and tier is None:
            query.first_threshold = minimum
        query.log_access("SCORE_THRESHOLD", purpose, {"minimum": minimum, "answer": answer})
        return answer

    def load_score(self, query: QueryUnit) -> int | None:
        """The score in points, None for an unscored person. Raises as `load_measurement` does."""
        purpose = _require_purpose(query, "exact")
        query.take_inquiry()
        measurement = query.require_measurement()
        query.log_access("SCORE_EXACT", purpose, {"score": measurement.score})
        return measurement.score


def _require_purpose(query: QueryUnit, level: str) -> str:
    consent = query.require_consent()
    consent.require_active(query.now)
    purpose = consent.score_purpose(level, query.now)
    if purpose is None:
        raise Forbidden(f"The consent does not cover the score at the level {level}.", [[f"score:{level}"]])
    return purpose
