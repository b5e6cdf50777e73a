"""What every merchant adapter fills in, and the one way a request is decided.

An adapter is pure: values in, values out. It sees an ask, a person's tier and open overdue count, and the time; it
has no session, no clock and no network.
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

from gateway.domain.benefit import BenefitKind
from gateway.domain.column import ColumnKind, Fact
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Decline, Outcome, Referral
from gateway.domain.place import Place
from gateway.domain.policy import DecisionTable, Ruling, fault
from gateway.domain.policy_set import PolicySet
from gateway.domain.product import Product
from gateway.domain.purpose import PURPOSES
from gateway.domain.reason import REASONS
from gateway.domain.rule import Verdict
from gateway.domain.settlement import Windows
from gateway.domain.terms import Terms
from gateway.domain.tier import Tier
from merchants.ask import AskField, ask_document, ask_fields, ask_from_document, ask_type, asked
from merchants.tables import load_table
from merchants.wire import STANDARD, Notice, Rendered, Wire

AskT = TypeVar("AskT")
SAMPLE_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""When golden cases and sample asks happen, unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class Person:
    """All that an adapter ever learns about somebody."""

    tier: Tier
    open_overdue: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, which is what counts, and the policy's ruling behind it."""

    outcome: Outcome
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class GoldenCase(Generic[AskT]):
    """An ask whose answer is known: its kind, its reasons, and what an approval exposes (None otherwise)."""

    name: str
    ask: AskT
    person: Person
    expects: type[Approval] | type[Decline] | type[Referral]
    reasons: tuple[str, ...] = ()
    exposed: Money | None = None
    now: datetime = SAMPLE_NOW

    def difference(self, answer: Answer) -> str | None:
        """A sentence on how the answer differs from the expected one; None if it does not."""
        outcome = answer.outcome
        exposed = outcome.terms.exposed if isinstance(outcome, Approval) else None
        if (type(outcome), outcome.reasons, exposed) == (self.expects, self.reasons, self.exposed):
            return None
        return (
            f"{self.name}: expected {self.expects.__name__} {self.reasons} exposing {self.exposed}, got"
            f" {type(outcome).__name__} {outcome.reasons} exposing {exposed} by rule {answer.ruling.rule_id}"
        )


