"""The typed decision table. Rules are tried from the top, the first that matches decides, the last always matches.

It never fails open: an invalid table is rejected when it is built, and facts that do not fit the columns raise an error
instead of matching no rule.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from gateway.domain.currency import EXPONENTS
from gateway.domain.decisions.reason import REASONS
from gateway.domain.errors import Misconfigured
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import Benefit, BenefitKind, require_benefit
from gateway.domain.policies.column import Accepted, ColumnKind, Fact, Key, accepted, reader
from gateway.domain.policies.coverage import MOST_STEPS, Coverage, TooManySteps
from gateway.domain.policies.rule import Rule, Verdict, plain

B = TypeVar("B", Decimal, timedelta, bool)


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule that was tried. `failed` is the first column that did not match, or None for the rule that decided."""

    rule_id: str
    failed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """The result of a decision table and its trace. `share` is 1 to 100 percent for an approval, else 0. `benefits` are
    what an approval grants besides the amount, by the names that the table declares.

    The outcome may be less than the result: an adapter declines a partial approval if the merchant accepts only the
    full amount.
    """

    verdict: Verdict
    share: int
    maximum: Money | None
    benefits: Mapping[str, Benefit]
    reasons: tuple[str, ...]
    retry_after: timedelta | None
    alternatives: tuple[Product, ...]
    policy: str
    policy_version: str
    policy_hash: str
    rule_id: str
    trace: tuple[Tried, ...]

    def number(self, name: str) -> Decimal:
        """Returns a benefit of the kind NUMBER. Raises Misconfigured if there is none of this name and kind."""
        return self._benefit(name, Decimal)

    def length(self, name: str) -> timedelta:
        """Returns a benefit of the kind DURATION. Raises Misconfigured as `number` does."""
        return self._benefit(name, timedelta)

    def flag(self, name: str) -> bool:
        """Returns a benefit of the kind FLAG. Raises Misconfigured as `number` does."""
        return self._benefit(name, bool)

    def _benefit(self, name: str, kind: type[B]) -> B:
        value = self.benefits.get(name)
        if not isinstance(value, kind):
            raise policy_error(self.policy, f"has no benefit {name} of type {kind.__name__}", self.rule_id)
        return value

    def document(self) -> dict[str, Any]:
        """Returns the document for the log, which `gateway.domain.policies.past_result` reads. It holds no facts about
        a person."""
        return {
            "policy": self.policy,
            "policy_version": self.policy_version,
            "policy_hash": self.policy_hash,
            "rule_id": self.rule_id,
            "verdict": self.verdict.value,
            "share": self.share,
            "maximum": plain(self.maximum),
            "benefits": {name: plain(value) for name, value in self.benefits.items()},
            "reasons": list(self.reasons),
            "retry_after": plain(self.retry_after),
            "alternatives": [product.value for product in self.alternatives],
            "trace": [{"rule_id": tried.rule_id, "failed": tried.failed} for tried in self.trace],
        }


