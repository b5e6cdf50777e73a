"""The mutation root. Each field is its own unit of work, committed by its service before its payload is given."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import strawberry

from gateway.domain.decisions.state import DecisionState as DomainDecision
from gateway.domain.identity.principal import Principal
from gateway.services.decisions.transitions import DecisionTransitions
from schema.context import Context, Info
from schema.directives import resolved
from schema.types.decision import Decision, Dispute
from schema.types.decision_inputs import (
    DecisionActivateInput,
    DecisionActivatePayload,
    DecisionCancelInput,
    DecisionCancelPayload,
    DecisionExtendInput,
    DecisionExtendPayload,
    DecisionFulfillInput,
    DecisionFulfillPayload,
    DecisionPayload,
    DecisionReportBreachInput,
    DecisionReportBreachPayload,
    DecisionRequestInput,
    DecisionRequestPayload,
    DisputeRespondInput,
    DisputeRespondPayload,
)
from schema.types.user_error import FIXABLE, UserError, user_error

_T = TypeVar("_T")
_PayloadT = TypeVar("_PayloadT", bound=DecisionPayload)
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
        container, principal = info.context.container, info.context.principal
        requested, errors = _attempt(
            info.context, lambda: container.requester.request(principal, input.command(container.registry))
        )
        return DecisionRequestPayload(
            decision=Decision.of(requested.decision) if requested else None,
            user_errors=errors,
            replayed=requested is not None and requested.replayed,
        )

    @resolved("The user has the goods, the room or the money: APPROVED to ACTIVE.", scopes=_WRITE, cost=10)
    def decision_activate(
        self,
        info: Info,
        input: Annotated[DecisionActivateInput, _WHICH],  # noqa: A002
    ) -> DecisionActivatePayload | None:
        return _move(info.context, DecisionActivatePayload, lambda moves, by: moves.activate(by, input.command()))

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
        return _move(info.context, DecisionFulfillPayload, lambda moves, by: moves.fulfill(by, input.command()))

    @resolved("Move the due date later, in agreement with the user.", scopes=_WRITE, cost=10)
    def decision_extend(
        self,
        info: Info,
        input: Annotated[DecisionExtendInput, _WHICH],  # noqa: A002
    ) -> DecisionExtendPayload | None:
        return _move(info.context, DecisionExtendPayload, lambda moves, by: moves.extend(by, input.command()))

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
        return _move(
            info.context, DecisionReportBreachPayload, lambda moves, by: moves.report_breach(by, input.command())
        )

    @resolved("Called off before activation: APPROVED or PENDING to CANCELLED.", scopes=_WRITE, cost=10)
    def decision_cancel(
        self,
        info: Info,
        input: Annotated[DecisionCancelInput, _WHICH],  # noqa: A002
    ) -> DecisionCancelPayload | None:
        return _move(info.context, DecisionCancelPayload, lambda moves, by: moves.cancel(by, input.command()))

    @resolved("Answer a user's dispute before respondBy.", scopes=["disputes:write"], cost=10)
    def dispute_respond(
        self,
        info: Info,
        input: Annotated[DisputeRespondInput, strawberry.argument(description="Which dispute, and your answer.")],  # noqa: A002
    ) -> DisputeRespondPayload | None:
        disputes, principal = info.context.container.disputes, info.context.principal
        dispute, errors = _attempt(info.context, lambda: disputes.respond(principal, input.command()))
        return DisputeRespondPayload(dispute=Dispute.of(dispute) if dispute else None, user_errors=errors)


def _move(
    context: Context,
    payload: type[_PayloadT],
    move: Callable[[DecisionTransitions, Principal], DomainDecision],
) -> _PayloadT:
    """The payload with the decision after the move, or with why it was refused."""
    decision, errors = _attempt(context, lambda: move(context.container.transitions, context.principal))
    return payload(decision=Decision.of(decision) if decision else None, user_errors=errors)


def _attempt(context: Context, work: Callable[[], _T]) -> tuple[_T | None, list[UserError]]:
    """What the work returns, or the error that the caller can fix."""
    try:
        return work(), []
    except FIXABLE as error:
        return None, [user_error(error, context)]
