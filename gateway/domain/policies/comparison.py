"""Comparison of a recorded policy result with the result of another policy, for one request and summed up."""

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
    """The result of one request under one policy, before the credit limit is applied. Unless it is an approval,
    `exposed` is zero and `benefits` is empty."""

    status: Status
    exposed: Money
    rule_id: str
    reasons: tuple[str, ...]
    benefits: Mapping[str, Benefit]

    @classmethod
    def of(cls, outcome: Outcome, rule_id: str, benefits: Mapping[str, Benefit], currency: str) -> "ComparedResult":
        """Returns the result of an outcome. Raises ValueError for an amount that is not in `currency`."""
        if not isinstance(outcome, Approval):
            return cls(first_status(outcome), Money.zero(currency), rule_id, outcome.reasons, {})
        return cls(
            first_status(outcome), outcome.terms.exposed + Money.zero(currency), rule_id, outcome.reasons, benefits
        )

    def differs(self, other: "ComparedResult") -> bool:
        """Whether the results differ in more than the rule id."""
        mine, others = ((a.status, a.exposed, a.reasons, a.benefits) for a in (self, other))
        return mine != others


@dataclass(frozen=True, slots=True)
class ResultComparison:
    """One request with its recorded result (`before`) and the result of the other policy (`after`)."""

    decision_id: str
    tier: Tier
    before: ComparedResult
    after: ComparedResult

    @property
    def changed(self) -> bool:
        return self.before.differs(self.after)


class SkipReason(StrEnum):
    """Why a request is not compared. SEALED: the person's key is destroyed. UNREADABLE: the adapter or the policy can
    no longer read it. FAILED: the shadow policy raised an error. OVERRIDDEN: the merchant's override does not fit the
    other policy."""

    SEALED = "SEALED"
    UNREADABLE = "UNREADABLE"
    FAILED = "FAILED"
    OVERRIDDEN = "OVERRIDDEN"


@dataclass(frozen=True, slots=True)
class Group:
    """Changed requests of one tier with the same two statuses. The amounts are sums."""

    tier: Tier
    before: Status
    after: Status
    count: int
    exposed_before: Money
    exposed_after: Money


@dataclass
class ComparisonCounts:
    """Counts compared, changed and skipped requests."""

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
        group = self._groups.get(key, Group(*key, 0, zero, zero))
        self._groups[key] = Group(
            *key, group.count + 1, group.exposed_before + before.exposed, group.exposed_after + after.exposed
        )

    @property
    def changed(self) -> int:
        return sum(group.count for group in self._groups.values())

    def groups(self) -> Iterator[Group]:
        """Yields the groups by tier, lowest first, then by the statuses before and after."""
        order = list(Status)
        yield from sorted(
            self._groups.values(), key=lambda each: (each.tier.rank, order.index(each.before), order.index(each.after))
        )
