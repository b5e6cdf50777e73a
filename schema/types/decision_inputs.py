"""What the mutations on decisions take, and what they answer."""

from datetime import datetime

import strawberry

from gateway.domain.decision import BreachKind
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from schema.ask import DecisionAsk
from schema.scalars import Url
from schema.types.decision import Decision
from schema.types.dispute import Dispute
from schema.types.money import MoneyInput
from schema.types.user_error import UserError

_PAYLOAD = "In every payload: the object is null exactly when userErrors is not empty."
_ERRORS = "Problems that you can fix; empty if all went well."


@strawberry.input(description="A request for a decision.")
class DecisionRequestInput:
    idempotency_key: str = strawberry.field(
        description="Any unique string, a UUID is best. The same key with the same consent and input gives the same"
        " decision for 24 hours; the same key with another input or under another consent is IDEMPOTENCY_KEY_REUSED."
    )
    merchant_reference: str = strawberry.field(description="Your order or booking number, unique per merchant.")
    ask: DecisionAsk = strawberry.field(description="What you ask for.")
    purpose: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Purpose code, must be one the consent covers; null means the adapter's own.",
    )


@strawberry.input(description="The user has the goods, the room or the money.")
class DecisionActivateInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    handed_over_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Since when; absent, since now. Not in the future."
    )


@strawberry.input(
    description="The promise was kept, or made good. Without settledAmount the whole outstanding amount counts as"
    " settled; a part settlement keeps the decision ACTIVE."
)
class DecisionFulfillInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    settled_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When; absent, now. Not in the future."
    )
    settled_amount: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="How much of what is outstanding; absent, all. A breach is cured whole.",
    )


@strawberry.input(description="The due date can only move later, as the user agreed with the merchant.")
class DecisionExtendInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    due_at: datetime = strawberry.field(description="The new due date, at most 366 days from now.")
    reason: str = strawberry.field(description="Why, in your own words. The user sees it.")


@strawberry.input(description="The promise was not kept.")
class DecisionReportBreachInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    kind: BreachKind = strawberry.field(description="How.")
    amount_outstanding: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What is still due, if that is less than outstanding; the rest then counts as settled.",
    )
    evidence: list[Url] | None = strawberry.field(
        default=strawberry.UNSET, description="Up to ten addresses of documents. They are kept and never fetched."
    )
    note: str | None = strawberry.field(
        default=strawberry.UNSET, description="What happened, in your own words. The user sees it."
    )


@strawberry.input(description="Calls a decision off.")
class DecisionCancelInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="Why, in your own words. The user sees it."
    )


@strawberry.type(description=_PAYLOAD)
class DecisionRequestPayload:
    decision: Decision | None = strawberry.field(description="The decision; a decline is one too.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)
    replayed: bool = strawberry.field(description="True when an earlier call with this key already did the work.")


@strawberry.type(description=_PAYLOAD)
class DecisionActivatePayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type(description=_PAYLOAD)
class DecisionFulfillPayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type(description=_PAYLOAD)
class DecisionExtendPayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type(description=_PAYLOAD)
class DecisionReportBreachPayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type(description=_PAYLOAD)
class DecisionCancelPayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="Your answer to a user's dispute, before respondBy.")
class DisputeRespondInput:
    dispute_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    accept: bool = strawberry.field(description="True upholds the user; false leaves it to the operator.")
    statement: str = strawberry.field(description="What you say to it, up to 2000 characters. The user sees it.")
    evidence: list[Url] | None = strawberry.field(
        default=strawberry.UNSET, description="Up to ten addresses of documents. They are kept and never fetched."
    )


@strawberry.type(description=_PAYLOAD)
class DisputeRespondPayload:
    dispute: Dispute | None = strawberry.field(description="The dispute as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


def money_of(given: MoneyInput | None, field: str) -> Money | None:
    """The amount of an optional input, None where there is none. Raises InvalidInput below `field`."""
    if not given:
        return None
    try:
        return Money.parse(given.amount, given.currency)
    except InvalidInput as error:
        raise error.under(field) from None
