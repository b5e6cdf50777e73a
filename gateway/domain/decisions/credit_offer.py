"""The terms of a credit offer: a limit for a fixed time, and a discount on the lender's base rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.domain.duration import format_duration, parse_duration, require_grace
from gateway.domain.money import Money
from gateway.domain.period import format_moment, parse_moment


@dataclass(frozen=True, slots=True)
class CreditOfferTerms:
    """A credit of up to `limit` for `term`, repaid by `due_at` (UTC). Rates are yearly, in percent.

    The base rate is the lender's; the discount is in percentage points. Raises ValueError unless
    apr = base - discount, no rate is negative, and the limit and the term are above zero.
    """

    limit: Money
    base_apr_percent: Decimal
    apr_percent: Decimal
    discount_percent: Decimal
    term: timedelta
    due_at: datetime
    grace_period: timedelta

    def __post_init__(self) -> None:
        rates = (self.base_apr_percent, self.apr_percent, self.discount_percent)
        if not all(rate.is_finite() and rate >= 0 for rate in rates):
            raise ValueError("a rate must not be negative")
        if self.apr_percent != self.base_apr_percent - self.discount_percent:
            raise ValueError("the rate must be the base rate less the discount")
        if self.limit.minor <= 0:
            raise ValueError("the limit must be more than zero")
        if self.term <= timedelta(0):
            raise ValueError("the term must be longer than zero")
        require_grace(self.grace_period)

    @property
    def exposed(self) -> Money:
        """The amount at risk: the whole limit, drawn or not."""
        return self.limit

    @property
    def grace(self) -> timedelta:
        """How long after `due_at` the obligation is not yet overdue."""
        return self.grace_period

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `from_document` reads it."""
        return {
            "kind": "CREDIT_OFFER",
            "limit": self.limit.document(),
            "base_apr_percent": format(self.base_apr_percent, "f"),
            "apr_percent": format(self.apr_percent, "f"),
            "discount_percent": format(self.discount_percent, "f"),
            "term": format_duration(self.term),
            "due_at": format_moment(self.due_at),
            "grace_period": format_duration(self.grace_period),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CreditOfferTerms":
        """Reads the terms from their document."""
        return cls(
            limit=Money.from_document(document["limit"]),
            base_apr_percent=Decimal(document["base_apr_percent"]),
            apr_percent=Decimal(document["apr_percent"]),
            discount_percent=Decimal(document["discount_percent"]),
            term=parse_duration(document["term"]),
            due_at=parse_moment(document["due_at"]),
            grace_period=parse_duration(document["grace_period"]),
        )