class MerchantAdapter(ABC, Generic[AskT]):
    """One industry's or merchant's way of working. Raises Misconfigured when it is put together wrongly.

    `key` names it in settings and records, `member` in DecisionAsk. `Ask` is the form that merchants fill in;
    `columns` and `policy` decide, and the versions in `later` from their effective dates on; `benefits` are what an
    approval grants beside the amount; `approval_life` says how long an approval may wait to be activated, `windows` how
    long breaches and disputes may take. `own_reasons` are the codes that the adapter's code gives beside those of its
    policy. `zero_allowed` names the money fields where zero makes sense. `wire` is how the merchant's own
    system is told what happened.
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
    approval_life: ClassVar[timedelta]
    golden: ClassVar[tuple[GoldenCase[Any], ...]]
    windows: ClassVar[Windows] = Windows()
    own_reasons: ClassVar[frozenset[str]] = frozenset()
    zero_allowed: ClassVar[frozenset[str]] = frozenset()
    wire: ClassVar[Wire] = STANDARD

    def __init__(self) -> None:
        for name, shape in _SHAPES.items():
            if not re.fullmatch(shape, str(getattr(self, name, ""))):
                raise Misconfigured(f"{type(self).__name__}.{name} is missing or not of the form {shape}")
        for name in ("product", "Ask", "columns", "policy", "approval_life", "golden"):
            if not hasattr(self, name):
                raise Misconfigured(f"{type(self).__name__}.{name} is missing")
        self.policies = PolicySet((self.policy, *self.later))
        self._require_ours(self.policy)
        if self.approval_life <= timedelta(0):
            raise Misconfigured(f"{type(self).__name__}.approval_life must be longer than nothing")
        self.ask_fields: tuple[AskField, ...] = ask_fields(self.Ask)
        if self.default_purpose not in PURPOSES:  # a person reads its sentence, so there has to be one
            raise Misconfigured(f"{type(self).__name__}: unknown purpose code {self.default_purpose}")
        unknown = self.reason_codes - REASONS.keys()
        if unknown:
            raise Misconfigured(f"{type(self).__name__}: unknown reason codes {', '.join(sorted(unknown))}")

    @abstractmethod
    def check(self, ask: AskT, now: datetime) -> None:
        """Raises InvalidInput, with a camelCase field path relative to the ask, for an ask that makes no sense."""

    @abstractmethod
    def requested(self, ask: AskT) -> Money:
        """The amount of trust asked for: the consent's ceiling is held against it."""

    @abstractmethod
    def facts(self, ask: AskT, person: Person, now: datetime) -> Mapping[str, Fact]:
        """One value per declared column."""

    @abstractmethod
    def terms(self, ask: AskT, ruling: Ruling, now: datetime) -> Terms:
        """What an approving ruling promises; `self.granted(ask, ruling)` is the amount."""

    @abstractmethod
    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[AskT]:
        """Valid asks, small and large and alike in all else, on which the contract suite tries every tier."""

    def divisible(self, ask: AskT) -> Money:
        """The amount of which a part may be granted: what is requested, where the trade does not say otherwise."""
        return self.requested(ask)

    def limit(self, ask: AskT, ruling: Ruling) -> Money | None:
        """The most that an approving ruling grants: its maximum, where the trade knows no other; None for no end."""
        return ruling.maximum

    def shortfalls(self, ask: AskT, ruling: Ruling) -> tuple[str, ...]:
        """The reasons for what an approving ruling grants less of than was asked, beside the amount: a shorter term."""
        return ()

    def place(self, ask: AskT) -> Place | None:
        """The till from which the ask comes; None where the trade has none."""
        return None

    def refuses_part(self, ask: AskT) -> str | None:
        """The reason to decline with when only a part can be granted; None where a part is welcome."""
        return None

    def render(self, notice: Notice) -> Rendered:
        """What is sent to the merchant's own system when something happens to a decision; the sender signs it."""
        return self.wire.render(notice)

    @property
    def ordinary(self) -> GoldenCase[AskT]:
        """The first golden case: an everyday ask, from which sandbox personas are told what to expect."""
        return self.golden[0]

    @property
    def reason_codes(self) -> frozenset[str]:
        """Every reason code that an answer of this adapter may hold."""
        return self.own_reasons.union({_CUT, _NOTHING}, *(table.reason_codes for table in self.policies))

    @final
    def table(self, path: Path) -> DecisionTable:
        """The checked table in a file that could take the place of this adapter's policy. Raises Misconfigured, for
        another currency too."""
        table = load_table(path, self.columns, self.benefits)
        if table.currency != self.policy.currency:
            raise fault(table.source, f"the currency of {self.key} is {self.policy.currency}, not {table.currency}")
        return table

    @final
    def under(self, table: DecisionTable) -> Self:
        """This adapter, deciding by that table alone, whatever its date. Raises Misconfigured for one that was read
        with other columns or benefits."""
        self._require_ours(table)
        other = copy(self)
        other.policies = PolicySet((table,))
        return other

    @final
    def granted(self, ask: AskT, ruling: Ruling) -> Money:
        """The part of the divisible amount that an approving ruling grants: its share, up to the limit."""
        part, limit = self.divisible(ask).share(ruling.share), self.limit(ask, ruling)
        return part if limit is None else min(part, limit)

    @final
    def decide(self, ask: AskT, person: Person, now: datetime) -> Answer:
        """The answer to an ask at `now` (UTC): checks, facts, policy, terms. Raises InvalidInput for a bad ask."""
        self.check(ask, now)
        ruling = self.policies.at(now).decide(self.facts(ask, person, now))
        return Answer(self.outcome(ask, ruling, now), ruling)

    @final
    def outcome(self, ask: AskT, ruling: Ruling, now: datetime) -> Outcome:
        """What a ruling on an ask that has been checked comes to at `now`."""
        match ruling.verdict:
            case Verdict.APPROVE:
                return self._approval(ask, ruling, now)
            case Verdict.DECLINE:
                retry_after = None if ruling.retry_after is None else now + ruling.retry_after
                return Decline(ruling.reasons, retry_after, ruling.alternatives)
            case Verdict.REFER:
                return Referral(ruling.reasons)

    @final
    def reviewed(self, ask: AskT, rule_id: str | None, now: datetime) -> Answer:
        """What a person decides about an ask that was referred: as if that approving rule had held, by default the
        last one, which is the least generous. Raises InvalidInput for a rule that is none. Whether the ask still
        makes sense at `now` is for `check` to say."""
        table = self.policies.at(now)
        rules = table.approving
        if not rules or rule_id not in {None, *rules}:
            raise InvalidInput("INVALID", f"Rules that approve: {' '.join(rules) or 'none'}.", ("rule",))
        ruling = table.as_if(rule_id or rules[-1])
        return Answer(self._approval(ask, ruling, now), ruling)

    @final
    def ask_document(self, ask: AskT) -> dict[str, Any]:
        """The ask as JSON-safe values under its GraphQL names."""
        return ask_document(ask)

    @final
    def ask_from_document(self, document: Mapping[str, Any]) -> AskT:
        """Reads what `ask_document` wrote. Raises InvalidInput."""
        return ask_from_document(self.Ask, document)

    def _require_ours(self, table: DecisionTable) -> None:
        if (dict(self.columns), dict(self.benefits)) != (table.columns, table.benefits):
            raise Misconfigured(f"{type(self).__name__}: the policy was read with other columns or benefits")

    def _approval(self, ask: AskT, ruling: Ruling, now: datetime) -> Approval | Decline:
        granted = self.granted(ask, ruling)
        refusal = self.refuses_part(ask) if granted < self.divisible(ask) else None
        if refusal is not None:  # at once, for less
            return Decline((refusal,), now, (self.product,))
        cut = (_CUT,) if granted < self.divisible(ask).share(ruling.share) else ()
        reasons = tuple(dict.fromkeys((*ruling.reasons, *cut, *self.shortfalls(ask, ruling))))
        terms = self.terms(ask, ruling, now)
        if not terms.exposed.minor:  # a fifth of three cents is nothing, and nothing can be promised
            return Decline((_NOTHING,), now, (self.product,))
        return Approval(terms, min(now + self.approval_life, terms.due_at), reasons)


_CUT = "AMOUNT_ABOVE_TIER_LIMIT"
_NOTHING = "AMOUNT_TOO_SMALL"
_SHAPES = {
    "key": r"[a-z][a-z0-9_]*",
    "member": r"[a-z][A-Za-z0-9]*",
    "ask_type_name": r"[A-Z][A-Za-z0-9]*",
    "default_purpose": r"[A-Z][A-Z0-9_]*",
    "summary": r"\S.*\.",
}

__all__ = [
    "SAMPLE_NOW",
    "Answer",
    "AskField",
    "AskT",
    "GoldenCase",
    "MerchantAdapter",
    "Person",
    "ask_document",
    "ask_fields",
    "ask_from_document",
    "ask_type",
    "asked",
]
