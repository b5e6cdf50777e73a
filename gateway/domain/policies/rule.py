"""One row of a decision table: its tests, its result, and its canonical form for the hash."""

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
    """The verdict of a rule: APPROVE (its share, up to its maximum), DECLINE, or REFER to manual review."""

    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    REFER = "REFER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of a decision table. `share` (1 to 100 percent), `maximum` and `benefits` belong to an approval,
    `retry_after` and `alternatives` to a decline. An empty `when` always matches."""

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
        """Returns all parts of the rule in a fixed form, over which the hash of the policy is computed."""
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
    """Returns a value of a cell or an outcome in its JSON form."""
    if isinstance(value, Money):
        return value.document()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return [plain(each) for each in value] if isinstance(value, tuple) else value
