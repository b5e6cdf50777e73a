"""The mutation with which others act on a decision in a sandbox."""

from typing import Annotated

import strawberry

from gateway.services.sandbox.decisions import MOST_EVENTS, SimulatedEvent
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.decision import Decision, event_of_log
from schema.types.decision_inputs import known_id
from schema.types.event import Event
from schema.types.user_error import UserError, attempt


@strawberry.type(description="Result of sandboxDecisionSimulate.")
class SandboxDecisionSimulatePayload:
    decision: Decision | None = strawberry.field(
        description="The decision after the event. Null if there are user errors."
    )
    events: list[Event] = listed(
        "Events of the decision and of its disputes that this caused, oldest first. Empty if nothing changed.",
        MOST_EVENTS,
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the event has happened.", 1)


@strawberry.type
class SandboxDecisionMutations:
    """The mutation of decisions in a sandbox."""

    @resolved(
        "Makes an event of a decision happen now that you cannot cause yourself: what the user does, what the operator"
        " decides, or a due date that has passed. It has the checks, events and notices of a real one, and fails if the"
        " decision does not allow it now. The user only claims a payment or a return: you report the fulfilment.",
        scopes=SANDBOX,
        cost=20,
    )
    def sandbox_decision_simulate(
        self,
        info: Info,
        decision_id: Annotated[
            strawberry.ID, strawberry.argument(description="Id of a decision about one of your test users.")
        ],
        event: Annotated[SimulatedEvent, strawberry.argument(description="What happens.")],
    ) -> SandboxDecisionSimulatePayload | None:
        context, service = info.context, info.context.container.sandbox.decisions
        simulated, errors = attempt(
            context,
            lambda: service.simulate(context.principal, known_id(decision_id, "decision", "decisionId"), event),
            prefix=(),
        )
        return SandboxDecisionSimulatePayload(
            decision=Decision.of(simulated.decision) if simulated else None,
            events=[event_of_log(each, simulated.sequences[each.id]) for each in simulated.events] if simulated else [],
            user_errors=errors,
        )
