"""Where a decision stands: what it holds, what counts against the person, and what follows from that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.decision import Barred, BreachKind, Status, Transition, status_at
from gateway.domain.money import Money
from gateway.domain.settlement import Settlement, Windows

USUAL = Windows()


@dataclass(frozen=True, slots=True)
class Standing:
    """`requested` is what was asked for, `due` and `settled` are zero until an approval. Moments are UTC business time;
    one that has not come is None. `agreed_due_at`: the last date of the terms, before any extension; `lapsed_at`: the
    overdue mark no longer counts; `written_off_at`: the breach no longer holds its exposure; `contested_at`: since when
    a dispute is open; `confirmed_at`: one about what is held against the person was rejected or withdrawn;
    `voided_at`: a breach was found to be none; `stood_still`: how long disputes have kept the overdue mark from
    lapsing, in whole seconds."""

    status: Status
    requested: Money
    due: Money
    settled: Money
    valid_until: datetime | None = None
    due_at: datetime | None = None
    agreed_due_at: datetime | None = None
    grace: timedelta = timedelta(0)
    windows: Windows = USUAL
    activated_at: datetime | None = None
    overdue_at: datetime | None = None
    lapsed_at: datetime | None = None
    breached_at: datetime | None = None
    breach_kind: BreachKind | None = None
    written_off_at: datetime | None = None
    contested_at: datetime | None = None
    confirmed_at: datetime | None = None
    voided_at: datetime | None = None
    stood_still: timedelta = timedelta(0)

    @property
    def outstanding(self) -> Money:
        return self.due - self.settled

    @property
    def held(self) -> Money:
        """The part of the person's line of trust that the decision takes up: a request reserves nothing, an approval
        what is outstanding, until it ends, lapses or is written off. What has been freed is not taken up again."""
        holds = self.status in {Status.APPROVED, Status.ACTIVE, Status.BREACHED}
        return self.outstanding if holds and not self._freed else Money.zero(self.due.currency)

    @property
    def committed(self) -> Money:
        """What counts against the ceiling of its consent."""
        if self.status is Status.PENDING:
            return self.requested
        holds = self.status in {Status.APPROVED, Status.ACTIVE, Status.BREACHED}
        return self.outstanding if holds else Money.zero(self.due.currency)

    @property
    def wakes_at(self) -> datetime | None:
        """When the clock has to look at it next; None for never."""
        match self.status:
            case Status.PENDING | Status.APPROVED:
                return self.valid_until
            case Status.ACTIVE if not self._freed and not self.contested:
                if self.overdue_at is not None:
                    return self.overdue_at + self.windows.report + self.stood_still
                return self.due_at + self.grace if self.due_at else None
            case Status.BREACHED if self.breached_at and not self._freed and not self.contested:
                return self.breached_at + self.windows.write_off
            case _:
                return None

    @property
    def contested(self) -> bool:
        return self.contested_at is not None

    @property
    def overdue(self) -> bool:
        """The last date has passed, with its grace, and that counts: it is not contested and has not lapsed."""
        marked = self.overdue_at is not None and self.lapsed_at is None and not self.contested
        return marked and self.status in {Status.ACTIVE, Status.BREACHED}

    @property
    def barred(self) -> Barred:
        """What the merchant may not do although the table has it. Whoever let the time for a report go by, and whoever
        was found to be wrong, does not get the last word: after a voided breach it takes a last date that passes."""
        if self.lapsed_at is not None:
            why = "as its overdue mark counts no more"
            return {Transition.REPORT_BREACH: why, Transition.EXTEND: why}
        if self.contested:
            return {Transition.REPORT_BREACH: "while it is contested"}
        if self.voided_at is not None and (self.overdue_at is None or self.overdue_at < self.voided_at):
            return {Transition.REPORT_BREACH: "as a dispute about one was upheld, before its last date has passed"}
        return {}

    @property
    def _freed(self) -> bool:
        return self.lapsed_at is not None or self.written_off_at is not None

    def settlement(self, now: datetime) -> Settlement | None:
        """The side that a merchant sees at `now`, None where nothing was ever approved."""
        if self.status in {Status.PENDING, Status.DECLINED} or not self.due.minor:
            return None
        gone = self.at(now) in {Status.CANCELLED, Status.EXPIRED}
        outstanding = Money.zero(self.due.currency) if gone else self.outstanding
        return Settlement(self.due, self.settled, outstanding, self.due_at, self.overdue)

    def at(self, now: datetime) -> Status:
        """The status as of `now`."""
        return status_at(self.status, self.valid_until, now)

    def counts_against(self, now: datetime) -> bool:
        """Whether the person has an open overdue obligation by it: a breach once its window is over, an overdue mark
        at once, also when a breach is reported after it; neither while contested."""
        if self.overdue:
            return True
        if self.status is not Status.BREACHED or self.breached_at is None or self.contested:
            return False
        return self.confirmed_at is not None or now >= self.breached_at + self.windows.contest
