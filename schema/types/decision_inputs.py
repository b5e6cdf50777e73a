"""The inputs of the mutations, with the services' commands that they hold, and the payloads."""

from datetime import datetime

import strawberry

from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.requests import RequestCommand
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    ExtendCommand,
    FulfillCommand,
)
from merchants.registry import AdapterRegistry
from schema.ask import DecisionAsk
from schema.scalars import Url, given
from schema.types.decision import Decision, Dispute
from schema.types.money import MoneyInput
from schema.types.node import looked_up
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

    def command(self, registry: AdapterRegistry) -> RequestCommand:
        """The service's command. Raises InvalidInput for an ask that the adapter cannot read."""
        return RequestCommand(
            idempotency_key=self.idempotency_key,
            merchant_reference=self.merchant_reference,
            member=self.ask.member,
            ask=self.ask.read(registry),
            purpose=given(self.purpose),
        )


@strawberry.input
class TransitionInput:
    """What every transition of a decision takes."""

    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")

    def decision(self) -> str:
        """The decision's id. Raises NotFound for a text that cannot be one."""
        return _known_id(self.decision_id, "decision", "decisionId")


@strawberry.input(description="The user has the goods, the room or the money.")
class DecisionActivateInput(TransitionInput):
    handed_over_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Since when; absent, since now. Not in the future."
    )

    def command(self) -> ActivateCommand:
        """The service's command. Raises NotFound."""
        return ActivateCommand(self.decision(), self.idempotency_key, _moment(self.handed_over_at))


@strawberry.input(
    description="The promise was kept, or made good. Without settledAmount the whole outstanding amount counts as"
    " settled; a part settlement keeps the decision ACTIVE."
)
class DecisionFulfillInput(TransitionInput):
    settled_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When; absent, now. Not in the future."
    )
    settled_amount: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="How much of what is outstanding; absent, all. A breach is cured whole.",
    )

    def command(self) -> FulfillCommand:
        """The service's command. Raises InvalidInput and NotFound."""
        amount = _money(self.settled_amount, "settledAmount")
        return FulfillCommand(self.decision(), self.idempotency_key, _moment(self.settled_at), amount)


@strawberry.input(description="The due date can only move later, as the user agreed with the merchant.")
class DecisionExtendInput(TransitionInput):
    due_at: datetime = strawberry.field(description="The new due date, at most 366 days from now.")
    reason: str = strawberry.field(description="Why, in your own words. The user sees it.")

    def command(self) -> ExtendCommand:
        """The service's command. Raises NotFound."""
        return ExtendCommand(self.decision(), self.idempotency_key, BusinessTime(self.due_at), self.reason)


@strawberry.input(description="The promise was not kept.")
class DecisionReportBreachInput(TransitionInput):
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

    def command(self) -> BreachCommand:
        """The service's command. Raises InvalidInput and NotFound."""
        return BreachCommand(
            decision_id=self.decision(),
            idempotency_key=self.idempotency_key,
            kind=self.kind,
            amount_outstanding=_money(self.amount_outstanding, "amountOutstanding"),
            evidence=tuple(self.evidence or ()),
            note=given(self.note),
        )


@strawberry.input(description="Calls a decision off.")
class DecisionCancelInput(TransitionInput):
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="Why, in your own words. The user sees it."
    )

    def command(self) -> CancelCommand:
        """The service's command. Raises NotFound."""
        return CancelCommand(self.decision(), self.idempotency_key, given(self.reason))


@strawberry.type
class DecisionPayload:
    """What every mutation of a decision returns."""

    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type(description=_PAYLOAD)
class DecisionRequestPayload(DecisionPayload):
    decision: Decision | None = strawberry.field(description="The decision; a decline is one too.")
    replayed: bool = strawberry.field(description="True when an earlier call with this key already did the work.")


@strawberry.type(description=_PAYLOAD)
class DecisionActivatePayload(DecisionPayload):
    """The payload of decisionActivate."""


@strawberry.type(description=_PAYLOAD)
class DecisionFulfillPayload(DecisionPayload):
    """The payload of decisionFulfill."""


@strawberry.type(description=_PAYLOAD)
class DecisionExtendPayload(DecisionPayload):
    """The payload of decisionExtend."""


@strawberry.type(description=_PAYLOAD)
class DecisionReportBreachPayload(DecisionPayload):
    """The payload of decisionReportBreach."""


@strawberry.type(description=_PAYLOAD)
class DecisionCancelPayload(DecisionPayload):
    """The payload of decisionCancel."""


@strawberry.input(description="Your answer to a user's dispute, before respondBy.")
class DisputeRespondInput:
    dispute_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    accept: bool = strawberry.field(description="True upholds the user; false leaves it to the operator.")
    statement: str = strawberry.field(description="What you say to it, up to 2000 characters. The user sees it.")
    evidence: list[Url] | None = strawberry.field(
        default=strawberry.UNSET, description="Up to ten addresses of documents. They are kept and never fetched."
    )

    def command(self) -> RespondCommand:
        """The service's command. Raises NotFound."""
        return RespondCommand(
            dispute_id=_known_id(self.dispute_id, "dispute", "disputeId"),
            idempotency_key=self.idempotency_key,
            accept=self.accept,
            statement=self.statement,
            evidence=tuple(self.evidence or ()),
        )


@strawberry.type(description=_PAYLOAD)
class DisputeRespondPayload:
    dispute: Dispute | None = strawberry.field(description="The dispute as it stands now.")
    user_errors: list[UserError] = strawberry.field(description=_ERRORS)


def _known_id(text: str, noun: str, field: str) -> str:
    """The id, if it could be one of ours. Raises NotFound below `field` otherwise, as for an unknown id: no database
    is asked for a text that it refuses, such as one with a NUL."""
    identifier = looked_up(text)
    if identifier is None:
        raise NotFound(f"There is no such {noun}.", (field,))
    return identifier


def _moment(moment: datetime | None) -> BusinessTime | None:
    """A moment of the merchant's business; null and absent are None."""
    return BusinessTime(moment) if moment else None


def _money(amount: MoneyInput | None, field: str) -> Money | None:
    """The money of an optional input, None if there is none. Raises InvalidInput below `field`."""
    if not amount:
        return None
    try:
        return Money.parse(amount.amount, amount.currency)
    except InvalidInput as error:
        raise error.under(field) from None
