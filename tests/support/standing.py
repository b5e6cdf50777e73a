"""One promise over 300.00 yuan that is due in a week, wherever it stands."""

from datetime import timedelta
from typing import Any

from gateway.domain import life
from gateway.domain.decision import BreachKind, Happening, Status, Transition
from gateway.domain.money import Money
from gateway.domain.outcome import Approval
from gateway.domain.settlement import Windows
from gateway.domain.standing import Standing
from gateway.domain.terms import PayLaterTerms
from tests.support.clock import NOON

DAY = timedelta(days=1)
AMOUNT = Money(30_000, "CNY")
DUE = NOON + 7 * DAY
GRACE = DAY
WINDOWS = Windows(report=10 * DAY, contest=5 * DAY, respond=2 * DAY, write_off=100 * DAY)
APPROVAL = Approval(PayLaterTerms(AMOUNT, DUE, GRACE), NOON + 3 * DAY)


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def approved() -> Standing:
    return life.new(yuan(40_000), Status.APPROVED, APPROVAL, None, WINDOWS)


def active() -> Standing:
    return life.activated(approved(), NOON)[0]


def breached(standing: Standing | None = None, at: Any = NOON) -> Standing:
    return life.breached(standing or active(), at, BreachKind.NOT_PAID)[0]


def woken(standing: Standing, now: Any) -> tuple[Standing, list[Happening | Transition]]:
    steps: list[Happening | Transition] = []
    for moved, step in life.woken(standing, now):
        standing = moved
        steps.append(step.name)
    return standing, steps
