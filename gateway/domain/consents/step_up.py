"""Step-up authentication (RFC 9470): large consents require a recent login."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.kit.clock import WallTime


@dataclass(frozen=True, slots=True)
class StepUp:
    """The step-up rule. `limits` holds by currency the largest amount that needs no recent login. A login is recent for
    `max_age`."""

    limits: dict[str, Money]
    max_age: timedelta

    @classmethod
    def parse(cls, amounts: str, max_age: timedelta) -> "StepUp":
        """Parses limits such as "60000.00 CNY, 8000.00 EUR". With an empty text every decision detail needs a recent
        login. Raises InvalidInput for any other text and for a repeated currency."""
        limits: dict[str, Money] = {}
        for item in filter(None, map(str.strip, amounts.split(","))):
            amount, _, currency = item.partition(" ")
            money = Money.parse(amount, currency.strip())
            if money.currency in limits:
                raise InvalidInput("INVALID", f"{money.currency} is listed twice.")
            limits[money.currency] = money
        return cls(limits, max_age)

    def exceeded_by(self, details: Iterable[AuthorizationDetail]) -> bool:
        """Whether the sum of the decision details exceeds the limit of a currency, or a decision detail has no maximum
        or a currency without a limit. Score details never exceed a limit."""
        total: dict[str, Money] = {}
        for detail in details:
            if detail.type != "decision":
                continue
            amount = detail.maximum_amount
            if amount is None or amount.currency not in self.limits:
                return True
            total[amount.currency] = total.get(amount.currency, Money.zero(amount.currency)) + amount
        return any(self.limits[currency] < amount for currency, amount in total.items())

    def required(
        self, details: Iterable[AuthorizationDetail], authenticated_at: WallTime | None, now: WallTime
    ) -> bool:
        """Whether these details need a more recent login than the one at `authenticated_at`."""
        is_recent = authenticated_at is not None and now < authenticated_at + self.max_age
        return not is_recent and self.exceeded_by(details)
