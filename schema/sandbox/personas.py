"""The mutation that makes a test user."""

from datetime import timedelta
from typing import Annotated

import strawberry

from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.domain.policies.outcome_override import OutcomeOverride
from gateway.domain.scoring.tier import Tier
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.persona import SandboxPersona
from schema.types.user_error import UserError, attempt


@strawberry.input(description="The outcome of all requests of one product about a test user, whatever the policy says.")
class SandboxOutcomeOverride:
    product: Product = strawberry.field(description="The product.")
    status: Status = strawberry.field(
        description="APPROVED: all that is asked for, as far as the credit limit allows. DECLINED, with reasonCodes."
        " PENDING: in manual review."
    )
    reason_codes: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Reason codes of a decline, at most 4. For PENDING those of a later decline; null:"
        " TIER_BELOW_REQUIRED.",
    )
    delay: timedelta | None = strawberry.field(
        default=strawberry.UNSET,
        description="The decision is PENDING first, and gets its status after this much business time. It must be"
        " shorter than a manual review of the product can last. Null: at once.",
    )

    def override(self) -> OutcomeOverride:
        """Returns the override of the domain."""
        delay = None if self.delay is strawberry.UNSET else self.delay
        return OutcomeOverride(self.product, self.status, tuple(self.reason_codes or ()), delay)


@strawberry.input(description="Input of sandboxPersonaCreate.")
class SandboxPersonaCreateInput:
    handle: str = strawberry.field(
        description="Name of the test user: 1 to 40 letters a to z, digits and single hyphens between them."
    )
    tier: Tier = strawberry.field(description="Tier of the new test user.")
    overrides: list[SandboxOutcomeOverride] | None = strawberry.field(
        default=strawberry.UNSET, description="Outcomes that do not follow the policy, at most one per product."
    )


@strawberry.type(description="Result of sandboxPersonaCreate.")
class SandboxPersonaCreatePayload:
    persona: SandboxPersona | None = strawberry.field(description="The test user. Null if there are user errors.")
    username: str | None = strawberry.field(
        description="Name with which the test user signs in. Null if there are user errors."
    )
    password: str | None = strawberry.field(
        description="Password of the test user. It is shown only here. Null if there are user errors."
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the test user was made.", 1)


@strawberry.type
class SandboxPersonaMutations:
    """The mutation of test users in a sandbox."""

    @resolved(
        "Makes a test user of your partner account, with a past from which a score in this tier is computed. A partner"
        " account has at most 30 test users. sandboxReset ends those that you made.",
        scopes=SANDBOX,
        cost=50,
    )
    def sandbox_persona_create(
        self,
        info: Info,
        input: Annotated[SandboxPersonaCreateInput, strawberry.argument(description="The test user.")],  # noqa: A002
    ) -> SandboxPersonaCreatePayload | None:
        context, service = info.context, info.context.container.sandbox.personas
        overrides = [each.override() for each in input.overrides or ()]
        created, errors = attempt(
            context, lambda: service.create(context.principal, input.handle, input.tier, overrides)
        )
        persona = context.container.persona_outcomes.find(context.query, created.id) if created else None
        return SandboxPersonaCreatePayload(
            persona=SandboxPersona.of(persona) if persona else None,
            username=created.username if created else None,
            password=created.password if created else None,
            user_errors=errors,
        )
