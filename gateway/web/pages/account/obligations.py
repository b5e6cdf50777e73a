"""Open obligations, which people read as agreements: to whom, how much until when, breaches, overdue flags and
disputes."""

from dataclasses import dataclass

from gateway.domain.decisions.dispute import OPEN, Dispute, DisputeStatus
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.services.decisions.obligations import Obligation
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.texts import Texts, msgid

_UNUSED = msgid("%(amount)s, not used yet. It lapses on %(date)s.")
_OPEN = msgid("%(amount)s are open, until %(date)s.")
_OVERDUE = msgid("Overdue since %(date)s.")
_BREACHED = msgid("%(merchant)s reported on %(date)s that it was not kept: %(kind)s.")
_BREACH_KINDS = {
    BreachKind.NOT_PAID: msgid("not paid"),
    BreachKind.NOT_RETURNED: msgid("not returned"),
    BreachKind.DAMAGED: msgid("damaged"),
    BreachKind.NO_SHOW: msgid("you did not come"),
    BreachKind.OTHER: msgid("something else"),
}
_DISPUTES = {
    DisputeStatus.AWAITING_MERCHANT: msgid(
        "You contest this, and it does not count against you. %(merchant)s has until %(date)s to answer; without an"
        " answer you are right."
    ),
    DisputeStatus.UNDER_REVIEW: msgid(
        "You contest this, and it does not count against you. %(merchant)s does not agree: the operator of this service"
        " decides."
    ),
    DisputeStatus.REJECTED: msgid("You contested this. The operator of this service decided that it counts."),
    DisputeStatus.UPHELD: msgid("You contested something here, and were right."),
    DisputeStatus.WITHDRAWN: msgid("You no longer contest this."),
}


@dataclass(frozen=True, slots=True)
class ObligationView:
    """One open obligation on the account page. `default` says that it is breached or overdue; `contest_address` and
    `withdraw_address` are the actions of its forms; `response` and `resolution` quote the merchant and the operator.
    Each of them, and `dispute`, is "" if it does not apply."""

    id: str
    merchant: str
    product: str
    sentence: str
    default: str
    dispute: str
    response: str
    resolution: str
    contest_address: str
    withdraw_address: str


def describe_obligation(texts: Texts, obligation: Obligation) -> ObligationView:
    """The obligation in the person's language."""
    state, dispute = obligation.state, obligation.dispute
    default = _describe_default(texts, obligation)
    in_dispute = dispute is not None and dispute.status in OPEN
    upheld = dispute is not None and dispute.status is DisputeStatus.UPHELD
    relevant = dispute if in_dispute or upheld or default else None
    return ObligationView(
        id=state.id,
        merchant=obligation.merchant_name,
        product=texts.gettext(PRODUCTS[state.product]),
        sentence=_describe_amount(texts, obligation),
        default=default,
        dispute=_describe_dispute(texts, relevant, obligation.merchant_name) if relevant else "",
        response=(relevant.response or "") if relevant else "",
        resolution=(relevant.resolution or "") if relevant else "",
        contest_address=f"/account/decisions/{state.id}/contest" if obligation.contestable else "",
        withdraw_address=f"/account/disputes/{dispute.id}/withdraw" if dispute and in_dispute else "",
    )


def _describe_amount(texts: Texts, obligation: Obligation) -> str:
    state, settlement = obligation.state, obligation.state.settlement
    if settlement is None:
        return ""
    unused = state.status is Status.APPROVED
    last_date = state.valid_until if unused else settlement.due_at
    amount = texts.money(settlement.outstanding)
    return texts.gettext(_UNUSED if unused else _OPEN, amount=amount, date=texts.date(last_date) if last_date else "")


def _describe_default(texts: Texts, obligation: Obligation) -> str:
    state = obligation.state
    if state.breached_at is not None and state.breach_kind is not None:
        kind, date = texts.gettext(_BREACH_KINDS[state.breach_kind]), texts.date(state.breached_at)
        return texts.gettext(_BREACHED, merchant=obligation.merchant_name, date=date, kind=kind)
    settlement = state.settlement
    if settlement is not None and settlement.overdue and settlement.due_at is not None:
        return texts.gettext(_OVERDUE, date=texts.date(settlement.due_at))
    return ""


def _describe_dispute(texts: Texts, dispute: Dispute, merchant: str) -> str:
    return texts.gettext(_DISPUTES[dispute.status], merchant=merchant, date=texts.date(dispute.respond_by))
