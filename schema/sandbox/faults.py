"""The mutation that lets the next calls of an app fail."""

from datetime import timedelta
from typing import Annotated, Any

import strawberry

from gateway.domain.errors import InvalidInput
from gateway.domain.fault import Fault, FaultKind, require_fault
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.user_error import UserError, attempt


def _member(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(one_of=True, description="What happens to a call: set exactly one member.")
class SandboxFault:
    latency: timedelta | None = _member(
        "The call is executed at once, and its response comes this much later, at most PT30S."
    )
    http_status: int | None = _member(
        "The call is not executed. The response is that of a proxy: text/html with the status 429, 500, 502, 503 or"
        " 504. With 429 and 503 it has Retry-After."
    )
    graphql_error_code: str | None = _member(
        "The call is not executed. The response is a GraphQL error with this code, one of those of a whole request,"
        " with its usual status."
    )
    score_service_down: bool | None = _member("True: the score cannot be read, so what needs it is SCORE_UNAVAILABLE.")
    throttle: bool | None = _member("True: the call is not executed, as if your app had too few points: THROTTLED.")
    webhook_failures: int | None = _member(
        "HTTP status from 400 to 599. The next attempts to deliver a webhook to your endpoints are not made, and are"
        " recorded as if you had answered with this status. Calls are not affected."
    )
    drop_response: bool | None = _member("True: the call is executed, and the connection is closed without a response.")
    dpop_nonce: bool | None = _member(
        "True: the call needs a proof with a new nonce, which the header DPoP-Nonce of the 401 response has. Only for"
        " apps whose tokens are bound to a key."
    )
    idempotency_in_progress: bool | None = _member(
        "True: mutations with an idempotency key are not executed, and have the error IDEMPOTENCY_IN_PROGRESS."
    )

    def fault(self) -> Fault:
        """Returns the fault of the domain. Raises InvalidInput."""
        members = (
            (FaultKind.LATENCY, self.latency),
            (FaultKind.HTTP_STATUS, self.http_status),
            (FaultKind.GRAPHQL_ERROR_CODE, self.graphql_error_code),
            (FaultKind.SCORE_SERVICE_DOWN, self.score_service_down),
            (FaultKind.THROTTLE, self.throttle),
            (FaultKind.WEBHOOK_FAILURES, self.webhook_failures),
            (FaultKind.DROP_RESPONSE, self.drop_response),
            (FaultKind.DPOP_NONCE, self.dpop_nonce),
            (FaultKind.IDEMPOTENCY_IN_PROGRESS, self.idempotency_in_progress),
        )
        kind, value = next((kind, value) for kind, value in members if value is not strawberry.UNSET)
        assert value is not None  # one of them is set, and none is null
        try:
            return require_fault(kind, value)
        except InvalidInput as error:
            raise error.with_prefix("fault") from None


@strawberry.type(description="Result of sandboxFaultInject.")
class SandboxFaultInjectPayload:
    remaining: int = strawberry.field(description="Number of calls that will be affected. 0 if there are user errors.")
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the fault was set or ended.", 1)


@strawberry.type
class SandboxFaultMutations:
    """The mutation of faults in a sandbox."""

    @resolved(
        "Makes the next calls of your app fail in a chosen way, with any of its tokens. A call that uses only fields"
        " whose names begin with sandbox, such as this one, is not affected and does not count. A new fault replaces"
        " the earlier one.",
        scopes=SANDBOX,
        cost=10,
    )
    def sandbox_fault_inject(
        self,
        info: Info,
        fault: Annotated[SandboxFault, strawberry.argument(description="What happens.")],
        count: Annotated[
            int, strawberry.argument(description="Number of calls, 0 to 100. 0 ends the present fault.")
        ] = 1,
    ) -> SandboxFaultInjectPayload | None:
        context, service = info.context, info.context.container.sandbox.faults
        remaining, errors = attempt(context, lambda: service.inject(context.principal, fault.fault(), count), prefix=())
        return SandboxFaultInjectPayload(remaining=remaining or 0, user_errors=errors)
