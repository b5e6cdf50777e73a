"""The terms of a stay in a hotel: what of the deposit is waived, and what a guest may leave until check-out."""

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

    `incidentals_limit` is what may be put on the room without a deposit behind it: the waived part would have secured
    it, so it lies within `waived_amount` and is not counted a second time. `room_charge`, the price of the whole stay,
    is trusted too where `pay_at_check_out` leaves it until the guest goes. `skip_front_desk`: straight to the room,
    which needs that nothing is to be paid on arrival. Raises ValueError for what breaks any of this, for two
    currencies, and for a negative amount or grace.
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
            raise ValueError("no amount of a stay is negative")
        if len({part.currency for part in parts}) > 1:
            raise ValueError("the amounts of a stay do not mix currencies")
        if not self.incidentals_limit <= self.waived_amount:
            raise ValueError("incidentals are trusted up to the waived part of the deposit")
        if self.skip_front_desk and (self.deposit_due.minor or not self.pay_at_check_out):
            raise ValueError("a guest with something to pay on arrival cannot skip the front desk")
        require_grace(self.grace_period)

    @property
    def exposed(self) -> Money:
        """What somebody is trusted with: the waived part of the deposit and, if it waits, the price of the stay."""
        return self.waived_amount + self.room_charge if self.pay_at_check_out else self.waived_amount

    @property
    def due_at(self) -> datetime:
        """The last date before grace: check-out."""
        return self.stay.end

    @property
    def grace(self) -> timedelta:
        """How long past `due_at` it does not count as overdue."""
        return self.grace_period

    def document(self) -> dict[str, Any]:
        """A JSON-safe form; `from_document` reads it back."""
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
        """Reads what `document` wrote."""
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
