"""What another policy would have changed: one request compared, and many counted."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.decisions.outcome import Approval, Outcome
from gateway.domain.decisions.transitions import Status, first_status
from gateway.domain.money import Money
from gateway.domain.policies.benefit import Benefit
from gateway.domain.scoring.tier import Tier


@dataclass(frozen=True, slots=True)
class ComparedResult:
    """What one request was answered by a policy alone. Unless it was approved, `exposed` is zero and there are no
    `benefits`."""

    status: Status
    exposed: Money
    rule_id: str
    reasons: tuple[str, ...]
    benefits: Mapping[str, Benefit]

    @classmethod
    def of(cls, outcome: Outcome, rule_id: str, benefits: Mapping[str, Benefit], currency: str) -> "ComparedResult":
        """Raises ValueError for an amount that is not in `currency`."""
        if not isinstance(outcome, Approval):
            return cls(first_status(outcome), Money.zero(currency), rule_id, outcome.reasons, {})
        return cls(
            first_status(outcome), outcome.terms.exposed + Money.zero(currency), rule_id, outcome.reasons, benefits
        )

    def differs(self, other: "ComparedResult") -> bool:
        """Whether anybody could tell the two apart: a rule's name alone is no difference."""
        mine, others = ((a.status, a.exposed, a.reasons, a.benefits) for a in (self, other))
        return mine != others


@dataclass(frozen=True, slots=True)
class ResultComparison:
    """One request as it was answered, and as the other policy would have."""

    decision_id: str
    tier: Tier
    before: ComparedResult
    after: ComparedResult

    @property
    def changed(self) -> bool:
        return self.before.differs(self.after)


class SkipReason(StrEnum):
    """Why a request is not compared: the person's key is destroyed, adapter and policy cannot read it any more, the
    shadow policy failed at it, or the merchant's override does not fit the other policy."""

    SEALED = "SEALED"
    UNREADABLE = "UNREADABLE"
    FAILED = "FAILED"
    OVERRIDDEN = "OVERRIDDEN"


@dataclass(frozen=True, slots=True)
class Group:
    """Changed requests of one tier with the same two statuses; the amounts are sums."""

    tier: Tier
    before: Status
    after: Status
    count: int
    exposed_before: Money
    exposed_after: Money


@dataclass
class ComparisonCounts:
    """Counts what is compared."""

    compared: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    _groups: dict[tuple[Tier, Status, Status], Group] = field(default_factory=dict)

    def add(self, one: ResultComparison | SkipReason) -> None:
        if isinstance(one, SkipReason):
            self.skipped[one] += 1
            return
        self.compared += 1
        if not one.changed:
            return
        before, after = one.before, one.after
        key, zero = (one.tier, before.status, after.status), Money.zero(before.exposed.currency)
        held = self._groups.get(key, Group(*key, 0, zero, zero))
        self._groups[key] = Group(
            *key, held.count + 1, held.exposed_before + before.exposed, held.exposed_after + after.exposed
        )

    @property
    def changed(self) -> int:
        return sum(group.count for group in self._groups.values())

    def groups(self) -> Iterator[Group]:
        """By tier, the lowest first, then by the statuses before and after."""
        order = list(Status)
        yield from sorted(
            self._groups.values(), key=lambda each: (each.tier.rank, order.index(each.before), order.index(each.after))
        )
