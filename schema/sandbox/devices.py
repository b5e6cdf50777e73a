"""The mutation with which a test user decides about the request of a point of sale."""

from typing import Annotated

import strawberry

from gateway.services.sandbox.devices import DeviceEvent
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.consent import Consent
from schema.types.enums import publish
from schema.types.user_error import UserError, attempt

publish(
    DeviceEvent,
    "SandboxDeviceEvent",
    "What happens to the request of a point of sale.",
    {
        "APPROVE": "The test user allows all that is asked for. The next poll gets an access token.",
        "DENY": "The test user denies it. The next poll gets access_denied.",
        "EXPIRE": "Its time passes. The next poll gets expired_token.",
    },
)


@strawberry.type(description="Result of sandboxDeviceSimulate.")
class SandboxDeviceSimulatePayload:
    consent: Consent | None = strawberry.field(
        description="The new consent. Its access token comes with the next poll of your app. Null unless the event is"
        " APPROVE, and if there are user errors."
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the event has happened.", 1)


@strawberry.type
class SandboxDeviceMutations:
    """The mutation of the device grant in a sandbox."""

    @resolved(
        "Decides about the request of a point of sale as this test user, without a browser, or lets it expire. Your app"
        " gets the result with its next poll. To get slow_down, poll faster than the interval.",
        scopes=SANDBOX,
        cost=20,
    )
    def sandbox_device_simulate(
        self,
        info: Info,
        user_code: Annotated[str, strawberry.argument(description="The user code that your app shows.")],
        event: Annotated[DeviceEvent, strawberry.argument(description="What happens.")],
        persona: Annotated[
            str | None,
            strawberry.argument(description="Handle of the test user who decides. Only EXPIRE needs none."),
        ] = strawberry.UNSET,
    ) -> SandboxDeviceSimulatePayload | None:
        context, service = info.context, info.context.container.sandbox.devices
        handle = None if persona is strawberry.UNSET else persona
        consent, errors = attempt(
            context, lambda: service.simulate(context.principal, user_code, event, handle), prefix=()
        )
        return SandboxDeviceSimulatePayload(
            consent=Consent.of(consent, context.query.now) if consent else None, user_errors=errors
        )
