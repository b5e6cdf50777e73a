"""The tables in docs/glossary.md agree with the domain. Each row is computed from a decision in that state."""

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import require_contestable
from gateway.domain.decisions.exposure import available_limit
from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import RULES, ClaimKind, Status, SystemTransition
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from tests.support.checkout import ROOT
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    DAY,
    DUE,
    GRACE,
    WINDOWS,
    active,
    after,
    approved,
    breached,
    due_applied,
    new_state,
    pending,
    yuan,
)

GLOSSARY = ROOT / "docs" / "glossary.md"
OVERDUE = DUE + GRACE
LAPSED = OVERDUE + WINDOWS.report
UNCONTESTED = NOON + WINDOWS.contest
WRITTEN_OFF = NOON + WINDOWS.write_off
EXPIRED = NOON + 3 * DAY
VOIDED_BY = {
    Status.ACTIVE: SystemTransition.LAPSE,
    Status.BREACHED: SystemTransition.VOID_BREACH,
    Status.FULFILLED: SystemTransition.VOID_LATE_SETTLEMENT,
}
EFFECTS = (
    "state",
    "status",
    "counts against the person",
    "uses the credit limit",
    "counts against the maximum amount",
    "can be disputed",
)
TRANSITIONS = ("state", "transitions of the merchant", "due transition", "by the operator, or by an upheld dispute")

EXAMPLE = ("what happens", "exposure", "available limit", "committed amount", "the consent still covers")
CREDIT_LIMIT, MAXIMUM_AMOUNT = yuan(3_000_000), yuan(200_000)


def settled_in_part() -> DecisionState:
    """An active decision over 300 yuan of which 100 are settled, so that due and outstanding amount differ."""
    return after(active(), Decision.settle, NOON, yuan(10_000))


def flagged() -> DecisionState:
    return due_applied(settled_in_part(), OVERDUE)[0]


def late_settlement() -> DecisionState:
    return after(flagged(), Decision.settle, OVERDUE)


def contested(state: DecisionState, now: BusinessTime) -> DecisionState:
    return after(state, Decision.open_dispute, now)


def claimed() -> DecisionState:
    return after(settled_in_part(), Decision.claim, NOON, ClaimKind.PAID)


def rejected(state: DecisionState, now: BusinessTime) -> DecisionState:
    return after(contested(state, now), Decision.reject_dispute, now)


def states() -> dict[str, tuple[DecisionState, BusinessTime]]:
    """A decision in each state, and the time at which it is in that state."""
    reviewed, breach, late = pending(EXPIRED), breached(settled_in_part()), breached(flagged(), OVERDUE)
    return {
        "in manual review": (reviewed, NOON),
        "declined": (new_state(status=Status.DECLINED, outcome=Decline(("NOT_SCORED",))), NOON),
        "approved": (approved(), NOON),
        "active": (settled_in_part(), NOON),
        "active, claimed": (claimed(), NOON),
        "active, overdue flag set": (flagged(), OVERDUE),
        "active, claimed, overdue flag set": (due_applied(claimed(), OVERDUE)[0], OVERDUE),
        "active, overdue flag disputed": (contested(flagged(), OVERDUE), OVERDUE),
        "active, dispute about the flag rejected or withdrawn": (rejected(flagged(), OVERDUE), OVERDUE),
        "active, overdue flag expired (lapsed)": (due_applied(flagged(), LAPSED)[0], LAPSED),
        "breached, time to dispute not over": (breach, NOON),
        "breached after the overdue flag was set, time to dispute not over": (late, OVERDUE),
        "breached, time to dispute over": (breach, UNCONTESTED),
        "breached, disputed": (contested(breach, NOON), NOON),
        "breached, dispute rejected or withdrawn": (rejected(breach, NOON), NOON),
        "breached, written off": (due_applied(breach, WRITTEN_OFF)[0], WRITTEN_OFF),
        "active, breach voided before the due date": (after(contested(breach, NOON), Decision.void_breach, NOON), NOON),
        "fulfilled late, time to dispute not over": (late_settlement(), OVERDUE),
        "fulfilled late, disputed": (contested(late_settlement(), OVERDUE), OVERDUE),
        "fulfilled late, time to dispute over": (late_settlement(), OVERDUE + WINDOWS.contest),
        "fulfilled": (after(settled_in_part(), Decision.settle, NOON), NOON),
        "cancelled": (after(approved(), Decision.cancel, NOON), NOON),
        "expired": (due_applied(approved(), EXPIRED)[0], EXPIRED),
    }


