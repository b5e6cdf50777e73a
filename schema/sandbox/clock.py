"""The mutation that moves the business time of a partner."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime, rfc3339
from gateway.services.sandbox.clock import ClockMove
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.sandbox_clock import SandboxClock
from schema.types.user_error import UserError, attempt, user_error


@strawberry.input(one_of=True, description="How far the clock moves: set exactly one member.")
class SandboxClockMove:
    advance_by: timedelta | None = strawberry.field(
        default=strawberry.UNSET, description="Length of the move, for example P7D. At most P366D."
    )
    set_to: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Moment to move to, at most 366 days in the future."
    )


@strawberry.type(description="Result of sandboxClockMove.")
class SandboxClockMovePayload:
    clock: SandboxClock | None = strawberry.field(
        description="The clock after the move. Null if the input was not valid; set with the error LIMIT_EXCEEDED if"
        " the move did not come to its end."
    )
    events_fired: int = strawberry.field(description="Number of events that the move caused, of all topics.")
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the clock was moved.", 1)


@strawberry.type
class SandboxClockMutations:
    """The mutation of the clock in a sandbox."""

    @resolved(
        "Moves the business time of your partner account forward. What falls due on the way happens in its order, each"
        " at its own time: transitions of decisions, deadlines of disputes, ends of consents, reminders, scores."
        " Deliveries of webhooks that wait for their next attempt are tried once. Tokens, sessions, signatures and"
        " retries follow real time. A move that takes too long ends early, with the error LIMIT_EXCEEDED: repeat it.",
        scopes=SANDBOX,
        cost=50,
    )
    def sandbox_clock_move(
        self, info: Info, move: Annotated[SandboxClockMove, strawberry.argument(description="How far.")]
    ) -> SandboxClockMovePayload | None:
        context, service = info.context, info.context.container.sandbox.clock
        partner_id = context.principal.partner_id

        def work() -> ClockMove:
            if move.advance_by is not None and move.advance_by is not strawberry.UNSET:
                return service.advance(partner_id, move.advance_by)
            assert move.set_to is not None  # one of them is set
            return service.set(partner_id, BusinessTime(move.set_to))

        moved, errors = attempt(context, work, prefix=("move",))
        if moved is not None and not moved.is_complete:
            message = f"The clock stands at {rfc3339(moved.clock.now)}. Repeat the call to move it further."
            errors = [user_error(InvalidInput("LIMIT_EXCEEDED", message, ()), context, ("move",))]
        return SandboxClockMovePayload(
            clock=SandboxClock.of(moved.clock) if moved else None,
            events_fired=moved.events if moved else 0,
            user_errors=errors,
        )
