"""Reasons of a decision that a merchant may see."""

from collections.abc import Iterable
from typing import Annotated

import strawberry

from gateway.domain.decisions.reason import REASONS, seen_by_merchant
from schema.directives import resolved

Locale = Annotated[
    str | None, strawberry.argument(description='Language of the text: "en" or "zh". Any other language gives English.')
]


def merchant_text(code: str, locale: str | None) -> str:
    """Returns the text of a reason code for merchants, in the locale's language or else in English."""
    return REASONS[code].merchant.text(locale or "en")


@strawberry.type(
    description="A reason for the outcome of a decision. The user sees more on the account page: personal reasons and"
    " advice."
)
class Reason:
    code: str = strawberry.field(description="Stable code for programs. Query.reasonCatalog lists all codes.")

    @resolved("The reason as a sentence.")
    def message(self, locale: Locale = "en") -> str:
        return merchant_text(self.code, locale)


@strawberry.type(description="A reason code with its meaning.")
class ReasonDefinition:
    code: str = strawberry.field(description="Stable code, as in Reason.code.")

    @resolved("Meaning of the code as a sentence.")
    def meaning(self, locale: Locale = "en") -> str:
        return merchant_text(self.code, locale)


def reasons_of(codes: Iterable[str]) -> list[Reason]:
    """Returns a Reason for each code that a merchant may see."""
    return [Reason(code=code) for code in seen_by_merchant(codes)]


def reason_definitions() -> list[ReasonDefinition]:
    """Returns the definition of every code that a merchant may see."""
    return [ReasonDefinition(code=code) for code in seen_by_merchant(REASONS)]
