"""Step-up: consents so large that a person must have signed in just now (RFC 9470 has the idea and the word)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.kit.clock import WallTime


@dataclass(frozen=True, slots=True)
class StepUp:
    """`limits` holds, by currency, the amount up to which any live login will do; `life` is how long one is fresh."""

    limits: dict[str, Money]
    life: timedelta

    @classmethod
    def parse(cls, amounts: str, life: timedelta) -> "StepUp":
        """From text such as "60000.00 CNY, 8000.00 EUR"; an empty one lets nothing pass. Raises InvalidInput for
        anything else, and for a currency that comes twice."""
        limits: dict[str, Money] = {}
        for item in filter(None, map(str.strip, amounts.split(","))):
            amount, _, currency = item.partition(" ")
            money = Money.parse(amount, currency.strip())
            if money.currency in limits:
                raise InvalidInput("INVALID", f"{money.currency} comes twice.")
            limits[money.currency] = money
        return cls(limits, life)

    def exceeded_by(self, details: Iterable[AuthorizationDetail]) -> bool:
        """True when the decision details, added up, exceed what is limits in one currency, when one has no maximum, and
        when one is in a currency that is not listed. Looking at a score never does."""
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
        """True when these details need a login that is fresher than this one."""
        fresh = authenticated_at is not None and now < authenticated_at + self.life
        return not fresh and self.exceeded_by(details)