class DecisionTable:
    """A checked and compiled policy. Raises Misconfigured with source, rule and column.

    `source` names the policy in messages: the file that it was read from. Money in rules and facts is in `currency`.
    Every approval has exactly the declared `benefits`. `hash` is the SHA-256, in hex, of the canonical content.
    """

    def __init__(
        self,
        *,
        policy: str,
        version: str,
        effective: date,
        currency: str,
        columns: Mapping[str, ColumnKind],
        rules: Sequence[Rule],
        source: str,
        benefits: Mapping[str, BenefitKind] = MappingProxyType({}),
    ) -> None:
        self.policy, self.version, self.effective, self.currency = policy, version, effective, currency
        self.columns, self.benefits = dict(columns), dict(benefits)
        self.rules, self.source = tuple(rules), source
        self._check_header()
        accepts = self._check_rules()
        self.hash = hashlib.sha256(_canonical(self.document())).hexdigest()
        self.tested_columns = frozenset(cell.column for rule in self.rules for cell in rule.when)
        self.reason_codes = frozenset(code for rule in self.rules for code in rule.reasons)
        self._readers = {name: reader(kind, currency) for name, kind in self.columns.items()}
        self._steps = [_step(rule, accepts[rule.id]) for rule in self.rules]

    def document(self) -> dict[str, Any]:
        """Returns the whole policy in a fixed, JSON-safe form."""
        return {
            "policy": self.policy,
            "version": self.version,
            "effective": self.effective.isoformat(),
            "currency": self.currency,
            "columns": dict(self.columns),
            "benefits": dict(self.benefits),
            "rules": [rule.document() for rule in self.rules],
        }

    def decide(self, facts: Mapping[str, Fact]) -> PolicyResult:
        """Returns the result of the first rule that matches.

        Raises Misconfigured unless the facts are exactly the declared columns, each of its kind: an adapter with wrong
        facts must not look like "no rule matched".
        """
        keys = self._keys(facts)
        trace: list[Tried] = []
        for rule, cells, hit in self._steps:
            for column, holds, failed in cells:
                if not holds(keys[column]):
                    trace.append(failed)
                    break
            else:
                trace.append(hit)
                return self._result(rule, tuple(trace))
        raise self._error("no rule matched, although the last rule must")

    def _result(self, rule: Rule, trace: tuple[Tried, ...]) -> PolicyResult:
        return PolicyResult(
            verdict=rule.verdict,
            share=rule.share or 0,
            maximum=rule.maximum,
            benefits=rule.benefits,
            reasons=rule.reasons,
            retry_after=rule.retry_after,
            alternatives=rule.alternatives,
            policy=self.policy,
            policy_version=self.version,
            policy_hash=self.hash,
            rule_id=rule.id,
            trace=trace,
        )

    @property
    def approving_rules(self) -> tuple[str, ...]:
        """The ids of the rules that approve, in order."""
        return tuple(rule.id for rule in self.rules if rule.verdict is Verdict.APPROVE)

    def result_of_rule(self, rule_id: str) -> PolicyResult:
        """Returns the result of one rule, whatever the facts are. Raises KeyError for an unknown rule."""
        rule, _, hit = {step[0].id: step for step in self._steps}[rule_id]
        return self._result(rule, (hit,))

    def _keys(self, facts: Mapping[str, Fact]) -> dict[str, Key]:
        if facts.keys() != self._readers.keys():
            wrong = ", ".join(sorted(facts.keys() ^ self._readers.keys()))
            raise self._error(f"the facts and the columns differ in: {wrong}")
        keys = {}
        for column, read in self._readers.items():
            try:
                keys[column] = read(facts[column])
            except ValueError as error:
                raise self._error(f"the fact {error}", column=column) from None
        return keys

    def _check_header(self) -> None:
        for name, text in (("policy", self.policy), ("version", self.version)):
            if not _is_word(text):
                raise self._error(f"{name} is missing or empty")
        if type(self.effective) is not date:
            raise self._error("effective must be a date, such as 2026-11-01")
        if self.currency not in EXPONENTS:
            raise self._error(f"unknown currency {self.currency!r}")
        if not self.columns:
            raise self._error("there are no columns")

    def _check_rules(self) -> dict[str, dict[str, Accepted]]:
        earlier: dict[str, dict[str, Accepted]] = {}
        for rule in self.rules:
            if not _is_word(rule.id):
                raise self._error("a rule has no id")
            if rule.id in earlier:
                raise self._error("the id is used twice", rule.id)
            self._check_verdict(rule)
            earlier[rule.id] = self._accepts(rule)
        self._check_reachable(Coverage(self.columns, earlier))
        if not self.rules or self.rules[-1].when:
            raise self._error("the last rule must have no tests, so that every case is decided")
        return earlier

    def _check_reachable(self, coverage: Coverage) -> None:
        for rule in self.rules:
            try:
                covering = coverage.find_covering(rule.id)
            except TooManySteps:
                why = (
                    f"cannot be checked: whether it can be reached takes more than {MOST_STEPS} steps. Use fewer rules"
                )
                raise self._error(why, rule.id) from None
            if covering:
                names = " and ".join(f"{each!r}" for each in covering)
                matches = "matches" if len(covering) == 1 else "together match"
                word = "rule" if len(covering) == 1 else "rules"
                raise self._error(f"is unreachable: {word} {names} {matches} whenever it would", rule.id)

    def _check_verdict(self, rule: Rule) -> None:
        approves, declines = rule.verdict is Verdict.APPROVE, rule.verdict is Verdict.DECLINE
        share, maximum = rule.share, rule.maximum
        if not approves and (share is not None or maximum is not None):
            raise self._error("share and maximum belong to an approval", rule.id)
        if approves and (type(share) is not int or not 1 <= share <= 100):
            raise self._error("share must be a whole number from 1 to 100", rule.id)
        if maximum is not None and (maximum.currency != self.currency or maximum.minor <= 0):
            raise self._error(f"maximum must be more than zero, in {self.currency}", rule.id)
        self._check_benefits(rule)
        if not declines and (rule.retry_after is not None or rule.alternatives):
            raise self._error("retry_after and alternatives belong to a decline", rule.id)
        if not rule.reasons and (declines or (share or 100) < 100):
            raise self._error("a decline, and an approval below 100 percent, must name its reasons", rule.id)
        for code in rule.reasons:
            if code not in REASONS:
                raise self._error(f"unknown reason code {code!r}", rule.id)

    def _check_benefits(self, rule: Rule) -> None:
        expected = self.benefits if rule.verdict is Verdict.APPROVE else {}
        if rule.benefits.keys() != expected.keys():
            names = ", ".join(sorted(rule.benefits.keys() ^ expected.keys()))
            raise self._error(f"every approval, and no other rule, must have all benefits: {names}", rule.id)
        for name, value in rule.benefits.items():
            try:
                require_benefit(value, self.benefits[name])
            except ValueError as error:
                raise self._error(f"{name}: {error}", rule.id) from None

    def _accepts(self, rule: Rule) -> dict[str, Accepted]:
        accepts: dict[str, Accepted] = {}
        for cell in rule.when:
            if cell.column not in self.columns:
                raise self._error("unknown column", rule.id, cell.column)
            if cell.column in accepts:
                raise self._error("the column is tested twice", rule.id, cell.column)
            try:
                accepts[cell.column] = accepted(cell, self.columns[cell.column], self.currency)
            except ValueError as error:
                raise self._error(str(error), rule.id, cell.column) from None
        return accepts

    def _error(self, why: str, rule: str | None = None, column: str | None = None) -> Misconfigured:
        return policy_error(self.source, why, rule, column)


def policy_error(source: str, why: str, rule: str | None = None, column: str | None = None) -> Misconfigured:
    """Returns a Misconfigured that names the file and, if known, rule and column."""
    position = [f"rule {rule!r}"] * (rule is not None) + [f"column {column!r}"] * (column is not None)
    return Misconfigured(": ".join(filter(None, (source, ", ".join(position), why))))


_Step = tuple[Rule, tuple[tuple[str, Callable[[Key], bool], Tried], ...], Tried]


def _step(rule: Rule, accepts: Mapping[str, Accepted]) -> _Step:
    cells = tuple((column, allowed.predicate(), Tried(rule.id, column)) for column, allowed in accepts.items())
    return rule, cells, Tried(rule.id, None)


def _is_word(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
