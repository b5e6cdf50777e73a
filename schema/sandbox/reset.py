"""The mutation that gives a partner a fresh start."""

from typing import Annotated

import strawberry

from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.user_error import UserError, attempt


@strawberry.type(description="Result of sandboxReset.")
class SandboxResetPayload:
    retired_count: int = strawberry.field(
        description="Number of test users that have ended, with those that you made. 0 if there are user errors."
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if your partner account was reset.", 1)


@strawberry.type
class SandboxResetMutations:
    """The mutation of resets in a sandbox."""

    @resolved(
        "Gives your partner account a fresh start: new test users with the same names and passwords, no decisions,"
        " consents, events and webhook endpoints, and the real time. Your apps stay, with their merchant tokens."
        " Your merchants have new ids. What was there before stays in the append-only log, out of reach.",
        scopes=SANDBOX,
        cost=100,
    )
    def sandbox_reset(
        self, info: Info, confirm: Annotated[bool, strawberry.argument(description="Must be true.")]
    ) -> SandboxResetPayload | None:
        context, service = info.context, info.context.container.sandbox.resets
        retired, errors = attempt(context, lambda: service.reset(context.principal, confirm=confirm), prefix=())
        return SandboxResetPayload(retired_count=retired or 0, user_errors=errors)
