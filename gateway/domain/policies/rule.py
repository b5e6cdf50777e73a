"""One row of a decision table: what it tests, what it says, and the form in which it is hashed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gateway.domain.duration import format_duration
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import Benefit
from gateway.domain.policies.column import Cell


class Verdict(StrEnum):
    """What a rule says: APPROVE (its share, up to its maximum), DECLINE, or REFER to a person who decides."""

    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    REFER = "REFER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. `share` (1 to 100 percent), `maximum` and `benefits` belong to an approval, `retry_after` and
    `alternatives` to a decline; an empty `when` holds always."""

    id: str
    when: tuple[Cell, ...] = ()
    verdict: Verdict
    share: int | None = None
    maximum: Money | None = None
    benefits: Mapping[str, Benefit] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    retry_after: timedelta | None = None
    alternatives: tuple[Product, ...] = ()

    def document(self) -> dict[str, Any]:
        """Every part of the rule in a fixed form; the policy's hash is taken over it."""
        return {
            "id": self.id,
            "when": {cell.column: {name: plain(value) for name, value in cell.tests.items()} for cell in self.when},
            "verdict": self.verdict,
            "share": self.share,
            "maximum": plain(self.maximum),
            "benefits": {name: plain(value) for name, value in self.benefits.items()},
            "reasons": list(self.reasons),
            "retry_after": plain(self.retry_after),
            "alternatives": list(self.alternatives),
        }


def plain(value: Any) -> Any:
    """A value of a cell or of an outcome as JSON has it."""
    if isinstance(value, Money):
        return value.document()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return [plain(each) for each in value] if isinstance(value, tuple) else value
