"""The budget of questions: threshold questions, previews and requests about one person by one merchant draw on it, so
that nobody finds a score by asking again and again (design: no oracle)."""

from datetime import timedelta

from gateway.domain.errors import LimitReached, Unavailable
from gateway.domain.principal import Principal
from gateway.kit.limits import Limit, Limits, TooManyAttempts
from gateway.kit.valkey import SharedStateDown

HOUR = timedelta(hours=1)


class Questions:
    """`per_hour` questions within any hour of wall time."""

    def __init__(self, limits: Limits, per_hour: int) -> None:
        self._limits, self._limit = limits, Limit("questions", per_hour, HOUR)

    def ask(self, principal: Principal) -> None:
        """Counts one question about the token's person; a token of a merchant itself asks about nobody. Raises
        LimitReached (TOO_MANY_QUESTIONS), and Unavailable where questions cannot be counted: none goes uncounted."""
        if principal.consent is None:
            return
        try:
            self._limits.hit(self._limit, principal.merchant_id, principal.consent.user_id)
        except TooManyAttempts as full:
            raise LimitReached(
                "TOO_MANY_QUESTIONS",
                f"Too many questions about this person. Ask again in {full.retry_after} seconds.",
                timedelta(seconds=full.retry_after),
            ) from None
        except SharedStateDown:
            raise Unavailable("SCORE_UNAVAILABLE", "Questions cannot be counted now. Try again.") from None
