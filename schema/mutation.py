"""The mutation root. Each field is its own unit of work, which its service commits before the payload is returned."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import strawberry

from gateway.domain.decisions.state import DecisionState as DomainDecision
from gateway.domain.identity.principal import Principal
from gateway.services.decisions.transitions import DecisionTransitions
from schema.context import Context, Info
from schema.directives import resolved
from schema.sandbox.mutations import SandboxMutations
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
    DecisionReduceInput,
    DecisionReducePayload,
    DecisionReportBreachInput,
    DecisionReportBreachPayload,
    DecisionRequestInput,
    DecisionRequestPayload,
    DisputeRespondInput,
    DisputeRespondPayload,
)
from schema.types.user_error import attempt
from schema.webhook_mutations import WebhookMutations

_PayloadT = TypeVar("_PayloadT", bound=DecisionPayload)
_WRITE = ["decisions:write"]
_INPUT = strawberry.argument(description="The decision, and the details of the transition.")


@strawberry.type
class DecisionMutations:
    """The mutations of decisions and disputes."""

    @resolved(
        "Requests a decision. The outcome is immediate, except for a few decisions that are PENDING until a manual"
        " review. Needs a user token whose consent covers the product, the purpose and the amount.",
        scopes=["decisions:request"],
        cost=20,
    )
    def decision_request(
        self,
        info: Info,
        input: Annotated[DecisionRequestInput, strawberry.argument(description="The request.")],  # noqa: A002
    ) -> DecisionRequestPayload | None:
        container, principal = info.context.container, info.context.principal
        result, errors = attempt(
            info.context, lambda: container.requester.request(principal, input.command(container.registry))
        )
        return DecisionRequestPayload(
            decision=Decision.of(result.decision) if result else None,
            user_errors=errors,
            replayed=result is not None and result.replayed,
        )

    @resolved(
        "Reports that the user has the goods, the room or the money. Moves the decision from APPROVED to ACTIVE.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_activate(
        self,
        info: Info,
        input: Annotated[DecisionActivateInput, _INPUT],  # noqa: A002
    ) -> DecisionActivatePayload | None:
        return _transition(
            info.context,
            DecisionActivatePayload,
            lambda transitions, principal: transitions.activate(principal, input.command()),
        )

    @resolved(
        "Reports a settlement. In full, it moves the decision from ACTIVE or BREACHED to FULFILLED; in part, the"
        " decision stays ACTIVE.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_fulfill(
        self,
        info: Info,
        input: Annotated[DecisionFulfillInput, _INPUT],  # noqa: A002
    ) -> DecisionFulfillPayload | None:
        return _transition(
            info.context,
            DecisionFulfillPayload,
            lambda transitions, principal: transitions.fulfill(principal, input.command()),
        )

    @resolved("Moves the due date later, in agreement with the user. Removes an overdue flag.", scopes=_WRITE, cost=10)
    def decision_extend(
        self,
        info: Info,
        input: Annotated[DecisionExtendInput, _INPUT],  # noqa: A002
    ) -> DecisionExtendPayload | None:
        return _transition(
            info.context,
            DecisionExtendPayload,
            lambda transitions, principal: transitions.extend(principal, input.command()),
        )

    @resolved(
        "Lowers the amount due of an active obligation: a return, a partial refund, a discount. This is not a"
        " settlement. If nothing is outstanding afterwards, the decision is FULFILLED at once.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_reduce(
        self,
        info: Info,
        input: Annotated[DecisionReduceInput, _INPUT],  # noqa: A002
    ) -> DecisionReducePayload | None:
        return _transition(
            info.context,
            DecisionReducePayload,
            lambda transitions, principal: transitions.reduce(principal, input.command()),
        )

    @resolved(
        "Reports that the user did not meet the obligation. Moves the decision from ACTIVE to BREACHED. BreachKind says"
        " from when each kind is possible. The breach counts against the user after the dispute window, 14 days by"
        " default, or once a dispute was rejected; a breach of the kind OTHER not before the due date. Cure it with"
        " decisionFulfill.",
        scopes=_WRITE,
        cost=10,
    )
    def decision_report_breach(
        self,
        info: Info,
        input: Annotated[DecisionReportBreachInput, _INPUT],  # noqa: A002
    ) -> DecisionReportBreachPayload | None:
        return _transition(
            info.context,
            DecisionReportBreachPayload,
            lambda transitions, principal: transitions.report_breach(principal, input.command()),
        )

    @resolved(
        "Cancels a decision before activation. Moves it from PENDING or APPROVED to CANCELLED.", scopes=_WRITE, cost=10
    )
    def decision_cancel(
        self,
        info: Info,
        input: Annotated[DecisionCancelInput, _INPUT],  # noqa: A002
    ) -> DecisionCancelPayload | None:
        return _transition(
            info.context,
            DecisionCancelPayload,
            lambda transitions, principal: transitions.cancel(principal, input.command()),
        )

    @resolved("Responds to a user's dispute. Possible until Dispute.respondBy.", scopes=["disputes:write"], cost=10)
    def dispute_respond(
        self,
        info: Info,
        input: Annotated[DisputeRespondInput, strawberry.argument(description="The dispute and your response.")],  # noqa: A002
    ) -> DisputeRespondPayload | None:
        disputes, principal = info.context.container.disputes, info.context.principal
        dispute, errors = attempt(info.context, lambda: disputes.respond(principal, input.command()))
        return DisputeRespondPayload(dispute=Dispute.of(dispute) if dispute else None, user_errors=errors)


_MUTATIONS = (
    "Mutations. Each one is committed before its payload is returned. A null payload always has an entry in errors;"
    " payloads of other mutations in the same document are still returned."
)


@strawberry.type(description=_MUTATIONS)
class Mutation(DecisionMutations, WebhookMutations):
    """The mutation root."""


@strawberry.type(name="Mutation", description=_MUTATIONS)
class SandboxMutation(Mutation, SandboxMutations):
    """The mutation root of a sandbox."""


def _transition(
    context: Context,
    payload: type[_PayloadT],
    transition: Callable[[DecisionTransitions, Principal], DomainDecision],
) -> _PayloadT:
    """Returns the payload with the decision after the transition, or with a user error."""
    decision, errors = attempt(context, lambda: transition(context.container.transitions, context.principal))
    return payload(decision=Decision.of(decision) if decision else None, user_errors=errors)
