"""The state of a decision: every field once, and what follows from the fields.

The table of decisions, its rows and the digests in the log follow from this declaration (gateway.store.decisions).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from gateway.domain.decisions.outcome import Approval, Outcome
from gateway.domain.decisions.settlement import Settlement, Windows
from gateway.domain.decisions.terms import Terms
from gateway.domain.decisions.transitions import (
    BlockedTransitions,
    BreachKind,
    Status,
    Transition,
    available_transitions,
    status_at,
)
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime

USUAL_WINDOWS = Windows()
_RESERVING = frozenset({Status.APPROVED, Status.ACTIVE, Status.BREACHED})


def stored_as(column: str = "", *, digest: str = "") -> dict[str, str]:
    """The metadata of a field whose column has another name, or whose name in digests is another one. Digests are kept
    for ever, so a field keeps its digest name when it is renamed."""
    return {"column": column, "digest": digest}


@dataclass(frozen=True, slots=True)
class DecisionProvenance:
    """Which adapter, policy version and rule decided. `policy_hash` is SHA-256 hex over the canonical policy."""

    adapter: str
    policy_version: str
    policy_hash: str
    rule_id: str
    score_as_of: BusinessTime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionState:
    """One decision. Moments are UTC business time of the merchant's partner, None until they come.

    `subject` is the pairwise user id. `requested` is what was asked for; `due` and `settled` are zero until approved.
    `lapsed_at`: the overdue flag has expired. `written_off_at`: the breach no longer holds its exposure.
    `contested_at`: a dispute is open since then. `dispute_rejected_at`: a dispute about what is held against the person
    was rejected or withdrawn. `voided_at`: a dispute about a breach was upheld. `dispute_pause`: how long disputes have
    kept the overdue flag from expiring, in whole seconds.
    """

    id: str
    merchant_id: str
    client_id: str
    consent_id: str
    subject: str
    merchant_reference: str
    adapter: str
    product: Product
    purpose: str
    status: Status
    ask: Mapping[str, Any]
    outcome: Outcome
    policy_version: str
    policy_hash: str
    rule_id: str
    score_as_of: BusinessTime | None = None
    currency: str
    valid_until: BusinessTime | None = None
    created_at: BusinessTime
    updated_at: BusinessTime
    requested: Money = field(metadata=stored_as("requested_minor"))
    due: Money = field(metadata=stored_as("due_minor"))
    settled: Money = field(metadata=stored_as("settled_minor"))
    due_at: BusinessTime | None = None
    windows: Windows = USUAL_WINDOWS
    activated_at: BusinessTime | None = None
    overdue_at: BusinessTime | None = None
    lapsed_at: BusinessTime | None = None
    breached_at: BusinessTime | None = None
    breach_kind: BreachKind | None = None
    written_off_at: BusinessTime | None = None
    contested_at: BusinessTime | None = None
    dispute_rejected_at: BusinessTime | None = field(default=None, metadata=stored_as(digest="confirmed_at"))
    voided_at: BusinessTime | None = None
    dispute_pause: timedelta = field(
        default=timedelta(0), metadata=stored_as("dispute_pause_seconds", digest="stood_still_seconds")
    )

    @property
    def provenance(self) -> DecisionProvenance:
        """Which adapter, policy version and rule decided."""
        return DecisionProvenance(self.adapter, self.policy_version, self.policy_hash, self.rule_id, self.score_as_of)

    @property
    def terms(self) -> Terms | None:
        """The terms of the approval, or None if the decision is not an approval."""
        return self.outcome.terms if isinstance(self.outcome, Approval) else None

    @property
    def agreed_due_at(self) -> BusinessTime | None:
        """The last date of the terms, before any extension."""
        return BusinessTime(self.terms.due_at) if self.terms else None

    @property
    def grace(self) -> timedelta:
        """How long past the due date it does not count as overdue."""
        return self.terms.grace if self.terms else timedelta(0)

    @property
    def outstanding(self) -> Money:
        """What is due and not settled."""
        return self.due - self.settled

    @property
    def exposure(self) -> Money:
        """The part of the person's credit limit that the decision uses: a request reserves nothing, an approval what is
        outstanding, until it ends, its overdue flag expires or it is written off. Freed exposure is not used again."""
        uses = self.status in _RESERVING and not self._freed
        return self.outstanding if uses else Money.zero(self.currency)

    @property
    def committed(self) -> Money:
        """What counts against the ceiling of its consent."""
        if self.status is Status.PENDING:
            return self.requested
        return self.outstanding if self.status in _RESERVING else Money.zero(self.currency)

    @property
    def next_transition_at(self) -> BusinessTime | None:
        """When its next system transition is due; None for never."""
        match self.status:
            case Status.PENDING | Status.APPROVED:
                return self.valid_until
            case Status.ACTIVE if not self._freed and not self.contested:
                if self.overdue_at is not None:
                    return self.overdue_at + self.windows.report + self.dispute_pause
                return self.due_at + self.grace if self.due_at else None
            case Status.BREACHED if self.breached_at and not self._freed and not self.contested:
                return self.breached_at + self.windows.write_off
            case _:
                return None

    @property
    def contested(self) -> bool:
        """Whether a dispute about it is open."""
        return self.contested_at is not None

    @property
    def flagged_at(self) -> BusinessTime | None:
        """Since when an overdue flag or a breach is held against the person; None for nothing."""
        if self.status not in {Status.ACTIVE, Status.BREACHED}:
            return None
        return self.overdue_at or self.breached_at

    @property
    def overdue(self) -> bool:
        """Whether the overdue flag counts: it is set, has not expired and is not contested."""
        flagged = self.overdue_at is not None and self.lapsed_at is None and not self.contested
        return flagged and self.status in {Status.ACTIVE, Status.BREACHED}

    @property
    def blocked_transitions(self) -> BlockedTransitions:
        """Transitions blocked by history. After a voided breach, a new report requires the due date to have passed."""
        if self.lapsed_at is not None:
            why = "as its overdue mark counts no more"
            return {Transition.REPORT_BREACH: why, Transition.EXTEND: why}
        if self.contested:
            return {Transition.REPORT_BREACH: "while it is contested"}
        if self.voided_at is not None and (self.overdue_at is None or self.overdue_at < self.voided_at):
            return {Transition.REPORT_BREACH: "as a dispute about one was upheld, before its last date has passed"}
        return {}

    @property
    def available_transitions(self) -> tuple[Transition, ...]:
        """What the merchant may do next, in the order of the transition table."""
        return available_transitions(self.status, self.blocked_transitions)

    @property
    def settlement(self) -> Settlement | None:
        """The side that a merchant sees, None where nothing was ever approved."""
        if self.status in {Status.PENDING, Status.DECLINED} or not self.due.minor:
            return None
        gone = self.status in {Status.CANCELLED, Status.EXPIRED}
        outstanding = Money.zero(self.currency) if gone else self.outstanding
        return Settlement(self.due, self.settled, outstanding, self.due_at, self.overdue)

    @property
    def _freed(self) -> bool:
        return self.lapsed_at is not None or self.written_off_at is not None

    def status_at(self, now: BusinessTime) -> Status:
        """The status as of `now`: an approval or request past its `valid_until` has expired, written down or not."""
        return status_at(self.status, self.valid_until, now)

    def as_of(self, now: BusinessTime) -> "DecisionState":
        """The same decision with its status as of `now`."""
        status = self.status_at(now)
        return self if status is self.status else replace(self, status=status)

    def counts_against(self, now: BusinessTime) -> bool:
        """Whether it is an open overdue obligation of the person: a breach once its contest window is over, an overdue
        flag at once, also when a breach is reported after it; neither while contested."""
        if self.overdue:
            return True
        if self.status is not Status.BREACHED or self.breached_at is None or self.contested:
            return False
        return self.dispute_rejected_at is not None or now >= self.breached_at + self.windows.contest
