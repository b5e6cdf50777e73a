"""The outcome of a decision: an approval with its terms, or a decline with its reasons."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain.decisions import outcome as domain
from gateway.domain.decisions.reason import seen_by_merchant
from gateway.domain.merchants import Product
from gateway.domain.text import Texts
from schema.directives import listed, resolved
from schema.types.reason import Locale, Reason, merchant_text, reasons_of
from schema.types.terms import DecisionTerms, terms_of

_NOTICE = Texts(
    "Your request was not granted, for these reasons: {reasons} You can see this decision, and what would help you, in"
    " your account with the operator of this gateway.",
    "您的申请未获批准，原因如下：{reasons}您可以在本平台运营方的账户页面查看该决定和改进建议。",
)


@strawberry.type(description="The request was granted.")
class Approval:
    approval: strawberry.Private[domain.Approval]

    @resolved("Terms of the approval. Their type follows the product.")
    def terms(self) -> DecisionTerms:
        return terms_of(self.approval.terms)

    @resolved("Deadline for decisionActivate. After it the decision expires.")
    def valid_until(self) -> datetime:
        return self.approval.valid_until

    @resolved("Why less was granted than requested. Empty if all was granted.", assumed_size=4)
    def reasons(self) -> list[Reason]:
        return reasons_of(self.approval.reasons)


@strawberry.type(
    description="The request was not granted. This is a normal result, not an error. The reasons are those of an"
    " adverse action notice."
)
class Decline:
    codes: strawberry.Private[tuple[str, ...]]
    reasons: list[Reason] = listed("Reasons that a merchant may see, at least one.", 4)
    retry_after: datetime | None = strawberry.field(
        description="When a new request may have another result. Null if no time is known."
    )
    alternatives: list[Product] = listed("Other products that may be granted.", 4)

    @resolved("Notice with the reasons that you can show to the user.")
    def notice_text(self, locale: Locale = "en") -> str:
        texts = [merchant_text(code, locale) for code in seen_by_merchant(self.codes)]
        chinese = _NOTICE.text(locale or "en") is _NOTICE.zh
        return _NOTICE.text(locale or "en").format(reasons="".join(texts) if chinese else " ".join(texts))


DecisionOutcome = Annotated[
    Approval | Decline, strawberry.union("DecisionOutcome", description="Outcome of a decision.")
]


def outcome_of(outcome: domain.Outcome | None) -> Approval | Decline | None:
    """Returns the GraphQL form of an outcome, None for a request in manual review."""
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
