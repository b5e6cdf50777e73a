"""The settlement of an obligation: amounts and dates, and the windows for breaches and disputes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.json_members import member
from gateway.domain.money import Money

CLAIM_SILENCE = timedelta(days=7)
"""How long a merchant may contradict a person's claim. Then the claim is accepted."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is owed under a decision. `due` is the amount to be paid, the waived deposit or the credit. `outstanding` is
    `due` less `settled`, and zero if the decision was cancelled or has expired. `due_at` is the due date (UTC).
    `overdue` means that the due date and its grace have passed and the overdue flag counts."""

    due: Money = field(metadata=member("Amount to be paid, waived deposit, or credit."))
    settled: Money = field(metadata=member("Part of the due amount that is settled."))
    outstanding: Money = field(
        metadata=member(
            "Part of the due amount that is not settled. Zero if the decision was cancelled or has expired."
        )
    )
    due_at: datetime | None = field(metadata=member("Due date, without the grace period."))
    overdue: bool = field(metadata=member("Whether the overdue flag counts."))


@dataclass(frozen=True, slots=True)
class Windows:
    """Time limits, frozen with the terms. `report`: how long a breach may be reported after the overdue flag is set;
    then the flag expires. `contest`: how long the person may contest a breach before it counts. `respond`: how long the
    merchant may respond to a dispute. `write_off`: how long a breach uses its exposure. Raises ValueError unless all
    are longer than zero."""

    report: timedelta = timedelta(days=14)
    contest: timedelta = timedelta(days=14)
    respond: timedelta = timedelta(days=7)
    write_off: timedelta = timedelta(days=365)

    def __post_init__(self) -> None:
        if min(self.report, self.contest, self.respond, self.write_off) <= timedelta(0):
            raise ValueError("a window must be longer than zero")

    def document(self) -> dict[str, str]:
        """Returns a JSON-safe document; `from_document` reads it."""
        return {name: format_duration(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Windows":
        """Reads the windows from their document. Absent windows have their default."""
        return _windows(tuple((document or {}).items()))


@lru_cache(maxsize=128)
def _windows(lengths: tuple[tuple[str, str], ...]) -> Windows:
    return Windows(**{name: parse_duration(text) for name, text in lengths})
