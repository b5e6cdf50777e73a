"""Inputs of the mutations, their conversion to service commands, and the payloads."""

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
    ReduceCommand,
)
from merchants.registry import AdapterRegistry
from schema.ask import DecisionAsk
from schema.directives import listed
from schema.scalars import Url, optional_text
from schema.types.decision import Decision, Dispute
from schema.types.money import MoneyInput
from schema.types.node import parse_id
from schema.types.user_error import UserError

PAYLOAD = "Result of the mutation. The object is null if, and only if, userErrors has entries."
ERRORS = "Problems that you can fix. Empty if the mutation succeeded."
_KEY = "Unique string, at most 255 characters. See DecisionRequestInput.idempotencyKey."
_EVIDENCE = "Up to ten addresses of documents. The gateway stores them and never fetches them."
_REASON = "Reason in your own words. The user can read it."


@strawberry.input(description="Input of decisionRequest.")
class DecisionRequestInput:
    idempotency_key: str = strawberry.field(
        description="Unique string, at most 255 characters; use a UUID. For 24 hours a repetition with the same key,"
        " consent and input returns the first result. The same key with another input or consent fails with"
        " IDEMPOTENCY_KEY_REUSED."
    )
    merchant_reference: str = strawberry.field(description="Your order or booking number. Unique per merchant.")
    ask: DecisionAsk = strawberry.field(description="The product you ask for, with its details.")
    purpose: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Purpose code that the consent covers. Null or absent: the default of the adapter.",
    )

    def command(self, registry: AdapterRegistry) -> RequestCommand:
        """Returns the service's command. Raises InvalidInput if the adapter rejects the ask."""
        return RequestCommand(
            idempotency_key=self.idempotency_key,
            merchant_reference=self.merchant_reference,
            member=self.ask.member,
            ask=self.ask.read(registry),
            purpose=optional_text(self.purpose),
        )


@strawberry.input
class TransitionInput:
    """Fields that the inputs of all transitions share."""

    decision_id: strawberry.ID = strawberry.field(description="Id of the decision.")
    idempotency_key: str = strawberry.field(description=_KEY)

    def decision(self) -> str:
        """Returns the decision's id. Raises NotFound for a text that is not an id."""
        return known_id(self.decision_id, "decision", "decisionId")


@strawberry.input(description="Input of decisionActivate.")
class DecisionActivateInput(TransitionInput):
    handed_over_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When the user received the goods, the room or the money: between the approval and now, with 15"
        " seconds of allowance for your clock. Null or absent: now.",
    )

    def command(self) -> ActivateCommand:
        """Returns the service's command. Raises NotFound."""
        return ActivateCommand(self.decision(), self.idempotency_key, _moment(self.handed_over_at))


@strawberry.input(
    description="Input of decisionFulfill. Without settledAmount the whole outstanding amount is settled. A part"
    " settlement keeps the decision ACTIVE."
)
class DecisionFulfillInput(TransitionInput):
    settled_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When it was settled: between the activation and now, with 15 seconds of allowance for your"
        " clock. A full settlement before the end of the grace period is not late, also if you report it later. Null or"
        " absent: now.",
    )
    settled_amount: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Settled part of the outstanding amount. Null or absent: all of it. A breach can only be settled in"
        " full.",
    )

    def command(self) -> FulfillCommand:
        """Returns the service's command. Raises InvalidInput and NotFound."""
        amount = _money(self.settled_amount, "settledAmount")
        return FulfillCommand(self.decision(), self.idempotency_key, _moment(self.settled_at), amount)


@strawberry.input(
    description="Input of decisionExtend. The due date can only move later, and the user must have agreed."
)
class DecisionExtendInput(TransitionInput):
    due_at: datetime = strawberry.field(
        description="New due date: after the present one, in the future, and at most 366 days after the one in the"
        " terms. The due date decides from when a missing payment or return can be reported."
    )
    reason: str = strawberry.field(description=_REASON)

    def command(self) -> ExtendCommand:
        """Returns the service's command. Raises NotFound."""
        return ExtendCommand(self.decision(), self.idempotency_key, BusinessTime(self.due_at), self.reason)


@strawberry.input(
    description="Input of decisionReduce. A return, a partial refund or a discount lowers the amount due. Report a"
    " payment with decisionFulfill."
)
class DecisionReduceInput(TransitionInput):
    new_amount: MoneyInput = strawberry.field(
        description="New amount due: in the currency of the terms, below the present amount due, and at least the"
        " settled amount. Zero if everything was returned and nothing was settled."
    )
    reason: str = strawberry.field(description=_REASON)

    def command(self) -> ReduceCommand:
        """Returns the service's command. Raises InvalidInput and NotFound."""
        amount = _parse_money(self.new_amount, "newAmount")
        return ReduceCommand(self.decision(), self.idempotency_key, amount, self.reason)


