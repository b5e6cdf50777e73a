"""The interface of an adapter: the attributes that it declares, and how it decides a request.

An adapter is pure: it gets values and returns values. It sees an ask, a person's tier, numbers of overdue obligations
and breaches, whether the person is a starter, and the time. It has no access to the database, the clock or the network.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Self, TypeVar, final

from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.decisions.outcome import Approval, Decline, ManualReview, Outcome
from gateway.domain.decisions.reason import REASONS
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.terms import Terms
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.rule import Verdict
from gateway.domain.policies.table import DecisionTable, PolicyResult, policy_error
from gateway.domain.policies.versions import PolicySet
from gateway.domain.webhooks.notice import Notice
from merchants.asks.documents import ask_document, ask_from_document
from merchants.asks.fields import AskField, ask_fields
from merchants.person import BREACH, OVERDUE, apply_table, requires_starter
from merchants.person import Person as Person  # noqa: PLC0414  # adapters import it from here
from merchants.policies.tables import load_table
from merchants.wire import STANDARD, Rendered, StandardWire, Wire

AskT = TypeVar("AskT")
SAMPLE_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""The time (UTC) of golden cases and sample asks that name no other."""


@dataclass(frozen=True, slots=True)
class AdapterResult:
    """What an adapter decided: the outcome, and the policy's result from which the outcome was made."""

    outcome: Outcome
    policy_result: PolicyResult


@dataclass(frozen=True, slots=True)
class GoldenCase(Generic[AskT]):
    """An ask with its expected outcome: its type, its reasons, and for an approval the amount at risk (it becomes
    exposure), else None."""

    name: str
    ask: AskT
    person: Person
    expects: type[Approval] | type[Decline] | type[ManualReview]
    reasons: tuple[str, ...] = ()
    exposed: Money | None = None
    now: datetime = SAMPLE_NOW

    def difference(self, result: AdapterResult) -> str | None:
        """A sentence that describes how the result differs from the expected outcome. None if it does not differ."""
        outcome = result.outcome
        exposed = outcome.terms.exposed if isinstance(outcome, Approval) else None
        if (type(outcome), outcome.reasons, exposed) == (self.expects, self.reasons, self.exposed):
            return None
        return (
            f"{self.name}: expected {self.expects.__name__} {self.reasons} with the amount at risk {self.exposed},"
            f" got {type(outcome).__name__} {outcome.reasons} with {exposed} by rule {result.policy_result.rule_id}"
        )