def amount_name(amount: Money, state: DecisionState) -> str:
    """Which amount of the decision this is. The requested amount differs from the outstanding one."""
    names = {0: "no", state.requested.minor: "requested amount", state.outstanding.minor: "outstanding amount"}
    return "no" if not amount.minor else names[amount.minor]


def is_contestable(state: DecisionState, now: BusinessTime) -> bool:
    try:
        require_contestable(state, now)
    except InvalidInput:
        return False
    return True


def effects(state: DecisionState, now: BusinessTime) -> tuple[str, ...]:
    return (
        state.status_at(now),
        "yes" if state.counts_against(now) else "no",
        amount_name(state.exposure, state),
        amount_name(state.committed, state),
        "yes" if is_contestable(state, now) else "no",
    )


def transitions(state: DecisionState) -> tuple[str, ...]:
    """The transitions of the merchant, the event of the next due transition, and the events that the operator or an
    upheld dispute causes."""
    at = state.next_transition_at
    due = due_applied(state, at)[1][:1] if at else []
    by_operator: list[SystemTransition] = []
    if state.status is Status.PENDING:
        by_operator = [SystemTransition.APPROVE, SystemTransition.DECLINE]
    elif state.contested:
        by_operator = [VOIDED_BY[state.status]]
    events = [[RULES[name].topic for name in names if name is not None] for names in (due, by_operator)]
    return tuple(", ".join(names) or "none" for names in (state.available_transitions, *events))


def example_states() -> dict[str, DecisionState]:
    """The decision of the example about exposure and committed amount, after each of its events."""
    lapsed = due_applied(flagged(), LAPSED)[0]
    return {
        "a request for 400 is sent to manual review": pending(EXPIRED),
        "the operator approves 300": approved(),
        "the goods are delivered, and the person pays 100": settled_in_part(),
        "the due date passes, and no breach is reported until the overdue flag expires": lapsed,
        "the person pays the other 200": after(lapsed, Decision.settle, LAPSED),
    }


def amounts(state: DecisionState) -> tuple[str, ...]:
    """Exposure, available limit, committed amount, and the rest of the maximum amount, in whole yuan."""
    available = available_limit(CREDIT_LIMIT, state.exposure, ())
    values = (state.exposure, available, state.committed, MAXIMUM_AMOUNT - state.committed)
    return tuple(f"{value.minor // 100:,}" for value in values)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def table(heading: tuple[str, ...], rows: list[str]) -> str:
    return "\n".join((row(*heading), f"|{'---|' * len(heading)}", *rows))


def test_glossary_has_the_effects_of_each_state() -> None:
    rows = [row(name, *effects(state, now)) for name, (state, now) in states().items()]
    assert table(EFFECTS, rows) in GLOSSARY.read_text(encoding="utf-8")


def test_glossary_has_the_transitions_of_each_state() -> None:
    rows = [row(name, *transitions(state)) for name, (state, _) in states().items()]
    assert table(TRANSITIONS, rows) in GLOSSARY.read_text(encoding="utf-8")


def test_glossary_has_the_amounts_of_the_example() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    assert table(EXAMPLE, [row(name, *amounts(state)) for name, state in example_states().items()]) in text
    elsewhere = available_limit(CREDIT_LIMIT, yuan(0), [approved().exposure])
    assert f"Its available limit is {elsewhere.minor // 100:,}." in text


def test_glossary_has_a_state_of_each_status() -> None:
    assert {state.status_at(now) for state, now in states().values()} == set(Status)
