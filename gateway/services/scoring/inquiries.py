"""The inquiry budget: counts all reads of one partner about one person together (tiers, scores, threshold inquiries,
previews and requests), so that no merchant or group of merchants of a partner can find out more by repeating them."""

from datetime import timedelta

from gateway.domain.errors import RateLimitReached
from gateway.domain.identity.principal import Principal
from gateway.kit.limits import RateLimit, RateLimiter, TooManyAttempts

HOUR = timedelta(hours=1)


class InquiryBudget:
    """Allows `per_hour` inquiries of a partner's merchants about a person within any hour of wall time."""

    def __init__(self, rate_limiter: RateLimiter, per_hour: int) -> None:
        self._rate_limiter, self._limit = rate_limiter, RateLimit("inquiries", per_hour, HOUR)

    def count(self, principal: Principal) -> None:
        """Counts one inquiry about the token's person. Does nothing for a merchant token. Never call it within a unit
        of work. Raises RateLimitReached (TOO_MANY_INQUIRIES), and SharedStateDown if it cannot be counted."""
        if principal.consent is None:
            return
        try:
            self._rate_limiter.hit(self._limit, principal.partner_id, principal.consent.user_id)
        except TooManyAttempts as full:
            raise RateLimitReached(
                "TOO_MANY_INQUIRIES",
                f"Too many inquiries about this person. Ask again in {full.retry_after} seconds.",
                timedelta(seconds=full.retry_after),
            ) from None
