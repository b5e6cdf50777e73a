"""Consents and accesses in plain words: what is shared, why, up to how much, until when, and what was asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import ConsentStatus
from gateway.domain.consent_change import Change as GrantChange
from gateway.domain.consent_change import GrantAction, in_force
from gateway.domain.consent_request import lowerable
from gateway.domain.consent_version import ConsentAction, ConsentVersion
from gateway.domain.event import Actor
from gateway.domain.money import Money
from gateway.domain.product import Product
from gateway.domain.purpose import PURPOSES
from gateway.domain.scope import SCOPES
from gateway.domain.score import ThresholdAnswer
from gateway.domain.tier import Tier
from gateway.services.access import Seen
from gateway.services.consents import GivenConsent
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
_AT = msgid("Only at till %(terminal)s of store %(store)s.")
_NARROWED = {
    ConsentAction.CREATED: msgid("You allowed it on %(date)s, and less of it than %(merchant)s asked for:"),
    ConsentAction.MERGED: msgid("You added to it on %(date)s, and less than %(merchant)s asked for:"),
    ConsentAction.REPLACED: msgid("You changed it on %(date)s, and allowed less than %(merchant)s asked for:"),
}
_CHANGES = {
    (ConsentAction.CREATED, Actor.USER): msgid("You allowed it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.MERGED, Actor.USER): msgid("You added to it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.REPLACED, Actor.USER): msgid("You changed it on %(date)s, as %(merchant)s asked."),
    (ConsentAction.REVOKED, Actor.USER): msgid("You ended it on %(date)s."),
    (ConsentAction.REVOKED, Actor.MERCHANT): msgid("%(merchant)s ended it on %(date)s."),
    (ConsentAction.REVOKED, Actor.OPERATOR): msgid("The operator of this service ended it on %(date)s."),
}

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
class Ceiling:
    """An amount that the person can lower: in major units, its smallest step too."""

    asked: str
    currency: str
    step: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is shared: a sentence, what bounds it, what it is for and until when. `place` is the till that it
    is bound to, "" for none; `ceiling` is None where the person cannot lower it."""

    index: int
    optional: bool
    sentence: str
    limit: str
    ceiling: Ceiling | None
    purpose: str
    place: str
    until: str
    length: str


@dataclass(frozen=True, slots=True)
class Before:
    """What a person has allowed before a request that would change it: on which day, and whether it stays."""

    given: str
    stays: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a consent's history: what happened, what had been asked if the person granted less, and what then
    held until the next change."""

    sentence: str
    asked: tuple[Part, ...]
    held: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A consent on the account page. `status` is ACTIVE, EXPIRED or REVOKED; `once`: good for one decision."""

    id: str
    merchant: str
    status: ConsentStatus
    parts: tuple[Part, ...]
    granted: str
    ends: str
    once: bool
    history: tuple[Change, ...]


def parts(
    texts: Texts, merchant: str, scopes: Iterable[str], details: Sequence[AuthorizationDetail], start: datetime
) -> tuple[Part, ...]:
    """The details as people read them; durations count from `start`."""
    decides = "decisions:request" in set(scopes)
    return tuple(_part(texts, merchant, index, detail, decides, start) for index, detail in enumerate(details))


def card(texts: Texts, given: GivenConsent) -> Card:
    """A given consent as it stands in its partner's time."""
    consent, merchant = given.consent, given.merchant_name
    status = consent.status(given.now)
    return Card(
        id=consent.id,
        merchant=merchant,
        status=status,
        parts=parts(texts, merchant, consent.scopes, consent.details, consent.granted_at),
        granted=texts.date(consent.granted_at),
        ends=texts.date(consent.revoked_at or consent.expires_at),
        once=consent.single_use,
        history=tuple(_change(texts, merchant, given.history, index) for index in range(len(given.history))),
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


def before(texts: Texts, merchant: str, change: GrantChange | None, now: datetime) -> Before | None:
    """What a request for a change finds, None where it asks for a consent of its own."""
    if change is None:
        return None
    consent = change.consent
    return Before(
        given=texts.date(consent.granted_at),
        stays=change.action is GrantAction.MERGE,
        parts=parts(texts, merchant, consent.scopes, tuple(in_force(consent, now)), now),
    )


def _change(texts: Texts, merchant: str, history: Sequence[ConsentVersion], index: int) -> Change:
    version = history[index]
    words = _CHANGES[version.action, version.actor]
    asked: tuple[Part, ...] = ()
    held: tuple[Part, ...] = ()
    if any(later.action in _NARROWED for later in history[index + 1 : index + 2]):
        held = parts(texts, merchant, version.scopes, version.details, version.at)
    if version.asked is not None and version.narrowed:
        words = _NARROWED[version.action]
        asked = parts(texts, merchant, version.asked.scopes, version.asked.details, version.at)
    return Change(texts.gettext(words, date=texts.date(version.at), merchant=merchant), asked, held)


def _part(texts: Texts, merchant: str, index: int, detail: AuthorizationDetail, decides: bool, start: datetime) -> Part:
    length = detail.duration
    assert length is not None  # granted and pushed details are complete
    assert detail.purpose is not None
    purpose = texts.gettext(PURPOSES[detail.purpose].sentence)
    place = detail.place
    return Part(
        index=index,
        optional=detail.optional,
        sentence=_sentence(texts, detail, decides),
        limit=_limit(texts, detail),
        ceiling=_ceiling(detail),
        purpose=texts.gettext(_PURPOSE, merchant=merchant, purpose=purpose),
        place=texts.gettext(_AT, store=place.store_id, terminal=place.terminal_id) if place else "",
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


def _ceiling(detail: AuthorizationDetail) -> Ceiling | None:
    amount = detail.maximum_amount
    if amount is None or not lowerable(detail):
        return None
    return Ceiling(amount.amount, amount.currency, Money(1, amount.currency).amount)


def _limit(texts: Texts, detail: AuthorizationDetail) -> str:
    if detail.level is not None:
        return texts.gettext(_NOT_SHARED[detail.level])
    assert detail.maximum_amount is not None
    return texts.gettext(_UP_TO, amount=texts.money(detail.maximum_amount))
