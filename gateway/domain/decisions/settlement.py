"""The money and time side of a promise, and the windows within which it can be questioned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.money import Money


@dataclass(frozen=True, slots=True)
class Settlement:
    """`due` is what the person answers for: the amount to be paid, the waived deposit, the limit. `outstanding` is what
    is left of it, zero where nothing came of the promise: it was cancelled or has expired. `due_at` is the last date
    (UTC). `overdue` means that it has passed, with its grace, and counts."""

    due: Money
    settled: Money
    outstanding: Money
    due_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Windows:
    """How long things may take, frozen with the terms. `report`: a breach may be reported after the overdue mark, which
    lapses otherwise. `contest`: the person may contest a breach before it counts. `respond`: the merchant may answer a
    dispute. `write_off`: a breach holds its exposure. Raises ValueError unless all are longer than nothing."""

    report: timedelta = timedelta(days=14)
    contest: timedelta = timedelta(days=14)
    respond: timedelta = timedelta(days=7)
    write_off: timedelta = timedelta(days=365)

    def __post_init__(self) -> None:
        if min(self.report, self.contest, self.respond, self.write_off) <= timedelta(0):
            raise ValueError("a window is longer than nothing")

    def document(self) -> dict[str, str]:
        """A JSON-safe form; `from_document` reads it back."""
        return {name: format_duration(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Windows":
        """The windows that `document` wrote; the usual ones where there are none."""
        return _windows(tuple((document or {}).items()))


@lru_cache(maxsize=128)
def _windows(lengths: tuple[tuple[str, str], ...]) -> Windows:
    return Windows(**{name: parse_duration(text) for name, text in lengths})
