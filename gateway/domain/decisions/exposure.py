"""Credit limits: how much exposure one person may have in all, by tier and currency."""

from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

LIMIT_REACHED = "EXPOSURE_LIMIT_REACHED"
"""The reason for a decline, or for a smaller part, where the available limit is too small."""
STEPS = 10
"""In how many steps a merchant learns of the exposure at other merchants."""


def available_limit(limit: Money, here: Money, elsewhere: Money) -> Money:
    """The part of a credit limit that one merchant can still use, whose own exposure is `here`. The exposure
    `elsewhere` is rounded up to tenths of the limit: however often a merchant asks, and for whatever amounts, its
    answers do not say more of it."""
    step = max(-(-limit.minor // STEPS), 1)
    used = here.minor + -(-elsewhere.minor // step) * step
    return Money(max(limit.minor - used, 0), limit.currency)


@dataclass(frozen=True, slots=True)
class CreditLimits:
    """`by_tier` holds each credit limit by tier and currency."""

    by_tier: dict[tuple[Tier, str], Money]

    @classmethod
    def parse(cls, text: str) -> "CreditLimits":
        """From text such as "GOOD 8000.00 CNY, EXCELLENT 30000.00 CNY". Raises InvalidInput for anything else, for a
        limit that comes twice, and for one that is lower than a lower tier's."""
        by_tier: dict[tuple[Tier, str], Money] = {}
        for item in filter(None, map(str.strip, text.split(","))):
            words = item.split()
            if len(words) != 3 or words[0] not in Tier.__members__:
                raise InvalidInput("INVALID", "A credit limit is written as a tier and an amount, GOOD 8000.00 CNY.")
            tier, limit = Tier(words[0]), Money.parse(words[1], words[2])
            if (tier, limit.currency) in by_tier:
                raise InvalidInput("INVALID", f"{tier} comes twice in {limit.currency}.")
            by_tier[tier, limit.currency] = limit
        limits = cls(by_tier)
        for tier, currency in by_tier:
            if any(
                limits.limit(tier, currency) < limits.limit(lower, currency) for lower in Tier if lower.rank < tier.rank
            ):
                raise InvalidInput("INVALID", f"The credit limit of {tier} is lower than that of a lower tier.")
        return limits

    def limit(self, tier: Tier, currency: str) -> Money:
        """The credit limit of a tier; that of the next lower one where it has none of its own; zero where there is
        none."""
        lower = (self.by_tier.get((each, currency)) for each in reversed(Tier) if each.rank <= tier.rank)
        return next((limit for limit in lower if limit is not None), Money.zero(currency))
