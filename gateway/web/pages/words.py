"""Consents in plain words: what is shared, why, up to how much and until when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent, ConsentStatus
from gateway.domain.product import Product
from gateway.domain.purpose import PURPOSES
from gateway.domain.scope import SCOPES
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
