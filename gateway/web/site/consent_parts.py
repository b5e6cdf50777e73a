"""The view of the parts of a consent or request: the data, the limit, the purpose and the end of each part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.consents.authorization_detail import THRESHOLD, AuthorizationDetail
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.consents.request import can_lower_maximum_amount
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES
from gateway.domain.scoring.tier import Tier
from gateway.web.texts import Texts, msgid

PRODUCTS = {
    Product.DEPOSIT_WAIVER: msgid("no deposit or a smaller one"),
    Product.PAY_LATER: msgid("buy now and pay later"),
    Product.EXPRESS_CHECK_IN: msgid("express check-in"),
    Product.CREDIT_OFFER: msgid("a credit limit and an interest rate"),
}
TIERS = {
    Tier.UNSCORED: msgid("not scored"),
    Tier.BUILDING: msgid("building"),
    Tier.FAIR: msgid("fair"),
    Tier.GOOD: msgid("good"),
    Tier.VERY_GOOD: msgid("very good"),
    Tier.EXCELLENT: msgid("excellent"),
}
"""The words for tiers that persons read."""
_ONE_TIER = msgid(
    "Only yes or no: whether your tier is “%(tier)s” or higher. We do not share your tier, your score or your records."
)
_FIRST_TIER = msgid(
    "Only yes or no, about one tier. The merchant chooses the tier when it first asks and cannot ask about another one."
    " We do not share your tier, your score or your records."
)
_NOT_SHARED = {
    "tier": msgid("Only one word, such as Good. We do not share your score or your records."),
    "exact": msgid("The exact number. We do not share your records."),
}
_PRODUCT_LIST = msgid("%(what)s: %(products)s")
_UP_TO = msgid("Up to %(amount)s for all open agreements together.")
_UP_TO_ONCE = msgid("Up to %(amount)s.")
_PURPOSE = msgid("So that the merchant can %(purpose)s.")


@dataclass(frozen=True, slots=True)
class MaximumAmount:
    """The requested amount, which the person can lower, and the smallest step, both in major units."""

    requested: str
    currency: str
    step: str


@dataclass(frozen=True, slots=True)
class ConsentPart:
    """One authorization detail in sentences. `point_of_sale` is None unless the detail is bound to one;
    `maximum_amount` is None if the person cannot lower it."""

    index: int
    optional: bool
    sentence: str
    limit: str
    maximum_amount: MaximumAmount | None
    purpose: str
    point_of_sale: PointOfSale | None
    until: str
    length: str


def describe_parts(
    texts: Texts, scopes: Iterable[str], details: Sequence[AuthorizationDetail], start: datetime
) -> tuple[ConsentPart, ...]:
    """One part for each detail. Durations count from `start`."""
    decides = "decisions:request" in set(scopes)
    return tuple(_describe_part(texts, index, detail, decides, start) for index, detail in enumerate(details))


def describe_purpose(texts: Texts, purpose: str) -> str:
    """The purpose as a sentence. `purpose` is a purpose code."""
    return texts.gettext(_PURPOSE, purpose=texts.gettext(PURPOSES[purpose].sentence))


def _describe_part(
    texts: Texts, index: int, detail: AuthorizationDetail, decides: bool, start: datetime
) -> ConsentPart:
    length = detail.duration
    assert length is not None  # granted details and pushed details are complete
    assert detail.purpose is not None
    return ConsentPart(
        index=index,
        optional=detail.optional,
        sentence=_describe_detail(texts, detail, decides),
        limit=_describe_limit(texts, detail),
        maximum_amount=_reducible_amount(detail),
        purpose=describe_purpose(texts, detail.purpose),
        point_of_sale=detail.point_of_sale,
        until=texts.until(start, length),
        length=texts.length(length),
    )


def _describe_detail(texts: Texts, detail: AuthorizationDetail, decides: bool) -> str:
    if detail.type == "score":
        return texts.gettext(SCOPES[detail.scope].sentence)
    what = SCOPES["decisions:request" if decides else "decisions:preview"].sentence
    products = texts.comma.join(texts.gettext(PRODUCTS[product]) for product in detail.products)
    return texts.gettext(_PRODUCT_LIST, what=texts.gettext(what), products=products)


def _reducible_amount(detail: AuthorizationDetail) -> MaximumAmount | None:
    amount = detail.maximum_amount
    if amount is None or not can_lower_maximum_amount(detail):
        return None
    return MaximumAmount(amount.amount, amount.currency, Money(1, amount.currency).amount)


def _describe_limit(texts: Texts, detail: AuthorizationDetail) -> str:
    if detail.level == THRESHOLD:
        if detail.minimum is None:
            return texts.gettext(_FIRST_TIER)
        return texts.gettext(_ONE_TIER, tier=texts.gettext(TIERS[detail.minimum]))
    if detail.level is not None:
        return texts.gettext(_NOT_SHARED[detail.level])
    assert detail.maximum_amount is not None
    # A consent at a point of sale is valid for one decision.
    limit = _UP_TO_ONCE if detail.point_of_sale else _UP_TO
    return texts.gettext(limit, amount=texts.money(detail.maximum_amount))
