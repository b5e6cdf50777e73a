"""A merchant's own numbers within a policy, and the bounds that the operator sets to them.

An override moves what those rules give that approve: share, maximum, benefits. Whom a policy approves, declines or
refers stays the policy's, and so does the order of its rules.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest
from typing import Any

from gateway.domain.decisions.reason import REASONS
from gateway.domain.money import Money
from gateway.domain.policies.benefit import Benefit
from gateway.domain.policies.description import format_value
from gateway.domain.policies.rule import Rule, Verdict
from gateway.domain.policies.table import DecisionTable, fault

_PART = "REDUCED_FOR_TIER"
"""What an override may always say of a part, beside what the policy's own approvals say."""
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a merchant gives by one rule that approves. None, an empty tuple and a missing benefit leave what the policy
    says. `reasons` are needed where a rule that gave all now gives a part: the person reads them."""

    share: int | None = None
    maximum: Money | None = None
    benefits: Mapping[str, Benefit] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def overridden_values(self) -> dict[str, Any]:
        """What the operator bounds, by its name in a policy file."""
        numbers = {"share": self.share, "maximum": self.maximum}
        return {name: value for name, value in numbers.items() if value is not None} | dict(self.benefits)

    def apply_to(self, rule: Rule) -> Rule:
        return replace(
            rule,
            share=rule.share if self.share is None else self.share,
            maximum=rule.maximum if self.maximum is None else self.maximum,
            benefits={**rule.benefits, **self.benefits},
            reasons=self.reasons or rule.reasons,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyOverride:
    """One version of a merchant's override: `changes` by the id of the rule; without any it is the policy as it stands,
    which is how an override ends. `source` is what messages call it. Raises Misconfigured for a version that is no
    word of at most 50 letters, digits and ._- or an effective date that is none."""

    policy: str
    version: str
    effective: date
    changes: Mapping[str, Change]
    source: str

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise fault(self.source, "version is a word of at most 50 letters, digits and the signs ._-")
        if type(self.effective) is not date:
            raise fault(self.source, "effective must be a date, such as 2026-11-01")

    def apply_to(self, table: DecisionTable) -> DecisionTable:
        """The policy as the merchant gives it. Its version names both, its hash is that of the whole. Raises
        Misconfigured for a rule that is not there or does not approve, and for numbers that no policy may have."""
        self._require_fits(table)
        if not self.changes:
            return table
        return DecisionTable(
            policy=table.policy,
            version=f"{table.version}+{self.version}",
            effective=max(table.effective, self.effective),
            currency=table.currency,
            columns=table.columns,
            benefits=table.benefits,
            rules=[self.changes[rule.id].apply_to(rule) if rule.id in self.changes else rule for rule in table.rules],
            source=self.source,
        )

    def _require_fits(self, table: DecisionTable) -> None:
        if self.policy != table.policy:
            raise fault(self.source, f"overrides the policy {self.policy!r}, not {table.policy!r}")
        verdicts = {rule.id: rule.verdict for rule in table.rules}
        said = {_PART}.union(*(rule.reasons for rule in table.rules if rule.verdict is Verdict.APPROVE))
        for rule_id in self.changes:
            if rule_id not in verdicts:
                raise fault(self.source, f"{table.policy} {table.version} has no such rule", rule_id)
            if verdicts[rule_id] is not Verdict.APPROVE:
                raise fault(self.source, "only what a rule approves can be overridden", rule_id)
            for code in self.changes[rule_id].reasons:
                if code in REASONS and code not in said:  # an unknown one the table refuses
                    why = f"{code} is no reason for a part: {', '.join(sorted(said))}"
                    raise fault(self.source, why, rule_id)


@dataclass(frozen=True, slots=True)
class Range:
    """From `at_least` to `at_most`, both included; None is no end. Both are of the kind that they bound."""

    at_least: Any = None
    at_most: Any = None

    def holds(self, value: Any) -> bool:
        above = self.at_least is None or bool(self.at_least <= value)
        return above and (self.at_most is None or bool(value <= self.at_most))

    def __str__(self) -> str:
        ends = {"at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{end} {format_value(value)}" for end, value in ends.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyBounds:
    """What one merchant may override in one policy: a range for each name ("share", "maximum", a benefit) of each rule.
    What is not named cannot be overridden."""

    policy: str
    ranges: Mapping[str, Mapping[str, Range]]
    source: str

    def require(self, override: PolicyOverride) -> None:
        """Raises Misconfigured, naming file and rule, for an override that leaves the bounds."""
        for rule_id, change in override.changes.items():
            allowed = self.ranges.get(rule_id, {})
            if change.reasons and change.share is None:
                raise fault(override.source, "reasons belong to a share that is overridden", rule_id)
            for name, value in change.overridden_values.items():
                if name not in allowed:
                    raise fault(override.source, f"the operator lets this merchant override no {name}", rule_id)
                if not allowed[name].holds(value):
                    what = f"{name} {format_value(value)} is out of the operator's bounds: {allowed[name]}"
                    raise fault(override.source, what, rule_id)


def effective_periods(days: Sequence[date], today: date) -> Iterator[tuple[int, date, date | None]]:
    """Of versions that are effective from these days, in the order in which they were registered: the index of each
    that counts on `today` or later, its first such day, and the day on which another takes over (None: none does). Of
    those whose day has come the newest counts; of one day, the one registered last."""
    order = sorted(range(len(days)), key=lambda index: (days[index], index))
    for index, following in zip_longest(order, order[1:]):
        first, end = max(days[index], today), None if following is None else days[following]
        if end is None or first < end:
            yield index, first, end
