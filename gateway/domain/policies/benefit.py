"""What an approval grants beside an amount: a rate, a length of time, a convenience. A policy declares its own."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

Benefit = Decimal | timedelta | bool
MOST = Decimal(1000)
"""Above every number that a benefit may be: percentage points, months, times."""


class BenefitKind(StrEnum):
    """NUMBER: a Decimal from 0 up to 1000 with at most two decimals. DURATION: a timedelta above zero. FLAG: a bool.

    Of each kind more is better for the person: a later day, a larger discount, a convenience granted.
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
                raise ValueError("needs a duration longer than nothing")
        case BenefitKind.FLAG:
            if type(value) is not bool:
                raise ValueError("needs true or false")
