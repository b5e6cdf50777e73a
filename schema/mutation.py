"""The mutation root. Each field is its own unit of work, committed by its service before its payload is given."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo

from gateway.domain.decision import Decision as DomainDecision
from gateway.domain.errors import NotFound
from gateway.services.decisions import (
    ActivateInput,
    BreachInput,
    CancelInput,
    DecisionMover,
    ExtendInput,
    FulfillInput,
    RequestInput,
)
from gateway.services.disputes import RespondInput
from schema.context import Context, Info
from schema.directives import resolved
from schema.scalars import given
from schema.types.decision import Decision
from schema.types.decision_inputs import (
    DecisionActivateInput,
    DecisionActivatePayload,
    DecisionCancelInput,
    DecisionCancelPayload,
    DecisionExtendInput,
    DecisionExtendPayload,
    DecisionFulfillInput,
    DecisionFulfillPayload,
    DecisionReportBreachInput,
    DecisionReportBreachPayload,
    DecisionRequestInput,
    DecisionRequestPayload,
    DisputeRespondInput,
    DisputeRespondPayload,
    money_of,
)
from schema.types.dispute import Dispute
from schema.types.node import looked_up
from schema.types.user_error import FIXABLE, user_error

_Payload = TypeVar("_Payload")
_WRITE = ["decisions:write"]
_WHICH = strawberry.argument(description="Which decision, and what happened.")


@strawberry.type(
    description="Each mutation field is its own unit of work, committed before its payload is given. Payloads are"
    " nullable, so that if one of several mutations in a document fails inside, the answers of the ones that already"
    " ran are not lost. A null payload always comes with an entry in errors."
)
class Mutation:
    @resolved(
        "Ask for a decision. Answers at once; a few are referred, stay PENDING and finish with a webhook. Needs a"
        " user's token whose consent covers the product, the purpose and the amount.",
        scopes=["decisions:request"],
        cost=10,
    )
    def decision_request(
        self,
        info: Info,
        input: Annotated[DecisionRequestInput, strawberry.argument(description="The request.")],  # noqa: A002
    ) -> DecisionRequestPayload | None:
        context = info.context
        try:
            wanted = RequestInput(
                idempotency_key=input.idempotency_key,
                merchant_reference=input.merchant_reference,
                member=input.ask.member,
                ask=input.ask.read(context.services.registry),
                purpose=given(input.purpose),
            )
            requested = context.services.decisions.request(context.principal, wanted)
        except FIXABLE as error:
            return DecisionRequestPayload(decision=None, user_errors=[user_error(error, context)], replayed=False)
        return DecisionRequestPayload(
            decision=Decision.of(requested.decision), user_errors=[], replayed=requested.replayed
        )

    @resolved("The user has the goods, the room or the money: APPROVED to ACTIVE.", scopes=_WRITE, cost=10)
    def decision_activate(
        self,
        info: Info,
        input: Annotated[DecisionActivateInput, _WHICH],  # noqa: A002
    ) -> DecisionActivatePayload | None:
        def move(moves: DecisionMover) -> DomainDecision:
            wanted = ActivateInput(_decision_id(input.decision_id), input.idempotency_key, input.handed_over_at or None)
            return moves.activate(info.context.principal, wanted)

        return _moved(info.context, DecisionActivatePayload, move)

    @resolved(
        "The user kept the promise, or made it good: ACTIVE or BREACHED to FULFILLED. With an amount, a part of it.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_fulfill(
        self,
        info: Info,
        input: Annotated[DecisionFulfillInput, _WHICH],  # noqa: A002
    ) -> DecisionFulfillPayload | None:
        def move(moves: DecisionMover) -> DomainDecision:
            amount = money_of(input.settled_amount, "settledAmount")
            identifier = _decision_id(input.decision_id)
            wanted = FulfillInput(identifier, input.idempotency_key, input.settled_at or None, amount)
            return moves.fulfill(info.context.principal, wanted)

        return _moved(info.context, DecisionFulfillPayload, move)

    @resolved("Move the due date later, in agreement with the user.", scopes=_WRITE, cost=10)
    def decision_extend(
        self,
        info: Info,
        input: Annotated[DecisionExtendInput, _WHICH],  # noqa: A002
    ) -> DecisionExtendPayload | None:
        def move(moves: DecisionMover) -> DomainDecision:
            wanted = ExtendInput(_decision_id(input.decision_id), input.idempotency_key, input.due_at, input.reason)
            return moves.extend(info.context.principal, wanted)

        return _moved(info.context, DecisionExtendPayload, move)

    @resolved(
        "The user did not keep the promise: ACTIVE to BREACHED. It counts against the user only after the contest"
        " window has passed without a dispute, or after a dispute was rejected. A breach can still be cured with"
        " decisionFulfill.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_report_breach(
        self,
        info: Info,
        input: Annotated[DecisionReportBreachInput, _WHICH],  # noqa: A002
    ) -> DecisionReportBreachPayload | None:
        def move(moves: DecisionMover) -> DomainDecision:
            wanted = BreachInput(
                decision_id=_decision_id(input.decision_id),
                idempotency_key=input.idempotency_key,
                kind=input.kind,
                amount_outstanding=money_of(input.amount_outstanding, "amountOutstanding"),
                evidence=tuple(input.evidence or ()),
                note=given(input.note),
            )
            return moves.report_breach(info.context.principal, wanted)

        return _moved(info.context, DecisionReportBreachPayload, move)

    @resolved("Called off before activation: APPROVED or PENDING to CANCELLED.", scopes=_WRITE, cost=10)
    def decision_cancel(
        self,
        info: Info,
        input: Annotated[DecisionCancelInput, _WHICH],  # noqa: A002
    ) -> DecisionCancelPayload | None:
        def move(moves: DecisionMover) -> DomainDecision:
            wanted = CancelInput(_decision_id(input.decision_id), input.idempotency_key, given(input.reason))
            return moves.cancel(info.context.principal, wanted)

        return _moved(info.context, DecisionCancelPayload, move)

    @resolved("Answer a user's dispute before respondBy.", scopes=["disputes:write"], cost=10)
    def dispute_respond(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            DisputeRespondInput, strawberry.argument(description="Which dispute, and your answer.")
        ],
    ) -> DisputeRespondPayload | None:
        context = info.context
        try:
            wanted = RespondInput(
                dispute_id=_one_of_ours(input.dispute_id, "dispute", "disputeId"),
                idempotency_key=input.idempotency_key,
                accept=input.accept,
                statement=input.statement,
                evidence=tuple(input.evidence or ()),
            )
            dispute = context.services.disputes.respond(context.principal, wanted)
        except FIXABLE as error:
            return DisputeRespondPayload(dispute=None, user_errors=[user_error(error, context)])
        return DisputeRespondPayload(dispute=Dispute.of(dispute), user_errors=[])


def _moved(
    context: Context, payload: Callable[..., _Payload], move: Callable[[DecisionMover], DomainDecision]
) -> _Payload:
    """The payload with the decision after the move, or with why not."""
    try:
        decision = move(context.services.decisions.moves)
    except FIXABLE as error:
        return payload(decision=None, user_errors=[user_error(error, context)])
    return payload(decision=Decision.of(decision), user_errors=[])


def _decision_id(sent: str) -> str:
    return _one_of_ours(sent, "decision", "decisionId")


def _one_of_ours(sent: str, noun: str, field: str) -> str:
    """The id, where it could be one of ours. Raises NotFound otherwise, as for one that nothing has: a text that no
    database can be asked for, such as one with a NUL, is no different from an unknown id to who sent it."""
    identifier = looked_up(sent)
    if identifier is None:
        raise NotFound(f"There is no such {noun}.", (field,))
    return identifier


def in_own_units(mutation: GraphQLObjectType) -> None:
    """Wraps the mutation's resolvers, in place: the snapshot is let go before each, so that no connection is held
    while another is waited for, and after each, so that its payload shows what was committed."""
    for field in mutation.fields.values():
        if field.resolve is not None:
            field.resolve = _in_own_unit(field.resolve)


def _in_own_unit(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def renewing(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        reading = info.context.reading
        reading.renew()
        try:
            return resolve(source, info, **arguments)
        finally:
            reading.renew()

    return renewing
