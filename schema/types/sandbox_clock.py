"""The clock of a partner in a sandbox."""

from datetime import datetime, timedelta

import strawberry

from gateway.services.sandbox.clock import PartnerClock


@strawberry.type(
    description="The business time of your partner account. Consents, decisions, due dates, windows and scores follow"
    " it. Tokens, sessions, proofs, signatures and retries follow real time. It moves forward only."
)
class SandboxClock:
    now: datetime = strawberry.field(description="Business time.")
    offset: timedelta = strawberry.field(description="How far it is ahead of real time.")

    @classmethod
    def of(cls, clock: PartnerClock) -> "SandboxClock":
        """Returns the GraphQL form of a clock."""
        return cls(now=clock.now, offset=clock.offset)
