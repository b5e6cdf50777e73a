"""What each step of a decision's life makes of where it stands: pure, the table of `domain.decision` in time and
money."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from gateway.domain.decision import BreachKind, Happening, Status, Step, Transition, require
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.outcome import Approval
from gateway.domain.settlement import Windows
from gateway.domain.standing import Standing

FURTHEST_EXTENSION = timedelta(days=366)
"""How far beyond the last date of its terms a due date may be moved, by however many extensions."""

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


def by(standing: Standing, now: datetime) -> Standing:
    """Where it stands once the clock has come by at `now`, whether it has or not."""
    for moved, _ in woken(standing, now):
        standing = moved
    return standing


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
