"""The inquiry budget: threshold inquiries, previews and requests about one person by one merchant are counted together,
so that nobody finds a score by inquiring again and again."""

from datetime import timedelta

from gateway.domain.errors import LimitReached, Unavailable
from gateway.domain.identity.principal import Principal
from gateway.kit.limits import Limit, Limits, TooManyAttempts
from gateway.kit.valkey import SharedStateDown

HOUR = timedelta(hours=1)


class InquiryBudget:
    """`per_hour` inquiries within any hour of wall time."""

    def __init__(self, limits: Limits, per_hour: int) -> None:
        self._limits, self._limit = limits, Limit("inquiries", per_hour, HOUR)

    def count(self, principal: Principal) -> None:
        """Counts one inquiry about the token's person; a merchant token has none. Never within a unit of work. Raises
        LimitReached (TOO_MANY_INQUIRIES), and Unavailable where inquiries cannot be counted."""
        if principal.consent is None:
            return
        try:
            self._limits.hit(self._limit, principal.merchant_id, principal.consent.user_id)
        except TooManyAttempts as full:
            raise LimitReached(
                "TOO_MANY_INQUIRIES",
                f"Too many inquiries about this person. Ask again in {full.retry_after} seconds.",
                timedelta(seconds=full.retry_after),
            ) from None
        except SharedStateDown:
            raise Unavailable("SCORE_UNAVAILABLE", "Inquiries cannot be counted now. Try again.") from None
