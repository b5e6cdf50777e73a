"""What a merchant can ask for (schema: DecisionProduct)."""

from enum import StrEnum


class Product(StrEnum):
    DEPOSIT_WAIVER = "DEPOSIT_WAIVER"
    PAY_LATER = "PAY_LATER"
    EXPRESS_CHECK_IN = "EXPRESS_CHECK_IN"
    CREDIT_OFFER = "CREDIT_OFFER"