class MerchantAdapter(ABC, Generic[AskT]):
    """Decides the requests of one industry or merchant. Its constructor raises Misconfigured for a wrong declaration.

    `key` is its name in settings and records, `member` its name in DecisionAsk. `Ask` is the type of its asks. `policy`
    decides; each version in `later` replaces it from its own effective date on. All versions have the same `columns`
    (the facts that they test) and the same `benefits` (what an approval grants besides the amount).
    `approval_validity` is the time after an approval in which it can be activated. `windows` are four time limits: to
    report a breach, to contest it, to respond to a dispute, and to write a breach off.
    `own_reasons` are the reason codes that the adapter's code uses in addition to those of its policy. `zero_allowed`
    names the fields of Money that may be zero. `wire` is the format of messages to the merchant's system
    about decisions.
    """

    key: ClassVar[str]
    member: ClassVar[str]
    summary: ClassVar[str]
    product: ClassVar[Product]
    default_purpose: ClassVar[str]
    Ask: type[AskT]
    ask_type_name: ClassVar[str]
    columns: ClassVar[Mapping[str, ColumnKind]]
    benefits: ClassVar[Mapping[str, BenefitKind]] = MappingProxyType({})
    policy: ClassVar[DecisionTable]
    later: ClassVar[Sequence[DecisionTable]] = ()
    approval_validity: ClassVar[timedelta]
    golden: ClassVar[tuple[GoldenCase[Any], ...]]
    windows: ClassVar[Windows] = Windows()
    own_reasons: ClassVar[frozenset[str]] = frozenset()
    zero_allowed: ClassVar[frozenset[str]] = frozenset()
    wire: ClassVar[Wire | StandardWire] = STANDARD

    def __init__(self) -> None:
        for name, shape in _SHAPES.items():
            if not re.fullmatch(shape, str(getattr(self, name, ""))):
                raise Misconfigured(f"{type(self).__name__}.{name} is missing or not of the form {shape}")
        for name in ("product", "Ask", "columns", "policy", "approval_validity", "golden"):
            if not hasattr(self, name):
                raise Misconfigured(f"{type(self).__name__}.{name} is missing")
        self.policies = PolicySet((self.policy, *self.later))
        self._require_same_columns(self.policy)
        if self.approval_validity <= timedelta(0):
            raise Misconfigured(f"{type(self).__name__}.approval_validity must be longer than zero")
        self.ask_fields: tuple[AskField, ...] = ask_fields(self.Ask)
        if self.default_purpose not in PURPOSES:  # the consent page shows its sentence
            raise Misconfigured(f"{type(self).__name__}: unknown purpose code {self.default_purpose}")
        unknown = self.reason_codes - REASONS.keys()
        if unknown:
            raise Misconfigured(f"{type(self).__name__}: unknown reason codes {', '.join(sorted(unknown))}")

    @abstractmethod
    def check(self, ask: AskT, now: datetime) -> None:
        """Raises InvalidInput, with a camelCase field path relative to the ask, for an invalid ask."""

    @abstractmethod
    def requested_amount(self, ask: AskT) -> Money:
        """The requested amount. Together with the consent's open decisions it may not exceed the consent's maximum
        amount."""

    @abstractmethod
    def facts(self, ask: AskT, person: Person, now: datetime) -> Mapping[str, Fact]:
        """One value for each declared column."""

    @abstractmethod
    def terms(self, ask: AskT, result: PolicyResult, now: datetime) -> Terms:
        """The terms of an approval. `result` approves; `self.granted_amount(ask, result)` is the amount."""

    @abstractmethod
    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[AskT]:
        """Valid asks for the contract suite, which tries every tier on each. At least two must differ in the amount
        alone."""

    def divisible_amount(self, ask: AskT) -> Money:
        """The amount that the policy may reduce. By default the requested amount."""
        return self.requested_amount(ask)

    def maximum_amount(self, ask: AskT, result: PolicyResult) -> Money | None:
        """The largest amount that an approval grants, None for no limit. By default the policy's maximum."""
        return result.maximum

    def reduced_terms_reasons(self, ask: AskT, result: PolicyResult) -> tuple[str, ...]:
        """The reasons for terms that are worse than asked in anything but the amount, such as a shorter term."""
        return ()

    def point_of_sale(self, ask: AskT) -> PointOfSale | None:
        """The point of sale from which the ask comes, None for an ask that comes from no store."""
        return None

    def all_or_nothing_reason(self, ask: AskT) -> str | None:
        """The reason of the decline if the merchant takes all or nothing and the policy grants only a part. None if the
        merchant accepts a part."""
        return None

    def render(self, notice: Notice) -> Rendered:
        """The message to the merchant's system about an event of a decision or a dispute. The sender signs it."""
        return self.wire.render(notice)

    @property
    def ordinary_case(self) -> GoldenCase[AskT]:
        """The first golden case: an everyday ask. The sandbox uses it to describe its personas."""
        return self.golden[0]

    @property
    def reason_codes(self) -> frozenset[str]:
        """All reason codes that outcomes of this adapter can have."""
        codes = self.own_reasons.union({_CAPPED, _TOO_SMALL}, *(table.reason_codes for table in self.policies))
        return codes | {BREACH} if OVERDUE in codes else codes

    @final
    def load_policy(self, path: Path) -> DecisionTable:
        """The policy in a file, checked against this adapter's columns, benefits and currency. Raises Misconfigured."""
        table = load_table(path, self.columns, self.benefits)
        if table.currency != self.policy.currency:
            raise policy_error(
                table.source, f"the currency of {self.key} is {self.policy.currency}, not {table.currency}"
            )
        return table

    @final
    def with_policy(self, table: DecisionTable) -> Self:
        """A copy of this adapter that has this table as its only policy and ignores its effective date. Raises
        Misconfigured for a table with other columns or benefits."""
        self._require_same_columns(table)
        other = copy(self)
        other.policies = PolicySet((table,))
        return other

    @final
    def granted_amount(self, ask: AskT, result: PolicyResult) -> Money:
        """The part of the divisible amount that an approval grants: the result's share, but at most the maximum."""
        part, maximum = self.divisible_amount(ask).share(result.share), self.maximum_amount(ask, result)
        return part if maximum is None else min(part, maximum)

    @final
    def decide(self, ask: AskT, person: Person, now: datetime) -> AdapterResult:
        """Checks the ask, applies the policy in force at `now` (UTC) to its facts, and makes the outcome.

        Raises InvalidInput for an invalid ask.
        """
        self.check(ask, now)
        result = self.apply_policy(self.policies.at(now), ask, person, now)
        return AdapterResult(self.outcome(ask, result, now), result)

    @final
    def apply_policy(self, table: DecisionTable, ask: AskT, person: Person, now: datetime) -> PolicyResult:
        """The result of a version of the policy for this ask and person. Does not check the ask.

        As in `merchants.person.apply_table`: a policy that does not test open breaches counts them as overdue.
        """
        return apply_table(table, person, lambda known: self.facts(ask, known, now))

    @final
    def outcome(self, ask: AskT, result: PolicyResult, now: datetime) -> Outcome:
        """The outcome at `now` (UTC) of a policy's result for this ask. Does not check the ask."""
        match result.verdict:
            case Verdict.APPROVE:
                return self._approval(ask, result, now)
            case Verdict.DECLINE:
                retry_after = None if result.retry_after is None else now + result.retry_after
                return Decline(result.reasons, retry_after, result.alternatives)
            case Verdict.REFER:
                return ManualReview(result.reasons)

    @final
    def manual_approval(self, ask: AskT, rule_id: str | None, now: datetime) -> AdapterResult:
        """Approves an ask after a manual review, with the terms of the rule `rule_id`.

        Without `rule_id`, uses the last approving rule of the policy that is not for starters only: of those it grants
        the least. Does not check the ask. Raises InvalidInput for a rule that does not approve.
        """
        table, rules = self.policies.at(now), self.review_rules(now)
        if not rules or rule_id not in {None, *rules}:
            raise InvalidInput("INVALID", f"Rules that approve: {' '.join(rules) or 'none'}.", ("rule",))
        usual = [rule for rule in rules if not requires_starter(table, rule)]
        result = table.result_of_rule(rule_id or (usual or rules)[-1])
        return AdapterResult(self._approval(ask, result, now), result)

    @final
    def review_rules(self, now: datetime) -> tuple[str, ...]:
        """The rules with which a request can be approved after a manual review, from the rule that grants the most to
        the rule that grants the least: the approving rules of the policy, those for starters only last."""
        table = self.policies.at(now)
        return tuple(sorted(table.approving_rules, key=lambda rule: requires_starter(table, rule)))

    @final
    def ask_document(self, ask: AskT) -> dict[str, Any]:
        """The ask as JSON values by their GraphQL names."""
        return ask_document(ask)

    @final
    def ask_from_document(self, document: Mapping[str, Any]) -> AskT:
        """The ask in a document that `ask_document` returned. Raises InvalidInput."""
        return ask_from_document(self.Ask, document)

    def _require_same_columns(self, table: DecisionTable) -> None:
        if (dict(self.columns), dict(self.benefits)) != (table.columns, table.benefits):
            raise Misconfigured(f"{type(self).__name__}: the policy was read with other columns or benefits")

    def _approval(self, ask: AskT, result: PolicyResult, now: datetime) -> Approval | Decline:
        granted = self.granted_amount(ask, result)
        reason = self.all_or_nothing_reason(ask) if granted < self.divisible_amount(ask) else None
        if reason is not None:
            # Declined, because the merchant accepts no part. `retry_after` is now: a request for less can be approved.
            return Decline((reason,), now, (self.product,))
        capped = (_CAPPED,) if granted < self.divisible_amount(ask).share(result.share) else ()
        reasons = tuple(dict.fromkeys((*result.reasons, *capped, *self.reduced_terms_reasons(ask, result))))
        terms = self.terms(ask, result, now)
        if not terms.exposed.minor:
            # Declined, because the amount at risk rounds down to zero, as 20 percent of 3 cents does. `retry_after` is
            # now: a request for more can be approved.
            return Decline((_TOO_SMALL,), now, (self.product,))
        return Approval(terms, min(now + self.approval_validity, terms.due_at), reasons)


_CAPPED = "AMOUNT_ABOVE_TIER_LIMIT"
_TOO_SMALL = "AMOUNT_TOO_SMALL"
_SHAPES = {
    "key": r"[a-z][a-z0-9_]*",
    "member": r"[a-z][A-Za-z0-9]*",
    "ask_type_name": r"[A-Z][A-Za-z0-9]*",
    "default_purpose": r"[A-Z][A-Z0-9_]*",
    "summary": r"\S.*\.",
}
