"""Decisions in plain words: what was asked for, what came of it and why, what would help, and when to ask again."""

from dataclasses import dataclass

from gateway.domain.decision import Status
from gateway.domain.outcome import Approval, Decline
from gateway.domain.reason import REASONS
from gateway.services.decided import Decided
from gateway.web.pages.words import PRODUCTS
from gateway.web.texts import Texts, msgid

SHOWN = 20
"""How many decisions the account page lists."""

_WHOLE = msgid("Granted: %(amount)s.")
_PART = msgid("Granted: %(amount)s of %(asked)s.")
_DECLINED = msgid("Not granted: %(asked)s.")
_WAITS = msgid("%(asked)s: the operator of this service has somebody look at it, until %(date)s.")
_NOTHING = msgid("%(asked)s: nothing came of it.")
_AGAIN = msgid("Asking again can help from %(date)s on.")
_BECAME = {
    Status.FULFILLED: msgid("It is settled."),
    Status.CANCELLED: msgid("%(merchant)s called it off."),
    Status.EXPIRED: msgid("It was not used in time."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One decision on the account page. `reasons` are pairs of why and what would help; `again` is "" where no date is
    named."""

    id: str
    merchant: str
    product: str
    moment: str
    sentence: str
    reasons: tuple[tuple[str, str], ...]
    again: str


def told(texts: Texts, one: Decided) -> Told:
    """A decision as its person reads it."""
    decision, outcome = one.decision, one.decision.outcome
    codes = outcome.reasons if isinstance(outcome, Approval | Decline) else ()
    again = outcome.retry_after if isinstance(outcome, Decline) else None
    later = again is not None and again > decision.created_at  # else a smaller amount may be asked for at once
    known = [REASONS[code] for code in codes if code in REASONS]
    return Told(
        id=decision.id,
        merchant=one.merchant_name,
        product=texts.gettext(PRODUCTS[decision.product]),
        moment=texts.date(decision.created_at),
        sentence=_sentence(texts, one),
        reasons=tuple((each.user.text(texts.language), each.advice.text(texts.language)) for each in known),
        again=texts.gettext(_AGAIN, date=texts.date(again)) if again and later else "",
    )


def _sentence(texts: Texts, one: Decided) -> str:
    decision, outcome, asked = one.decision, one.decision.outcome, texts.money(one.requested)
    if isinstance(outcome, Decline):
        return texts.gettext(_DECLINED, asked=asked)
    if isinstance(outcome, Approval):
        exposed = outcome.terms.exposed
        form = _PART if exposed < one.requested else _WHOLE
        granted = texts.gettext(form, amount=texts.money(exposed), asked=asked)
        if decision.status not in _BECAME:
            return granted
        return f"{granted} {texts.gettext(_BECAME[decision.status], merchant=one.merchant_name)}"
    if decision.status is Status.PENDING and decision.valid_until is not None:
        return texts.gettext(_WAITS, asked=asked, date=texts.date(decision.valid_until))
    return texts.gettext(_NOTHING, asked=asked)