@strawberry.input(description="Input of decisionReportBreach.")
class DecisionReportBreachInput(TransitionInput):
    kind: BreachKind = strawberry.field(
        description="Kind of breach. BreachKind says from when each kind can be reported."
    )
    amount_outstanding: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Amount that is still owed, at most the outstanding amount; the rest counts as settled. Null or"
        " absent: the whole outstanding amount.",
    )
    evidence: list[Url] | None = strawberry.field(default=strawberry.UNSET, description=_EVIDENCE)
    note: str | None = strawberry.field(
        default=strawberry.UNSET, description="What happened, in your own words. The user can read it."
    )

    def command(self) -> BreachCommand:
        """Returns the service's command. Raises InvalidInput and NotFound."""
        return BreachCommand(
            decision_id=self.decision(),
            idempotency_key=self.idempotency_key,
            kind=self.kind,
            amount_outstanding=_money(self.amount_outstanding, "amountOutstanding"),
            evidence=tuple(self.evidence or ()),
            note=optional_text(self.note),
        )


@strawberry.input(description="Input of decisionCancel.")
class DecisionCancelInput(TransitionInput):
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=_REASON)

    def command(self) -> CancelCommand:
        """Returns the service's command. Raises NotFound."""
        return CancelCommand(self.decision(), self.idempotency_key, optional_text(self.reason))


@strawberry.type
class DecisionPayload:
    """Fields that the payloads of all decision mutations share."""

    decision: Decision | None = strawberry.field(
        description="The decision after the mutation. Null if userErrors has entries."
    )
    user_errors: list[UserError] = listed(ERRORS, 1)


@strawberry.type(description=PAYLOAD)
class DecisionRequestPayload(DecisionPayload):
    decision: Decision | None = strawberry.field(
        description="The new decision; a declined one too. Null if userErrors has entries."
    )
    replayed: bool = strawberry.field(description="True if an earlier call with this key created the decision.")


@strawberry.type(description=PAYLOAD)
class DecisionActivatePayload(DecisionPayload):
    """The payload of decisionActivate."""


@strawberry.type(description=PAYLOAD)
class DecisionFulfillPayload(DecisionPayload):
    """The payload of decisionFulfill."""


@strawberry.type(description=PAYLOAD)
class DecisionExtendPayload(DecisionPayload):
    """The payload of decisionExtend."""


@strawberry.type(description=PAYLOAD)
class DecisionReducePayload(DecisionPayload):
    """The payload of decisionReduce."""


@strawberry.type(description=PAYLOAD)
class DecisionReportBreachPayload(DecisionPayload):
    """The payload of decisionReportBreach."""


@strawberry.type(description=PAYLOAD)
class DecisionCancelPayload(DecisionPayload):
    """The payload of decisionCancel."""


@strawberry.input(description="Input of disputeRespond.")
class DisputeRespondInput:
    dispute_id: strawberry.ID = strawberry.field(description="Id of the dispute.")
    idempotency_key: str = strawberry.field(description=_KEY)
    accept: bool = strawberry.field(description="True upholds the dispute. False leaves it to the operator to decide.")
    statement: str = strawberry.field(description="Your statement, up to 2000 characters. The user can read it.")
    evidence: list[Url] | None = strawberry.field(default=strawberry.UNSET, description=_EVIDENCE)

    def command(self) -> RespondCommand:
        """Returns the service's command. Raises NotFound."""
        return RespondCommand(
            dispute_id=known_id(self.dispute_id, "dispute", "disputeId"),
            idempotency_key=self.idempotency_key,
            accept=self.accept,
            statement=self.statement,
            evidence=tuple(self.evidence or ()),
        )


@strawberry.type(description=PAYLOAD)
class DisputeRespondPayload:
    dispute: Dispute | None = strawberry.field(
        description="The dispute after the mutation. Null if userErrors has entries."
    )
    user_errors: list[UserError] = listed(ERRORS, 1)


def known_id(text: str, noun: str, field: str) -> str:
    """Returns the id if it is well formed. Raises NotFound for `field` otherwise, as for an unknown id, so that no
    text that a database rejects, such as one with a NUL, reaches it."""
    identifier = parse_id(text)
    if identifier is None:
        raise NotFound(f"There is no such {noun}.", (field,))
    return identifier


def _moment(moment: datetime | None) -> BusinessTime | None:
    """Returns a moment of the merchant's business time, None for null and absent."""
    return BusinessTime(moment) if moment else None


def _money(amount: MoneyInput | None, field: str) -> Money | None:
    """Returns the money of an optional input, None for null and absent. Raises InvalidInput for `field`."""
    return _parse_money(amount, field) if amount else None


def _parse_money(amount: MoneyInput, field: str) -> Money:
    """Returns the money of an input. Raises InvalidInput for `field`."""
    try:
        return Money.parse(amount.amount, amount.currency)
    except InvalidInput as error:
        raise error.with_prefix(field) from None
