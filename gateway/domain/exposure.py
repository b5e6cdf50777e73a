"""Lines of trust: how much all open promises of one person together may come to, by tier and currency."""

from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.tier import Tier

LIMIT_REACHED = "EXPOSURE_LIMIT_REACHED"
"""The reason for a decline or a smaller part for want of room."""
STEPS = 10
"""In how many steps a line is told to those who ask."""


def room(line: Money, here: Money, elsewhere: Money) -> Money:
    """What of a line can still be promised to one merchant, which holds `here` itself. What the person has promised
    `elsewhere` is rounded up to tenths of the line: however often a merchant asks, and for whatever amounts, its
    answers do not say more of that."""
    step = max(-(-line.minor // STEPS), 1)
    taken = here.minor + -(-elsewhere.minor // step) * step
    return Money(max(line.minor - taken, 0), line.currency)


@dataclass(frozen=True, slots=True)
class Lines:
    """`by_tier` holds each line by tier and currency."""

    by_tier: dict[tuple[Tier, str], Money]

    @classmethod
    def parse(cls, text: str) -> "Lines":
        """From text such as "GOOD 8000.00 CNY, EXCELLENT 30000.00 CNY". Raises InvalidInput for anything else, for a
        line that comes twice, and for one that is lower than a lower tier's."""
        by_tier: dict[tuple[Tier, str], Money] = {}
        for item in filter(None, map(str.strip, text.split(","))):
            words = item.split()
            if len(words) != 3 or words[0] not in Tier.__members__:
                raise InvalidInput("INVALID", "A line is written as a tier and an amount, GOOD 8000.00 CNY.")
            tier, line = Tier(words[0]), Money.parse(words[1], words[2])
            if (tier, line.currency) in by_tier:
                raise InvalidInput("INVALID", f"{tier} comes twice in {line.currency}.")
            by_tier[tier, line.currency] = line
        lines = cls(by_tier)
        for tier, currency in by_tier:
            if any(
                lines.line(tier, currency) < lines.line(lower, currency) for lower in Tier if lower.rank < tier.rank
            ):
                raise InvalidInput("INVALID", f"The line of {tier} is lower than that of a lower tier.")
        return lines

    def line(self, tier: Tier, currency: str) -> Money:
        """The line of a tier, that of the next lower one where it has none of its own; nothing where there is none."""
        lower = (self.by_tier.get((each, currency)) for each in reversed(Tier) if each.rank <= tier.rank)
        return next((line for line in lower if line is not None), Money.zero(currency))
