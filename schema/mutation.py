"""The mutation root. Each field is its own unit of work, committed by its service before its payload is given."""

from collections.abc import Callable
from typing import Annotated, Any

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo

from gateway.services.decisions import CancelInput, RequestInput
from schema.ask import DecisionAsk
from schema.context import Context, Info
from schema.directives import resolved
from schema.scalars import given
from schema.types.decision import Decision
from schema.types.user_error import FIXABLE, UserError, user_error


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


@strawberry.input(description="Calls a decision off.")
class DecisionCancelInput:
    decision_id: strawberry.ID = strawberry.field(description="Which one.")
    idempotency_key: str = strawberry.field(description="Any unique string; see DecisionRequestInput.idempotencyKey.")
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="Why, in your own words. The user sees it."
    )


@strawberry.type(description="In every payload: the object is null exactly when userErrors is not empty.")
class DecisionRequestPayload:
    decision: Decision | None = strawberry.field(description="The decision; a decline is one too.")
    user_errors: list[UserError] = strawberry.field(description="Problems that you can fix; empty if all went well.")
    replayed: bool = strawberry.field(description="True when an earlier call with this key already did the work.")


@strawberry.type(description="In every payload: the object is null exactly when userErrors is not empty.")
class DecisionCancelPayload:
    decision: Decision | None = strawberry.field(description="The decision as it stands now.")
    user_errors: list[UserError] = strawberry.field(description="Problems that you can fix; empty if all went well.")


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

    @resolved("Called off before activation: APPROVED or PENDING to CANCELLED.", scopes=["decisions:write"], cost=10)
    def decision_cancel(
        self,
        info: Info,
        input: Annotated[DecisionCancelInput, strawberry.argument(description="Which, and why.")],  # noqa: A002
    ) -> DecisionCancelPayload | None:
        context = info.context
        wanted = CancelInput(
            decision_id=input.decision_id,
            idempotency_key=input.idempotency_key,
            reason=given(input.reason),
        )
        try:
            cancelled = context.services.decisions.cancel(context.principal, wanted)
        except FIXABLE as error:
            return DecisionCancelPayload(decision=None, user_errors=[user_error(error, context)])
        return DecisionCancelPayload(decision=Decision.of(cancelled), user_errors=[])


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
