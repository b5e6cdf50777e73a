"""The view of a decision: the request, the outcome with its reasons, advice, and the date of the next try."""

from dataclasses import dataclass

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.reason import REASONS
from gateway.domain.decisions.transitions import Status
from gateway.services.decisions.obligations import PastDecision
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.site.redirects import ACCOUNT
from gateway.web.texts import Texts, msgid

DECISIONS = f"{ACCOUNT}/decisions"
_APPROVED = msgid("Approved: %(amount)s.")
_PARTLY_APPROVED = msgid("Approved: %(amount)s of %(asked)s.")
_DECLINED = msgid("Declined: %(asked)s.")
_PENDING = msgid("%(asked)s: in manual review, until %(date)s at the latest.")
_ENDED_UNDECIDED = msgid("%(asked)s: closed without a decision.")
_RETRY_AFTER = msgid("You can try again from %(date)s.")
_ENDINGS = {
    Status.FULFILLED: msgid("It has been settled."),
    Status.CANCELLED: msgid("The merchant cancelled it."),
    Status.EXPIRED: msgid("It was not used in time."),
}


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision on the account page. `reasons` are pairs of reason and advice. `retry_after` is a sentence, "" if
    the decision has no such date."""

    id: str
    merchant: str
    product: str
    date: str
    sentence: str
    reasons: tuple[tuple[str, str], ...]
    retry_after: str


def describe_decision(texts: Texts, record: PastDecision) -> DecisionView:
    """The view of the decision in the person's language."""
    decision, outcome = record.decision, record.decision.outcome
    codes = outcome.reasons if isinstance(outcome, Approval | Decline) else ()
    reasons = [REASONS[code] for code in codes if code in REASONS]
    return DecisionView(
        id=decision.id,
        merchant=record.merchant_name,
        product=texts.gettext(PRODUCTS[decision.product]),
        date=texts.date(decision.created_at),
        sentence=_describe_outcome(texts, record),
        reasons=tuple((reason.user.text(texts.language), reason.advice.text(texts.language)) for reason in reasons),
        retry_after=_describe_retry(texts, record),
    )


def _describe_outcome(texts: Texts, record: PastDecision) -> str:
    decision, outcome = record.decision, record.decision.outcome
    requested = texts.money(decision.requested)
    if isinstance(outcome, Decline):
        return texts.gettext(_DECLINED, asked=requested)
    if isinstance(outcome, Approval):
        exposed = outcome.terms.exposed
        sentence = _PARTLY_APPROVED if exposed < decision.requested else _APPROVED
        approved = texts.gettext(sentence, amount=texts.money(exposed), asked=requested)
        if decision.status not in _ENDINGS:
            return approved
        return approved + texts.gap + texts.gettext(_ENDINGS[decision.status])
    if decision.status is Status.PENDING and decision.valid_until is not None:
        return texts.gettext(_PENDING, asked=requested, date=texts.date(decision.valid_until))
    return texts.gettext(_ENDED_UNDECIDED, asked=requested)


def _describe_retry(texts: Texts, record: PastDecision) -> str:
    outcome = record.decision.outcome
    retry_after = outcome.retry_after if isinstance(outcome, Decline) else None
    # A date before the decision means that the person may request a smaller amount at once.
    if retry_after is None or retry_after <= record.decision.created_at:
        return ""
    return texts.gettext(_RETRY_AFTER, date=texts.date(retry_after))
