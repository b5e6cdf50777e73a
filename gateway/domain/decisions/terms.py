"""The terms of an approval, frozen when the decision is made.

All terms have the amount at risk (`exposed`), the due date without grace (`due_at`, UTC) and how long after it the
obligation is not yet overdue (`grace`). Every approval has a due date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.duration import format_duration, parse_duration, require_grace
from gateway.domain.money import Money
from gateway.domain.period import format_moment, parse_moment


@dataclass(frozen=True, slots=True)
class DepositTerms:
    """A deposit waived in full (`deposit_due` is zero) or in part. The rented thing is returned by `return_by` (UTC).

    Raises ValueError unless waived + due = original, in one currency, and no amount is negative.
    """

    original_deposit: Money
    waived_amount: Money
    deposit_due: Money
    return_by: datetime
    return_grace: timedelta

    def __post_init__(self) -> None:
        if self.waived_amount.minor < 0 or self.deposit_due.minor < 0:
            raise ValueError("the parts of a deposit must not be negative")
        if self.waived_amount + self.deposit_due != self.original_deposit:
            raise ValueError("waived and due must add up to the original deposit")
        require_grace(self.return_grace)

    @property
    def exposed(self) -> Money:
        """The amount at risk: the waived amount."""
        return self.waived_amount

    @property
    def due_at(self) -> datetime:
        """The due date, without grace: when the rented thing must be returned."""
        return self.return_by

    @property
    def grace(self) -> timedelta:
        """How long after `due_at` the obligation is not yet overdue."""
        return self.return_grace

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `from_document` reads it."""
        return {
            "kind": "DEPOSIT",
            "original_deposit": self.original_deposit.document(),
            "waived_amount": self.waived_amount.document(),
            "deposit_due": self.deposit_due.document(),
            "return_by": format_moment(self.return_by),
            "return_grace": format_duration(self.return_grace),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "DepositTerms":
        """Reads the terms from their document."""
        return cls(
            original_deposit=Money.from_document(document["original_deposit"]),
            waived_amount=Money.from_document(document["waived_amount"]),
            deposit_due=Money.from_document(document["deposit_due"]),
            return_by=parse_moment(document["return_by"]),
            return_grace=parse_duration(document["return_grace"]),
        )


@dataclass(frozen=True, slots=True)
class PayLaterTerms:
    """A purchase that is paid by `due_at` (UTC). Raises ValueError unless the amount is more than zero."""

    amount: Money
    due_at: datetime
    grace_period: timedelta

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("an amount to be paid later must be more than zero")
        require_grace(self.grace_period)

    @property
    def exposed(self) -> Money:
        """The amount at risk: the whole financed amount."""
        return self.amount

    @property
    def grace(self) -> timedelta:
        """How long after `due_at` the obligation is not yet overdue."""
        return self.grace_period

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `from_document` reads it."""
        return {
            "kind": "PAY_LATER",
            "amount": self.amount.document(),
            "due_at": format_moment(self.due_at),
            "grace_period": format_duration(self.grace_period),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "PayLaterTerms":
        """Reads the terms from their document."""
        return cls(
            amount=Money.from_document(document["amount"]),
            due_at=parse_moment(document["due_at"]),
            grace_period=parse_duration(document["grace_period"]),
        )


Terms = DepositTerms | PayLaterTerms | CheckInTerms | CreditOfferTerms


def terms_from_document(document: Mapping[str, Any]) -> Terms:
    """Reads terms from their document. Raises ValueError for an unknown kind."""
    match document["kind"]:
        case "DEPOSIT":
            return DepositTerms.from_document(document)
        case "PAY_LATER":
            return PayLaterTerms.from_document(document)
        case "CHECK_IN":
            return CheckInTerms.from_document(document)
        case "CREDIT_OFFER":
            return CreditOfferTerms.from_document(document)
        case kind:
            raise ValueError(f"unknown kind of terms {kind!r}")
