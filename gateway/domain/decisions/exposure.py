"""Credit limits: the largest total exposure of one person, by tier and currency."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

LIMIT_REACHED = "EXPOSURE_LIMIT_REACHED"
"""The reason for a decline or a reduced approval if the available limit is too small."""
STEPS = (1, 2, 5, 10, 20, 50, 100)
"""The steps, in per cent of the credit limit, to which the exposure at each other merchant is rounded up."""


def rounded_exposure(limit: Money, exposure: Money) -> Money:
    """Returns the exposure at one other merchant, rounded up to a step of the credit limit: 1, 2, 5, 10, 20, 50 or 100
    per cent. No exposure is zero, more than the limit is the limit."""
    steps = (-(-limit.minor * percent // 100) for percent in STEPS)
    return Money(
        next((step for step in steps if step >= exposure.minor), limit.minor) if exposure.minor else 0, limit.currency
    )


def available_limit(limit: Money, here: Money, elsewhere: Iterable[Money]) -> Money:
    """Returns the part of a credit limit that one merchant can still use. `here` is the exposure at this merchant.
    `elsewhere` has the exposure at each other merchant. Each is rounded up on its own, so that a merchant that changes
    its own exposure changes its own term only, and another merchant cannot measure the remaining terms with it."""
    used = here.minor + sum(rounded_exposure(limit, exposure).minor for exposure in elsewhere)
    return Money(max(limit.minor - used, 0), limit.currency)


@dataclass(frozen=True, slots=True)
class CreditLimits:
    """The credit limits of a deployment by tier and currency."""

    by_tier: dict[tuple[Tier, str], Money]

    @classmethod
    def parse(cls, text: str) -> "CreditLimits":
        """Parses text such as "GOOD 8000.00 CNY, EXCELLENT 30000.00 CNY". Raises InvalidInput for any other text, for a
        repeated limit, and for a limit below that of a lower tier."""
        by_tier: dict[tuple[Tier, str], Money] = {}
        for item in filter(None, map(str.strip, text.split(","))):
            words = item.split()
            if len(words) != 3 or words[0] not in Tier.__members__:
                raise InvalidInput("INVALID", "A credit limit is written as a tier and an amount, GOOD 8000.00 CNY.")
            tier, limit = Tier(words[0]), Money.parse(words[1], words[2])
            if (tier, limit.currency) in by_tier:
                raise InvalidInput("INVALID", f"{tier} has two limits in {limit.currency}.")
            by_tier[tier, limit.currency] = limit
        limits = cls(by_tier)
        for tier, currency in by_tier:
            if any(
                limits.limit(tier, currency) < limits.limit(lower, currency) for lower in Tier if lower.rank < tier.rank
            ):
                raise InvalidInput("INVALID", f"The credit limit of {tier} is lower than that of a lower tier.")
        return limits

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which a tier has a limit, in their order."""
        return tuple(dict.fromkeys(currency for _, currency in self.by_tier))

    def limit(self, tier: Tier, currency: str) -> Money:
        """Returns the credit limit of a tier. A tier without a limit has that of the next lower tier, or zero if there
        is none."""
        lower = (self.by_tier.get((each, currency)) for each in reversed(Tier) if each.rank <= tier.rank)
        return next((limit for limit in lower if limit is not None), Money.zero(currency))
