"""A merchant's contract with the operator: what it may ask about, and how far a consent to it may go."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.money import Money
from gateway.domain.tier import Tier


@dataclass(frozen=True, slots=True)
class Contract:
    """`askable_tiers` may be named in threshold questions; `ceiling` and `consent_life` bound every consent."""

    askable_tiers: frozenset[Tier]
    ceiling: Money
    consent_life: timedelta
