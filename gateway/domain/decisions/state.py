"""The state of a decision: each field is declared once, all other values are computed from the fields.

The table of decisions, its rows and the digests in the log are derived from this declaration (gateway.store.decisions).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from gateway.domain.decisions.breach_moments import possible_from
from gateway.domain.decisions.outcome import Approval, Outcome
from gateway.domain.decisions.provenance import DecisionProvenance
from gateway.domain.decisions.settlement import CLAIM_SILENCE, Settlement, Windows
from gateway.domain.decisions.stored_names import stored_as
from gateway.domain.decisions.terms import Terms
from gateway.domain.decisions.transitions import (
    BlockedTransitions,
    BreachKind,
    ClaimKind,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionState:
    """One decision. Times are the partner's business time in UTC, and None if the event has not happened.

    `subject` is the pairwise user id. `requested` is the requested amount; `due` and `settled` are zero until approved.
    `due` is the amount of the terms, or less after a reduction.
    `contest_starts_at`: when the dispute window of the breach starts, None if it does at the report.
    `lapsed_at`: when the overdue flag expired or became void. `written_off_at`: when the breach stopped using its
    exposure. `contested_at`: since when a dispute is open. `dispute_rejected_at`: when a dispute about the current flag
    or breach was rejected or withdrawn. `voided_at`: when a dispute about a breach was upheld; a breach that was
    settled during the dispute keeps its `breached_at`. `dispute_pause`: how long disputes have postponed the expiry of
    the overdue flag, in whole seconds.

    `claim`: how the person says that the obligation was met. `claim_told_at`: when the merchant first received
    that. `claim_accepted_at`: when the merchant had not contradicted it in time.
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
    contest_starts_at: BusinessTime | None = None
    written_off_at: BusinessTime | None = None
    contested_at: BusinessTime | None = None
    dispute_rejected_at: BusinessTime | None = field(default=None, metadata=stored_as(digest="confirmed_at"))
    voided_at: BusinessTime | None = None
    dispute_pause: timedelta = field(
        default=timedelta(0), metadata=stored_as("dispute_pause_seconds", digest="stood_still_seconds")
    )
    claim: ClaimKind | None = None
    claimed_at: BusinessTime | None = None
    claim_told_at: BusinessTime | None = None
    claim_accepted_at: BusinessTime | None = None
    claim_withdrawn_at: BusinessTime | None = None
    claim_contradicted_at: BusinessTime | None = None

    @property
    def provenance(self) -> DecisionProvenance:
        """The adapter, policy version and rule that decided."""
        return DecisionProvenance(self.adapter, self.policy_version, self.policy_hash, self.rule_id, self.score_as_of)

    @property
    def terms(self) -> Terms | None:
        """The terms of the approval, or None if the decision is not an approval."""
        return self.outcome.terms if isinstance(self.outcome, Approval) else None

    @property
    def agreed_due_at(self) -> BusinessTime | None:
        """The due date of the terms, before any extension."""
        return BusinessTime(self.terms.due_at) if self.terms else None

    @property
    def grace(self) -> timedelta:
        """How long after the due date the obligation is not yet overdue."""
        return self.terms.grace if self.terms else timedelta(0)

    @property
    def outstanding(self) -> Money:
        """The amount that is due and not settled."""
        return self.due - self.settled

    @property
    def exposure(self) -> Money:
        """The part of the person's credit limit that the decision uses: the outstanding amount of an approval until it
        ends, its overdue flag expires or it is written off. Released exposure is never used again."""
        is_used = self.status in _RESERVING and not self._freed
        return self.outstanding if is_used else Money.zero(self.currency)

    @property
    def committed(self) -> Money:
        """The amount that counts against the maximum amount of its consent."""
        if self.status is Status.PENDING:
            return self.requested
        return self.outstanding if self.status in _RESERVING else Money.zero(self.currency)

    @property
    def next_transition_at(self) -> BusinessTime | None:
        """When the next system transition is due, or None if there is none."""
        match self.status:
            case Status.PENDING | Status.APPROVED:
                return self.valid_until
            case Status.ACTIVE if not self.contested:
                return min(filter(None, (self.claim_ends_at, self._flag_changes_at)), default=None)
            case Status.BREACHED if self.breached_at and not self._freed and not self.contested:
                return self.breached_at + self.windows.write_off
            case _:
                return None

    @property
    def claim_is_open(self) -> bool:
        """Whether the person's claim has not ended. It waits while there is a breach, and goes on if that is void."""
        ended_at = self.claim_accepted_at or self.claim_contradicted_at or self.claim_withdrawn_at
        return self.claimed_at is not None and ended_at is None and self.status is Status.ACTIVE

    @property
    def claim_stands(self) -> bool:
        """Whether the person's claim was accepted, and the merchant has not contradicted it since."""
        return self.claim_accepted_at is not None and self.claim_contradicted_at is None

    @property
    def claim_ends_at(self) -> BusinessTime | None:
        """When an open claim is accepted: CLAIM_SILENCE after the merchant was told, or after it could report a missing
        payment or return. None without an open claim."""
        told_at = self.claim_told_at or self.claimed_at
        if told_at is None or not self.claim_is_open:
            return None
        return BusinessTime(max(told_at, self.breach_possible_from(BreachKind.NOT_PAID)) + CLAIM_SILENCE)

    @property
    def contested(self) -> bool:
        """Whether a dispute about the decision is open."""
        return self.contested_at is not None

    @property
    def flagged_at(self) -> BusinessTime | None:
        """When the overdue flag was set or the breach reported, or None if the decision has neither."""
        if self.status not in {Status.ACTIVE, Status.BREACHED}:
            return None
        return self.overdue_at or self.breached_at

    @property
    def overdue(self) -> bool:
        """Whether the overdue flag counts: it is set, has not expired and is not contested."""
        is_flagged = self.overdue_at is not None and self.lapsed_at is None and not self.contested
        return is_flagged and self.status in {Status.ACTIVE, Status.BREACHED}

    @property
    def blocked_transitions(self) -> BlockedTransitions:
        """Transitions blocked by history. After a voided breach, a new report requires the due date to have passed."""
        if self.lapsed_at is not None:
            why = "its overdue flag has expired"
            return {Transition.REPORT_BREACH: why, Transition.EXTEND: why}
        if self.contested:
            return {Transition.REPORT_BREACH: "a dispute is open"}
        if self.voided_at is not None and (self.overdue_at is None or self.overdue_at < self.voided_at):
            return {Transition.REPORT_BREACH: "a dispute about a breach was upheld, and the due date has not passed"}
        return {}

    @property
    def available_transitions(self) -> tuple[Transition, ...]:
        """The transitions that the merchant may make next, in the order of the transition table."""
        return available_transitions(self.status, self.blocked_transitions)

    @property
    def settlement(self) -> Settlement | None:
        """The settlement that the merchant sees, or None if the decision was never approved."""
        if not isinstance(self.outcome, Approval):
            return None
        is_void = self.status in {Status.CANCELLED, Status.EXPIRED}
        outstanding = Money.zero(self.currency) if is_void else self.outstanding
        return Settlement(self.due, self.settled, outstanding, self.due_at, self.overdue)

    @property
    def _flag_changes_at(self) -> BusinessTime | None:
        """When the overdue flag of an active decision is set, or expires."""
        if self._freed:
            return None
        if self.overdue_at is not None:
            return BusinessTime(self.overdue_at + self.windows.report + self.dispute_pause)
        return BusinessTime(self.due_at + self.grace) if self.due_at else None

    @property
    def _freed(self) -> bool:
        return self.lapsed_at is not None or self.written_off_at is not None

    def status_at(self, now: BusinessTime) -> Status:
        """Returns the status at `now`, as the function `status_at` does."""
        return status_at(self.status, self.valid_until, now)

    def as_of(self, now: BusinessTime) -> "DecisionState":
        """Returns the decision with its status at `now`: itself if that is the stored one."""
        if self.valid_until is None or now < self.valid_until:
            return self
        status = self.status_at(now)
        return self if status is self.status else replace(self, status=status)

    def breach_possible_from(self, kind: BreachKind) -> BusinessTime:
        """Returns the earliest moment at which a breach of this kind can be reported."""
        overdue_from = BusinessTime(self.due_at + self.grace) if self.due_at is not None else self.created_at
        active_from = self.activated_at or self.created_at
        return possible_from(kind, overdue_from=overdue_from, active_from=active_from, ask=self.ask)

    @property
    def breach_can_count_from(self) -> BusinessTime:
        """The moment before which the breach does not count: of the kind OTHER the due date, otherwise when a breach of
        its kind can be reported."""
        # Not only a check of the report: rows of older versions can hold a breach that was reported too early.
        if self.breach_kind is BreachKind.OTHER and self.due_at is not None:
            return self.due_at
        return self.breach_possible_from(self.breach_kind) if self.breach_kind is not None else self.created_at

    @property
    def contest_ends_at(self) -> BusinessTime | None:
        """The end of the dispute window of the breach, None without a breach."""
        starts_at = self.contest_starts_at or self.breached_at
        return None if starts_at is None else BusinessTime(starts_at + self.windows.contest)

    @property
    def breach_counts_from(self) -> BusinessTime | None:
        """The moment from which the breach counts, also if it is cured by now: the end of its dispute window, or when a
        dispute about it was rejected or withdrawn; never before it can count. It does not count while it is contested.
        None without a breach, and for one that is void."""
        if self.breached_at is None or (self.voided_at is not None and self.voided_at >= self.breached_at):
            return None
        uncontested_from = self.dispute_rejected_at or self.contest_ends_at or self.breached_at
        return BusinessTime(max(uncontested_from, self.breach_can_count_from))

    @property
    def late_counts_from(self) -> BusinessTime | None:
        """The moment from which a late settlement counts: one dispute window after the overdue flag was set, or when a
        dispute about the flag was rejected or withdrawn. It does not count while it is contested. None unless the
        decision was fulfilled while its overdue flag counted, without a breach."""
        if self.status is not Status.FULFILLED or self.breached_at is not None:
            return None
        if self.overdue_at is None or self.lapsed_at is not None:
            return None
        return self.dispute_rejected_at or BusinessTime(self.overdue_at + self.windows.contest)

    @property
    def flag_expired(self) -> bool:
        """Whether the overdue flag expired because no breach was reported in time."""
        if self.overdue_at is None or self.lapsed_at is None or self.lapsed_at == self.voided_at:
            return False
        return self.lapsed_at >= self.overdue_at + self.windows.report + self.dispute_pause

    def counts_as_breach(self, now: BusinessTime) -> bool:
        """Whether the decision is an open breach that counts and is not contested."""
        counts_from = self.breach_counts_from
        is_open = self.status is Status.BREACHED and not self.contested
        return is_open and counts_from is not None and now >= counts_from

    def counts_as_overdue(self, now: BusinessTime) -> bool:
        """Whether the decision is an open overdue obligation, and not a breach that counts. An overdue flag counts at
        once, also after a breach is reported, but not while contested."""
        return self.overdue and not self.counts_as_breach(now)

    def counts_against(self, now: BusinessTime) -> bool:
        """Whether the decision counts against the person, as a breach or as an overdue obligation."""
        return self.overdue or self.counts_as_breach(now)
