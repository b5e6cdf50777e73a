"""The terms of a hotel stay: the waived part of the deposit, and what the guest may pay at check-out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.duration import format_duration, parse_duration, require_grace
from gateway.domain.money import Money
from gateway.domain.period import Period


@dataclass(frozen=True, slots=True)
class CheckInTerms:
    """A stay with its deposit waived in full (`deposit_due` is zero) or in part.

    `incidentals_limit` is the amount of incidentals that the guest may charge to the room without a deposit. The waived
    part of the deposit would have secured it, so it is at most `waived_amount` and is not counted twice. `room_charge`
    is the price of the whole stay; it adds to the exposure if `pay_at_check_out`. `skip_front_desk` requires that
    nothing is paid on arrival. Raises ValueError if these rules are broken, the currencies differ, or an amount or the
    grace period is negative.
    """

    stay: Period
    room_charge: Money
    waived_amount: Money
    deposit_due: Money
    incidentals_limit: Money
    skip_front_desk: bool
    pay_at_check_out: bool
    grace_period: timedelta

    def __post_init__(self) -> None:
        parts = (self.room_charge, self.waived_amount, self.deposit_due, self.incidentals_limit)
        if any(part.minor < 0 for part in parts):
            raise ValueError("the amounts of a stay must not be negative")
        if len({part.currency for part in parts}) > 1:
            raise ValueError("the amounts of a stay must have one currency")
        if not self.incidentals_limit <= self.waived_amount:
            raise ValueError("incidentals_limit must not exceed the waived part of the deposit")
        if self.skip_front_desk and (self.deposit_due.minor or not self.pay_at_check_out):
            raise ValueError("a guest who pays on arrival cannot skip the front desk")
        require_grace(self.grace_period)

    @property
    def exposed(self) -> Money:
        """The amount at risk: the waived part of the deposit and, if paid at check-out, the price of the stay."""
        return self.waived_amount + self.room_charge if self.pay_at_check_out else self.waived_amount

    @property
    def due_at(self) -> datetime:
        """The due date, without grace: check-out."""
        return self.stay.end

    @property
    def grace(self) -> timedelta:
        """How long after `due_at` the obligation is not yet overdue."""
        return self.grace_period

    def document(self) -> dict[str, Any]:
        """Returns a JSON-safe document; `from_document` reads it."""
        return {
            "kind": "CHECK_IN",
            "stay": self.stay.document(),
            "room_charge": self.room_charge.document(),
            "waived_amount": self.waived_amount.document(),
            "deposit_due": self.deposit_due.document(),
            "incidentals_limit": self.incidentals_limit.document(),
            "skip_front_desk": self.skip_front_desk,
            "pay_at_check_out": self.pay_at_check_out,
            "grace_period": format_duration(self.grace_period),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CheckInTerms":
        """Reads the terms from their document."""
        return cls(
            stay=Period.from_document(document["stay"]),
            room_charge=Money.from_document(document["room_charge"]),
            waived_amount=Money.from_document(document["waived_amount"]),
            deposit_due=Money.from_document(document["deposit_due"]),
            incidentals_limit=Money.from_document(document["incidentals_limit"]),
            skip_front_desk=document["skip_front_desk"],
            pay_at_check_out=document["pay_at_check_out"],
            grace_period=parse_duration(document["grace_period"]),
        )
