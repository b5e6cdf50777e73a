"""The view of an obligation that is open or was settled late: its merchant, amount and date, its breach or overdue
flag, and its dispute. Persons read "agreement" for obligation."""

from dataclasses import dataclass

from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES, Dispute, DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import OPEN_STATUSES, BreachKind, ClaimKind, Status
from gateway.services.decisions.obligations import Obligation
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.site.contest_deadline import describe_contest_deadline
from gateway.web.texts import Texts, msgid

STATEMENT = "statement"
"""The field of the form that contests an obligation."""

CLAIMS = {ClaimKind.RETURNED: msgid("I have returned it"), ClaimKind.PAID: msgid("I have paid")}
"""What a person can say about an obligation."""

_UNUSED = msgid("%(amount)s, not used yet. It expires on %(date)s.")
_OPEN = msgid("%(amount)s open, due on %(date)s.")
_SETTLED = msgid("Settled. Its last date was %(date)s.")
_LATE = msgid("You settled this late. From %(date)s on it counts against you, unless you dispute it before.")
_LATE_COUNTS = msgid("You settled this late. It counts against you.")
_OVERDUE = msgid("Overdue since %(date)s.")
_BREACHED = msgid("On %(date)s the merchant reported that you broke the agreement: %(kind)s.")
_BREACH_KINDS = {
    BreachKind.NOT_PAID: msgid("not paid"),
    BreachKind.NOT_RETURNED: msgid("not returned"),
    BreachKind.DAMAGED: msgid("damaged"),
    BreachKind.NO_SHOW: msgid("you did not show up"),
    BreachKind.OTHER: msgid("another reason"),
}
_DISPUTES = {
    DisputeStatus.AWAITING_MERCHANT: msgid(
        "You disputed this. It does not count against you for now. If the merchant does not answer by %(date)s, your"
        " dispute is upheld."
    ),
    DisputeStatus.UNDER_REVIEW: msgid(
        "You disputed this, and the merchant does not agree. It does not count against you until the operator of this"
        " service has decided."
    ),
    DisputeStatus.REJECTED: msgid("The operator of this service rejected your dispute. This counts against you."),
    DisputeStatus.UPHELD: msgid("Your dispute was upheld."),
    DisputeStatus.WITHDRAWN: msgid("You withdrew your dispute."),
}
_REJECTED_EARLY = msgid(
    "The operator of this service rejected your dispute. This counts against you, but not before %(date)s."
)
_WITHDRAWAL = msgid("If you withdraw your dispute, this counts against you, and you cannot dispute it again.")
_WITHDRAWAL_EARLY = msgid(
    "If you withdraw your dispute, this counts against you, but not before %(date)s, and you cannot dispute it again."
)


@dataclass(frozen=True, slots=True)
class ObligationView:
    """One obligation. `sentence` is about its amount and date, `default` about its breach, overdue flag or late
    settlement, `deadline` about the dispute window of its breach, `dispute` about its dispute. `statement` is the
    person's text, `response` the merchant's, `resolution` the operator's. `contest_address` and `withdraw_address` are
    the actions of its forms. `withdrawal` says what happens if the dispute is withdrawn. `claim` is the text of the
    link to where the person can say that it was kept. Each of these is "" if it does not apply."""

    id: str
    is_open: bool
    is_settled: bool
    merchant: str
    product: str
    sentence: str
    default: str
    deadline: str
    dispute: str
    statement: str
    response: str
    resolution: str
    contest_address: str
    withdraw_address: str
    withdrawal: str
    claim: str


def describe_obligation(texts: Texts, obligation: Obligation) -> ObligationView:
    """The view of the obligation in the person's language."""
    state, dispute = obligation.state, obligation.dispute
    default = _describe_default(texts, obligation)
    in_dispute = dispute is not None and dispute.status in OPEN_DISPUTE_STATUSES
    relevant = dispute if dispute is not None and (in_dispute or _is_about(dispute, state, default)) else None
    return ObligationView(
        id=state.id,
        is_open=state.status in OPEN_STATUSES,
        is_settled=state.status is Status.FULFILLED,
        merchant=obligation.merchant_name,
        product=texts.gettext(PRODUCTS[state.product]),
        sentence=_describe_amount(texts, obligation),
        default=default,
        deadline=describe_contest_deadline(texts, obligation.contest_window) if obligation.contest_window else "",
        dispute=describe_dispute(texts, relevant, state) if relevant else "",
        statement=relevant.statement if relevant else "",
        response=(relevant.response or "") if relevant else "",
        resolution=(relevant.resolution or "") if relevant else "",
        contest_address=f"/account/decisions/{state.id}/contest" if obligation.contestable else "",
        withdraw_address=f"/account/disputes/{dispute.id}/withdraw" if dispute and in_dispute else "",
        withdrawal=_describe_withdrawal(texts, state) if in_dispute else "",
        claim=texts.gettext(CLAIMS[obligation.claimable]) if obligation.claimable else "",
    )


def _is_about(dispute: Dispute, state: DecisionState, default: str) -> bool:
    """Whether an ended dispute is about what the page says of the obligation now. An upheld one is not about a breach
    or an overdue flag that came after it, and a rejected one is not about a breach that was reported after it."""
    if dispute.status is DisputeStatus.UPHELD:
        return not default
    return bool(default) and state.dispute_rejected_at is not None


def _describe_amount(texts: Texts, obligation: Obligation) -> str:
    state, settlement = obligation.state, obligation.state.settlement
    if settlement is None:
        return ""
    if state.status is Status.FULFILLED:
        return texts.gettext(_SETTLED, date=texts.date(settlement.due_at) if settlement.due_at else "")
    unused = state.status is Status.APPROVED
    last_date = state.valid_until if unused else settlement.due_at
    amount = texts.money(settlement.outstanding)
    return texts.gettext(_UNUSED if unused else _OPEN, amount=amount, date=texts.date(last_date) if last_date else "")


def _describe_default(texts: Texts, obligation: Obligation) -> str:
    state = obligation.state
    if state.late_counts_from is not None and not state.contested:
        if obligation.contestable is None:
            return texts.gettext(_LATE_COUNTS)
        return texts.gettext(_LATE, date=texts.date(state.late_counts_from))
    if state.status is Status.BREACHED and state.breached_at is not None and state.breach_kind is not None:
        kind, date = texts.gettext(_BREACH_KINDS[state.breach_kind]), texts.date(state.breached_at)
        return texts.gettext(_BREACHED, date=date, kind=kind)
    settlement = state.settlement
    if settlement is not None and settlement.overdue and settlement.due_at is not None:
        return texts.gettext(_OVERDUE, date=texts.date(settlement.due_at))
    return ""


def describe_dispute(texts: Texts, dispute: Dispute, state: DecisionState) -> str:
    """A sentence about the state of the dispute about this decision."""
    if dispute.status is DisputeStatus.REJECTED and _is_early(state):
        return texts.gettext(_REJECTED_EARLY, date=texts.date(state.breach_can_count_from))
    return texts.gettext(_DISPUTES[dispute.status], date=texts.date(dispute.respond_by))


def _describe_withdrawal(texts: Texts, state: DecisionState) -> str:
    if _is_early(state):
        return texts.gettext(_WITHDRAWAL_EARLY, date=texts.date(state.breach_can_count_from))
    return texts.gettext(_WITHDRAWAL)


def _is_early(state: DecisionState) -> bool:
    """Whether the breach was reported before it can count."""
    return state.breached_at is not None and state.breached_at < state.breach_can_count_from
