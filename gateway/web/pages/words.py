"""Consents and accesses in plain words: what is shared, why, up to how much, until when, and what was asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent, ConsentStatus
from gateway.domain.product import Product
from gateway.domain.purpose import PURPOSES
from gateway.domain.scope import SCOPES
from gateway.domain.score import ThresholdAnswer
from gateway.domain.tier import Tier
from gateway.services.access import Seen
from gateway.web.texts import Texts, msgid

PRODUCTS = {
    Product.DEPOSIT_WAIVER: msgid("no deposit, or a smaller one"),
    Product.PAY_LATER: msgid("receiving goods first and paying later"),
    Product.EXPRESS_CHECK_IN: msgid("express check-in"),
    Product.CREDIT_OFFER: msgid("a credit limit and an interest rate"),
}
_NOT_SHARED = {
    "threshold": msgid("The answer is yes or no. Your tier, your score and your records stay with us."),
    "tier": msgid("One word, such as Good. Your score and your records stay with us."),
    "exact": msgid("This is the most exact answer there is. Your records stay with us."),
}
_ABOUT = msgid("%(what)s: %(products)s")
_UP_TO = msgid("All open decisions together: up to %(amount)s.")
_PURPOSE = msgid("So that %(merchant)s can %(purpose)s.")


TIERS = {
    Tier.UNSCORED: msgid("not scored"),
    Tier.BUILDING: msgid("building"),
    Tier.FAIR: msgid("fair"),
    Tier.GOOD: msgid("good"),
    Tier.VERY_GOOD: msgid("very good"),
    Tier.EXCELLENT: msgid("excellent"),
}
_ANSWERS = {
    ThresholdAnswer.YES: msgid("yes"),
    ThresholdAnswer.NO: msgid("no"),
    ThresholdAnswer.CANNOT_ASSESS: msgid("cannot be assessed"),
}
_SAW_TIER = msgid("saw your tier: %(tier)s")
_SAW_SCORE = msgid("saw your score: %(score)s")
_ASKED_THRESHOLD = msgid("asked whether your tier is at least “%(minimum)s”: %(answer)s")
_SEALED = {
    "SCORE_TIER": msgid("saw your tier"),
    "SCORE_EXACT": msgid("saw your score"),
    "SCORE_THRESHOLD": msgid("asked whether your tier is at or above a line"),
    "PREVIEW": msgid("asked what would probably be decided"),
    "REQUEST": msgid("asked for a decision"),
}
"""What is said of an access whose answer is not shown, or can no longer be opened."""


@dataclass(frozen=True, slots=True)
class Line:
    """One access on the account page."""

    moment: str
    merchant: str
    sentence: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is shared: a sentence, what bounds it, what it is for and until when."""

    sentence: str
    limit: str
    purpose: str
    until: str
    length: str


@dataclass(frozen=True, slots=True)
class Card:
    """A consent on the account page. `status` is ACTIVE, EXPIRED or REVOKED."""

    id: str
    merchant: str
    status: ConsentStatus
    parts: tuple[Part, ...]
    granted: str
    ends: str


def parts(
    texts: Texts, merchant: str, scopes: Iterable[str], details: Sequence[AuthorizationDetail], start: datetime
) -> tuple[Part, ...]:
    """The details as people read them; durations count from `start`."""
    decides = "decisions:request" in set(scopes)
    return tuple(_part(texts, merchant, detail, decides, start) for detail in details)


def card(texts: Texts, consent: Consent, merchant: str, now: datetime) -> Card:
    """A given consent as of `now` in its partner's time."""
    status = consent.status(now)
    return Card(
        id=consent.id,
        merchant=merchant,
        status=status,
        parts=parts(texts, merchant, consent.scopes, consent.details, consent.granted_at),
        granted=texts.date(consent.granted_at),
        ends=texts.date(consent.revoked_at or consent.expires_at),
    )


def line(texts: Texts, seen: Seen) -> Line:
    """One access as its person reads it."""
    purpose = texts.gettext(PURPOSES[seen.purpose].sentence)
    return Line(
        moment=texts.moment(seen.at),
        merchant=seen.merchant_name,
        sentence=_asked(texts, seen.kind, seen.answered or {}),
        purpose=texts.gettext(_PURPOSE, merchant=seen.merchant_name, purpose=purpose),
    )


def _asked(texts: Texts, kind: str, answered: Mapping[str, Any]) -> str:
    if "minimum" in answered:
        minimum, answer = TIERS[Tier(answered["minimum"])], _ANSWERS[ThresholdAnswer(answered["answer"])]
        return texts.gettext(_ASKED_THRESHOLD, minimum=texts.gettext(minimum), answer=texts.gettext(answer))
    if kind == "SCORE_TIER" and "tier" in answered:
        return texts.gettext(_SAW_TIER, tier=texts.gettext(TIERS[Tier(answered["tier"])]))
    if "score" in answered:
        score = answered["score"]
        return texts.gettext(_SAW_SCORE, score=texts.gettext(TIERS[Tier.UNSCORED]) if score is None else score)
    return texts.gettext(_SEALED[kind])


def _part(texts: Texts, merchant: str, detail: AuthorizationDetail, decides: bool, start: datetime) -> Part:
    length = detail.duration
    assert length is not None  # granted and pushed details are complete
    assert detail.purpose is not None
    purpose = texts.gettext(PURPOSES[detail.purpose].sentence)
    return Part(
        sentence=_sentence(texts, detail, decides),
        limit=_limit(texts, detail),
        purpose=texts.gettext(_PURPOSE, merchant=merchant, purpose=purpose),
        until=texts.until(start, length),
        length=texts.length(length),
    )


def _sentence(texts: Texts, detail: AuthorizationDetail, decides: bool) -> str:
    if detail.type == "score":
        return texts.gettext(SCOPES[detail.scope].sentence)
    what = SCOPES["decisions:request" if decides else "decisions:preview"].sentence
    comma = "、" if texts.language == "zh" else ", "
    products = comma.join(texts.gettext(PRODUCTS[product]) for product in detail.products)
    return texts.gettext(_ABOUT, what=texts.gettext(what), products=products)


def _limit(texts: Texts, detail: AuthorizationDetail) -> str:
    if detail.level is not None:
        return texts.gettext(_NOT_SHARED[detail.level])
    assert detail.maximum_amount is not None
    return texts.gettext(_UP_TO, amount=texts.money(detail.maximum_amount))
