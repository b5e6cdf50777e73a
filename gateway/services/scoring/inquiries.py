"""The inquiry budget: counts threshold inquiries, previews and requests of one merchant about one person together, so
that a merchant cannot find out a score by repeated inquiries."""

from datetime import timedelta

from gateway.domain.errors import RateLimitReached
from gateway.domain.identity.principal import Principal
from gateway.kit.limits import RateLimit, RateLimiter, TooManyAttempts

HOUR = timedelta(hours=1)


class InquiryBudget:
    """Allows `per_hour` inquiries of a merchant about a person within any hour of wall time."""

    def __init__(self, rate_limiter: RateLimiter, per_hour: int) -> None:
        self._rate_limiter, self._limit = rate_limiter, RateLimit("inquiries", per_hour, HOUR)

    def count(self, principal: Principal) -> None:
        """Counts one inquiry about the token's person. Does nothing for a merchant token. Never call it within a unit
        of work. Raises RateLimitReached (TOO_MANY_INQUIRIES), and SharedStateDown if it cannot be counted."""
        if principal.consent is None:
            return
        try:
            self._rate_limiter.hit(self._limit, principal.merchant_id, principal.consent.user_id)
        except TooManyAttempts as full:
            raise RateLimitReached(
                "TOO_MANY_INQUIRIES",
                f"Too many inquiries about this person. Ask again in {full.retry_after} seconds.",
                timedelta(seconds=full.retry_after),
            ) from None
