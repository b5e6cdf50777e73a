"""Open promises in plain words: to whom, how much until when, what is held against the person, and what became of what
they contest."""

from dataclasses import dataclass

from gateway.domain.decision import BreachKind, Status
from gateway.domain.dispute import OPEN, DisputeStatus
from gateway.services.obligations import Obligation
from gateway.web.pages.words import PRODUCTS
from gateway.web.texts import Texts, msgid

_UNUSED = msgid("%(amount)s, not used yet. It lapses on %(date)s.")
_OPEN = msgid("%(amount)s are open, until %(date)s.")
_OVERDUE = msgid("Overdue since %(date)s.")
_BREACHED = msgid("%(merchant)s reported on %(date)s that it was not kept: %(kind)s.")
KINDS = {
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
class Agreement:
    """One open promise on the account page. `against` is what is held against the person, "" for nothing; `contest` and
    `withdraw` are where their forms go, "" where they have none; `answer` and `why` are the others' words."""

    id: str
    merchant: str
    product: str
    sentence: str
    against: str
    dispute: str
    answer: str
    why: str
    contest: str
    withdraw: str


def agreement(texts: Texts, obligation: Obligation) -> Agreement:
    """An open promise as its person reads it."""
    decision, dispute = obligation.decision, obligation.dispute
    contested = dispute is not None and dispute.status in OPEN
    upheld = dispute is not None and dispute.status is DisputeStatus.UPHELD
    told = dispute is not None and (contested or upheld or bool(_against(texts, obligation)))
    return Agreement(
        id=decision.id,
        merchant=obligation.merchant_name,
        product=texts.gettext(PRODUCTS[decision.product]),
        sentence=_sentence(texts, obligation),
        against=_against(texts, obligation),
        dispute=_dispute(texts, obligation) if told else "",
        answer=(dispute.response or "") if dispute and told else "",
        why=(dispute.resolution or "") if dispute and told else "",
        contest=f"/account/decisions/{decision.id}/contest" if obligation.contestable else "",
        withdraw=f"/account/disputes/{dispute.id}/withdraw" if dispute and contested else "",
    )


def _sentence(texts: Texts, obligation: Obligation) -> str:
    settlement, decision = obligation.decision.settlement, obligation.decision
    if settlement is None:
        return ""
    unused = decision.status is Status.APPROVED
    last = decision.valid_until if unused else settlement.due_at
    amount = texts.money(settlement.outstanding)
    return texts.gettext(_UNUSED if unused else _OPEN, amount=amount, date=texts.date(last) if last else "")


def _against(texts: Texts, obligation: Obligation) -> str:
    standing = obligation.standing
    if standing.breached_at is not None and standing.breach_kind is not None:
        kind, date = texts.gettext(KINDS[standing.breach_kind]), texts.date(standing.breached_at)
        return texts.gettext(_BREACHED, merchant=obligation.merchant_name, date=date, kind=kind)
    settlement = obligation.decision.settlement
    if settlement is not None and settlement.overdue and settlement.due_at is not None:
        return texts.gettext(_OVERDUE, date=texts.date(settlement.due_at))
    return ""


def _dispute(texts: Texts, obligation: Obligation) -> str:
    dispute = obligation.dispute
    assert dispute is not None  # asked for only where there is one
    date = texts.date(dispute.respond_by)
    return texts.gettext(_DISPUTES[dispute.status], merchant=obligation.merchant_name, date=date)
