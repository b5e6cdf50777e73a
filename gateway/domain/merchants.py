"""Merchants: their products, contracts and points of sale."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier


class Product(StrEnum):
    """What a merchant can request a decision for (schema: DecisionProduct)."""

    DEPOSIT_WAIVER = "DEPOSIT_WAIVER"
    PAY_LATER = "PAY_LATER"
    EXPRESS_CHECK_IN = "EXPRESS_CHECK_IN"
    CREDIT_OFFER = "CREDIT_OFFER"


@dataclass(frozen=True, slots=True)
class Contract:
    """A merchant's contract with the operator. `askable_tiers` are the tiers allowed in threshold inquiries. `ceiling`
    is the largest maximum amount of one consent, and `consent_life` its longest duration."""

    askable_tiers: frozenset[Tier]
    ceiling: Money
    consent_life: timedelta


@dataclass(frozen=True, slots=True)
class PointOfSale:
    """One terminal of one store, with the merchant's own identifiers."""

    store_id: str
    terminal_id: str
