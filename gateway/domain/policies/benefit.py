"""Benefits: what an approval grants besides an amount, such as a rate or a longer term. Each policy declares its
own."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

Benefit = Decimal | timedelta | bool
MOST = Decimal(1000)
"""The exclusive upper bound of a benefit of the kind NUMBER."""


class BenefitKind(StrEnum):
    """NUMBER: a Decimal from 0 up to 1000 with at most two decimals. DURATION: a timedelta above zero. FLAG: a bool.

    A higher value is always better for the person: a larger discount, a longer term, a flag that is true.
    """

    NUMBER = "NUMBER"
    DURATION = "DURATION"
    FLAG = "FLAG"


def require_benefit(value: object, kind: BenefitKind) -> None:
    """Raises ValueError for a value that is not of the kind."""
    match kind:
        case BenefitKind.NUMBER:
            if type(value) is not Decimal or not value.is_finite() or not 0 <= value < MOST or value != round(value, 2):
                raise ValueError("needs a number from 0 up to 1000, with at most two decimals")
        case BenefitKind.DURATION:
            if type(value) is not timedelta or value <= timedelta(0):
                raise ValueError("needs a duration longer than zero")
        case BenefitKind.FLAG:
            if type(value) is not bool:
                raise ValueError("needs true or false")
