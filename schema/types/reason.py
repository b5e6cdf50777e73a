"""Reasons, as far as a merchant may know them."""

from collections.abc import Iterable
from typing import Annotated

import strawberry

from gateway.domain.decisions.reason import REASONS, seen_by_merchant
from schema.directives import resolved

Locale = Annotated[str | None, strawberry.argument(description='Language of the text: "en" or "zh".')]


def merchant_text(code: str, locale: str | None) -> str:
    """What the code means to a merchant, in the locale's language, else in English."""
    return REASONS[code].merchant.text(locale or "en")


@strawberry.type(
    description="Why a decision came out as it did, as far as a merchant may know it. The person sees more: own"
    " reasons, advice and what-if live in the account pages."
)
class Reason:
    code: str = strawberry.field(description="Stable, for programs; reasonCatalog explains each.")

    @resolved("The reason in words.")
    def message(self, locale: Locale = "en") -> str:
        return merchant_text(self.code, locale)


@strawberry.type(description="One reason code and what it means.")
class ReasonDefinition:
    code: str = strawberry.field(description="The code.")

    @resolved("What it means, in words.")
    def meaning(self, locale: Locale = "en") -> str:
        return merchant_text(self.code, locale)


def reasons_of(codes: Iterable[str]) -> list[Reason]:
    """Those of the codes that a merchant may see."""
    return [Reason(code=code) for code in seen_by_merchant(codes)]


def catalogue() -> list[ReasonDefinition]:
    """Every code that a merchant may see."""
    return [ReasonDefinition(code=code) for code in seen_by_merchant(REASONS)]
