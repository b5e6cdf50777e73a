"""Where a decision stands, and what each step of its life makes of that: pure, the table of `domain.decision` in time
and money."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from gateway.domain.decision import Barred, BreachKind, Happening, Status, Step, Transition, require, status_at
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.outcome import Approval
from gateway.domain.settlement import Settlement, Windows

USUAL = Windows()
FURTHEST_EXTENSION = timedelta(days=366)
"""How far beyond the last date of its terms a due date may be moved, by however many extensions."""


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


Moved = tuple[Standing, Step]


def new(
    requested: Money, status: Status, approval: Approval | None, last: datetime | None, windows: Windows
) -> Standing:
    """The standing of a decision that has just been made; `last` is until when a referral can wait."""
    zero = Money.zero(requested.currency)
    fresh = Standing(status, requested, zero, zero, valid_until=last, windows=windows)
    return _promised(fresh, approval) if approval else fresh


def approved(standing: Standing, approval: Approval, windows: Windows, now: datetime) -> Moved:
    """An operator approves what was referred. Raises StateConflict, here and in all that follows, where the table has
    no such step."""
    step = require(Happening.APPROVE, standing.at(now))
    return replace(_promised(standing, approval), status=step.target, windows=windows), step


def declined(standing: Standing, now: datetime) -> Moved:
    """An operator declines what was referred."""
    step = require(Happening.DECLINE, standing.at(now))
    return replace(standing, status=step.target, valid_until=None), step


def cancelled(standing: Standing, now: datetime) -> Moved:
    return _to(standing, Transition.CANCEL, now)


def activated(standing: Standing, now: datetime, handed_over_at: datetime | None = None) -> Moved:
    """The person has the goods, the room or the money. Raises InvalidInput for a moment that has not come."""
    step = require(Transition.ACTIVATE, standing.at(now))
    _require_past(handed_over_at, now, "handedOverAt")
    return replace(standing, status=step.target, activated_at=handed_over_at or now), step


def extended(standing: Standing, now: datetime, due_at: datetime) -> Moved:
    """A later due date. An overdue mark goes with it, and what is contested about it. Raises InvalidInput for a date
    that is not later, is past with its grace, or is too far off."""
    step = require(Transition.EXTEND, standing.at(now), standing.barred)
    if standing.due_at is not None and due_at <= standing.due_at:
        raise InvalidInput("INVALID_PERIOD", "The due date can only move later.", ("dueAt",))
    last = (standing.agreed_due_at or now) + FURTHEST_EXTENSION
    if due_at > last:  # first: at the end of all dates no grace can be added
        raise InvalidInput(
            "INVALID_PERIOD", f"At most {FURTHEST_EXTENSION.days} days after the last date agreed.", ("dueAt",)
        )
    if due_at + standing.grace <= now:
        raise InvalidInput("INVALID_PERIOD", "The new due date has passed already.", ("dueAt",))
    fresh = replace(standing, due_at=due_at, overdue_at=None, contested_at=None, confirmed_at=None)
    return replace(fresh, stood_still=timedelta(0)), step


def settled(
    standing: Standing, now: datetime, amount: Money | None = None, settled_at: datetime | None = None
) -> Moved:
    """The whole of what is outstanding, or `amount` of it. A breach is made good as a whole. Raises InvalidInput."""
    whole = require(Transition.FULFILL, standing.at(now))
    _require_past(settled_at, now, "settledAt")
    if amount is not None:
        _require_part(amount, standing.outstanding, "settledAmount")
    if amount is None or amount == standing.outstanding:
        return replace(standing, status=whole.target, settled=standing.due, contested_at=None), whole
    if standing.status is Status.BREACHED:
        raise InvalidInput(
            "INVALID_AMOUNT",
            f"A breach is made good as a whole: {standing.outstanding} is outstanding.",
            ("settledAmount", "amount"),
        )
    part = require(Happening.SETTLE_PART, standing.at(now))
    return replace(standing, settled=standing.settled + amount), part


def breached(standing: Standing, now: datetime, kind: BreachKind, outstanding: Money | None = None) -> Moved:
    """The promise was not kept. `outstanding`, if it is less than what is still due, says that the rest has been
    settled. Raises InvalidInput for more: the person answers for no more than the terms say."""
    step = require(Transition.REPORT_BREACH, standing.at(now), standing.barred)
    paid = standing.settled
    if outstanding is not None:
        _require_part(outstanding, standing.outstanding, "amountOutstanding")
        paid = standing.due - outstanding
    moved = replace(standing, status=step.target, settled=paid, breached_at=now, breach_kind=kind, confirmed_at=None)
    return moved, step


def breach_voided(standing: Standing, now: datetime) -> Moved:
    """A dispute about the breach was upheld: as if it had not been reported, and it cannot be reported again before
    the last date has passed. What is past its date by then does not become overdue by that."""
    step = require(Happening.VOID_BREACH, standing.at(now))
    late = standing.due_at is not None and now >= standing.due_at + standing.grace
    freed = late or standing.written_off_at is not None
    lapsed_at = standing.lapsed_at or (now if freed else None)
    cleared = replace(standing, breached_at=None, breach_kind=None, lapsed_at=lapsed_at, voided_at=now)
    return replace(cleared, status=step.target, contested_at=None), step


def contested(standing: Standing, now: datetime) -> Standing:
    """The person contests what is held against them: it neither counts nor moves until that is decided."""
    return replace(standing, contested_at=now)


def uncontested(standing: Standing, now: datetime) -> Standing:
    """The dispute is over, and not upheld: what was contested counts at once. The time that it took is added to the
    window after an overdue mark, as nothing could be reported meanwhile."""
    paused = now - (standing.contested_at or now)
    stood_still = standing.stood_still + timedelta(seconds=ceil(paused.total_seconds()))
    return replace(standing, contested_at=None, confirmed_at=now, stood_still=stood_still)


def overdue_voided(standing: Standing, now: datetime) -> Moved:
    """A dispute about the overdue mark was upheld: it counts no more."""
    step = require(Happening.LAPSE, standing.at(now))
    return replace(standing, status=step.target, lapsed_at=now, contested_at=None), step


def woken(standing: Standing, now: datetime) -> Iterator[Moved]:
    """What the clock does to it by `now`, one step after the other."""
    while standing.wakes_at is not None and standing.wakes_at <= now:
        if standing.at(now) is Status.EXPIRED:
            step = require(Happening.EXPIRE, standing.status)
            standing = replace(standing, status=step.target)
        elif standing.status is Status.BREACHED:
            step = require(Happening.WRITE_OFF, standing.status)
            standing = replace(standing, written_off_at=now)
        elif standing.overdue_at is None:
            step = require(Happening.MARK_OVERDUE, standing.status)
            standing = replace(standing, overdue_at=now)  # the window to report a breach begins with the notice
        else:
            step = require(Happening.LAPSE, standing.status)
            standing = replace(standing, lapsed_at=now)
        yield standing, step


def _to(standing: Standing, transition: Transition, now: datetime) -> Moved:
    step = require(transition, standing.at(now))
    return replace(standing, status=step.target), step


def _promised(standing: Standing, approval: Approval) -> Standing:
    terms = approval.terms
    return replace(
        standing,
        due=terms.exposed,
        settled=Money.zero(terms.exposed.currency),
        valid_until=approval.valid_until,
        due_at=terms.due_at,
        agreed_due_at=terms.due_at,
        grace=terms.grace,
    )


def _require_past(moment: datetime | None, now: datetime, field: str) -> None:
    if moment is not None and moment > now:
        raise InvalidInput("INVALID_PERIOD", "This moment has not come yet.", (field,))


def _require_part(amount: Money, outstanding: Money, field: str) -> None:
    """Raises InvalidInput unless the amount is above zero and at most what is outstanding."""
    if amount.currency != outstanding.currency:
        raise InvalidInput("UNSUPPORTED_CURRENCY", f"The terms are in {outstanding.currency}.", (field, "currency"))
    if not amount.minor or not amount <= outstanding:
        raise InvalidInput(
            "INVALID_AMOUNT", f"Above zero and at most {outstanding}, which is outstanding.", (field, "amount")
        )
