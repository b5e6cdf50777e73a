"""Policy overrides: a merchant's own numbers in a policy, within bounds set by the operator.

An override changes share, maximum and benefits of rules that approve. It does not change the verdicts, the tests or the
order of the rules.
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
from gateway.domain.policies.table import DecisionTable, policy_error

_PART = "REDUCED_FOR_TIER"
"""A reason that an override may always give for a partial approval, besides those of the policy's approvals."""
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The changes of one rule that approves. None, an empty tuple and a missing benefit keep the value of the policy.
    `reasons` are required if the rule approved in full and now approves a part; the person reads them."""

    share: int | None = None
    maximum: Money | None = None
    benefits: Mapping[str, Benefit] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def overridden_values(self) -> dict[str, Any]:
        """The overridden values, which the operator's bounds apply to, by their names in a policy file."""
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
    """One version of a merchant's override. `changes` are by rule id. A version without changes ends the override.
    `source` names it in messages. Raises Misconfigured unless the version is a word of at most 50 letters, digits and
    ._- and the effective date is a date."""

    policy: str
    version: str
    effective: date
    changes: Mapping[str, Change]
    source: str

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise policy_error(
                self.source, "version must be a word of at most 50 letters, digits and the characters ._-"
            )
        if type(self.effective) is not date:
            raise policy_error(self.source, "effective must be a date, such as 2026-11-01")

    def apply_to(self, table: DecisionTable) -> DecisionTable:
        """Returns the policy with the changes applied. Its version names both versions; its hash covers the whole
        table. Raises Misconfigured for an unknown rule, a rule that does not approve, and invalid numbers."""
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
            raise policy_error(self.source, f"overrides the policy {self.policy!r}, not {table.policy!r}")
        verdicts = {rule.id: rule.verdict for rule in table.rules}
        allowed = {_PART}.union(*(rule.reasons for rule in table.rules if rule.verdict is Verdict.APPROVE))
        for rule_id in self.changes:
            if rule_id not in verdicts:
                raise policy_error(self.source, f"{table.policy} {table.version} has no such rule", rule_id)
            if verdicts[rule_id] is not Verdict.APPROVE:
                raise policy_error(self.source, "only rules that approve can be overridden", rule_id)
            for code in self.changes[rule_id].reasons:
                if code in REASONS and code not in allowed:  # the table rejects unknown codes
                    why = f"{code} is not a reason for a partial approval. Allowed: {', '.join(sorted(allowed))}"
                    raise policy_error(self.source, why, rule_id)


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range. None means no bound. Both bounds have the type of the value that they limit."""

    at_least: Any = None
    at_most: Any = None

    def contains(self, value: Any) -> bool:
        is_above = self.at_least is None or bool(self.at_least <= value)
        return is_above and (self.at_most is None or bool(value <= self.at_most))

    def __str__(self) -> str:
        bounds = {"at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{name} {format_value(value)}" for name, value in bounds.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyBounds:
    """What one merchant may override in one policy: a range by rule id and name ("share", "maximum" or a benefit).
    Names without a range cannot be overridden."""

    policy: str
    ranges: Mapping[str, Mapping[str, Range]]
    source: str

    def require(self, override: PolicyOverride) -> None:
        """Raises Misconfigured with file and rule if the override exceeds the bounds."""
        for rule_id, change in override.changes.items():
            allowed = self.ranges.get(rule_id, {})
            if change.reasons and change.share is None:
                raise policy_error(override.source, "reasons can be given only with an overridden share", rule_id)
            for name, value in change.overridden_values.items():
                if name not in allowed:
                    raise policy_error(
                        override.source, f"the operator does not allow this merchant to override {name}", rule_id
                    )
                if not allowed[name].contains(value):
                    why = f"{name} {format_value(value)} is out of the operator's bounds: {allowed[name]}"
                    raise policy_error(override.source, why, rule_id)


def effective_periods(days: Sequence[date], today: date) -> Iterator[tuple[int, date, date | None]]:
    """Yields the versions that are in force on `today` or later: the index, the first day in force from `today` on, and
    the day on which the next version replaces it (None if none does). `days` are the effective dates in the order of
    registration. The version with the latest effective date in the past is in force; of several with the same date, the
    one registered last."""
    order = sorted(range(len(days)), key=lambda index: (days[index], index))
    for index, following in zip_longest(order, order[1:]):
        first, end = max(days[index], today), None if following is None else days[following]
        if end is None or first < end:
            yield index, first, end
