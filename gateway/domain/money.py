"""Money as a whole number of minor units and an ISO 4217 code. Amounts are never floats, and currencies never mix."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.currency import EXPONENTS, exponent_of
from gateway.domain.errors import InvalidInput

MAX_MINOR = 10**12
"""The largest amount, in minor units, that a caller may send: ten billion yuan."""

_MAX_LENGTH = 32  # long enough for MAX_MINOR, short enough that int() stays fast
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of `minor` units (fen, cents, yen) of `currency`. Differences may be negative, input may not.

    Raises ValueError for an unknown currency, and for arithmetic or comparison across currencies.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    @classmethod
    def parse(cls, amount: str, currency: str) -> "Money":
        """Parses a plain decimal string, such as "3000.00".

        Raises InvalidInput: UNSUPPORTED_CURRENCY at ("currency",), INVALID_AMOUNT at ("amount",).
        """
        minor = _minor_units(amount, exponent_of(currency))
        if minor < 0:
            raise _invalid_amount("amount must not be negative")
        if minor > MAX_MINOR:
            raise _invalid_amount("amount is too large")
        return cls(minor, currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> "Money":
        """Reads money from its document, including negative and very large amounts. Raises InvalidInput as `parse`."""
        return cls(_minor_units(document["amount"], exponent_of(document["currency"])), document["currency"])

    def document(self) -> dict[str, str]:
        """Returns {"amount": "3000.00", "currency": "CNY"}; `from_document` reads it."""
        return {"amount": self.amount, "currency": self.currency}

    @property
    def amount(self) -> str:
        """The amount as a decimal string with all decimals of the currency: "3000.00" for CNY, "500" for JPY."""
        exponent = EXPONENTS[self.currency]
        if not exponent:
            return str(self.minor)
        whole, fraction = divmod(abs(self.minor), 10**exponent)
        return f"{'-' if self.minor < 0 else ''}{whole}.{fraction:0{exponent}d}"

    def share(self, percent: int) -> "Money":
        """Returns `percent` of this amount, rounded down to whole minor units. Raises ValueError outside 0-100."""
        if not 0 <= percent <= 100:
            raise ValueError(f"a share is 0 to 100 percent, not {percent}")
        return Money(self.minor * percent // 100, self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def _minor_of(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def _minor_units(amount: object, exponent: int) -> int:
    match = _DECIMAL.fullmatch(amount) if isinstance(amount, str) and len(amount) <= _MAX_LENGTH else None
    if match is None:
        raise _invalid_amount('amount must be a plain decimal string, such as "3000.00"')
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > exponent:
        raise _invalid_amount(f"amount may have at most {exponent} decimals in this currency")
    minor = int(whole + fraction.ljust(exponent, "0"))
    return -minor if sign else minor


def _invalid_amount(message: str) -> InvalidInput:
    return InvalidInput("INVALID_AMOUNT", message, ("amount",))
