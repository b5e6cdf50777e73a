"""How a request came out: an approval with its terms, or a decline with its reasons."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain.decisions import outcome as domain
from gateway.domain.decisions.reason import Texts, seen_by_merchant
from gateway.domain.merchants import Product
from schema.directives import resolved, sized
from schema.types.reason import Locale, Reason, merchant_text, reasons_of
from schema.types.terms import DecisionTerms, terms_of

_NOTICE = Texts(
    "Your request was not granted, for these reasons: {reasons} You can see this decision, and what would help you, in"
    " your account with the operator of this gateway.",
    "您的申请未获批准，原因如下：{reasons}您可以在本平台运营方的账户页面查看该决定和改进建议。",
)


@strawberry.type(description="Granted, on these terms.")
class Approval:
    approval: strawberry.Private[domain.Approval]

    @resolved("What was promised.")
    def terms(self) -> DecisionTerms:
        return terms_of(self.approval.terms)

    @resolved("The approval lapses unless it is used before.")
    def valid_until(self) -> datetime:
        return self.approval.valid_until

    @resolved("Why it is less than was asked, if it is.", assumed_size=4)
    def reasons(self) -> list[Reason]:
        return reasons_of(self.approval.reasons)


@strawberry.type(description="A decline is a normal answer, not an error. Reasons meet adverse-action notice needs.")
class Decline:
    codes: strawberry.Private[tuple[str, ...]]
    reasons: list[Reason] = strawberry.field(
        description="Why, as far as a merchant may know it.", directives=[sized(assumed_size=4)]
    )
    retry_after: datetime | None = strawberry.field(description="Asking earlier is no use; null if that is open.")
    alternatives: list[Product] = strawberry.field(description="Products that may be granted instead.")

    @resolved("A short notice for the user, ready to be shown.")
    def notice_text(self, locale: Locale = "en") -> str:
        texts = [merchant_text(code, locale) for code in seen_by_merchant(self.codes)]
        chinese = _NOTICE.text(locale or "en") is _NOTICE.zh
        return _NOTICE.text(locale or "en").format(reasons="".join(texts) if chinese else " ".join(texts))


DecisionOutcome = Annotated[Approval | Decline, strawberry.union("DecisionOutcome", description="What was decided.")]


def outcome_of(outcome: domain.Outcome | None) -> Approval | Decline | None:
    """The GraphQL form of an outcome; None for a referral, which is not decided yet."""
    match outcome:
        case domain.Approval():
            return Approval(approval=outcome)
        case domain.Decline():
            return Decline(
                codes=outcome.reasons,
                reasons=reasons_of(outcome.reasons),
                retry_after=outcome.retry_after,
                alternatives=list(outcome.alternatives),
            )
        case _:
            return None
