"""States of one decision over 300.00 yuan that is due in a week."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gateway.domain.decisions.decision import Decision, DecisionEvent
from gateway.domain.decisions.outcome import Approval, ManualReview
from gateway.domain.decisions.provenance import DecisionProvenance
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.decisions.transitions import BreachKind, Status, SystemTransition, Transition
from gateway.domain.errors import GatewayError
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON

DAY = timedelta(days=1)
AMOUNT = Money(30_000, "CNY")
DUE = NOON + 7 * DAY
GRACE = DAY
WINDOWS = Windows(report=10 * DAY, contest=5 * DAY, respond=2 * DAY, write_off=100 * DAY)
PROVENANCE = DecisionProvenance("online_shop", "2", "1" * 64, "good", NOON)
APPROVAL = Approval(PayLaterTerms(AMOUNT, DUE, GRACE), NOON + 3 * DAY)


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def new_state(**fields: Any) -> DecisionState:
    """A PENDING decision about 400.00 yuan; `fields` replace fields of the state."""
    defaults: dict[str, Any] = {
        "id": "dec_test_1",
        "merchant_id": "mer_test_1",
        "client_id": "cli_test_1",
        "consent_id": "con_test_1",
        "subject": "pws_1",
        "merchant_reference": "order-1",
        "adapter": "online_shop",
        "product": Product.PAY_LATER,
        "purpose": "ONLINE_PURCHASE",
        "status": Status.PENDING,
        "ask": {"onlineOrder": {}},
        "outcome": ManualReview(),
        "policy_version": "1",
        "policy_hash": "0" * 64,
        "rule_id": "everyone",
        "currency": "CNY",
        "created_at": NOON,
        "updated_at": NOON,
        "requested": yuan(40_000),
        "due": yuan(0),
        "settled": yuan(0),
        "windows": WINDOWS,
    }
    return DecisionState(**{**defaults, **fields})


def pending(last_date: BusinessTime) -> DecisionState:
    """In manual review until `last_date`."""
    return Decision.request(new_state(), None, last_date)[0].state


def approved() -> DecisionState:
    return Decision.request(new_state(status=Status.APPROVED, outcome=APPROVAL), APPROVAL, None)[0].state


def active() -> DecisionState:
    return after(approved(), Decision.activate, NOON)


def breached(
    state: DecisionState | None = None, at: BusinessTime = NOON, kind: BreachKind = BreachKind.DAMAGED
) -> DecisionState:
    return after(state or active(), Decision.report_breach, at, kind)


def after(state: DecisionState, transition: Callable[..., DecisionEvent], *arguments: Any) -> DecisionState:
    """The state after one transition, for example `Decision.settle`, with its arguments."""
    return changed(state, transition, *arguments)[0]


def changed(
    state: DecisionState, transition: Callable[..., DecisionEvent], *arguments: Any
) -> tuple[DecisionState, DecisionEvent]:
    """The state after one transition, and its event. A transition that raises must not change the state."""
    decision = Decision(state)
    try:
        event = transition(decision, *arguments)
    except GatewayError:
        assert decision.state is state
        raise
    return decision.state, event


def due_applied(
    state: DecisionState, now: BusinessTime
) -> tuple[DecisionState, list[SystemTransition | Transition | None]]:
    """The state after all transitions that are due by `now`, and their names."""
    decision = Decision(state)
    names = [event.transition for event in decision.apply_due(now)]
    return decision.state, names


def flagged() -> DecisionState:
    """An active decision whose overdue flag was just set."""
    return due_applied(active(), DUE + GRACE)[0]
