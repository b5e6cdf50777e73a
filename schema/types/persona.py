"""Sandbox personas: test users whose first scores and outcomes are known."""

import strawberry

from gateway.domain.decisions.transitions import Status, first_status
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from gateway.services.policies.ordinary_asks import OrdinaryOutcome
from gateway.services.sandbox.persona_outcomes import DescribedPersona
from schema.directives import listed
from schema.types.node import Node


@strawberry.type(description="Expected result of an ordinary request for one product.")
class SandboxExpectation:
    product: Product = strawberry.field(description="The requested product.")
    status: Status = strawberry.field(description="Status that the decision would have.")
    reason_codes: list[str] = listed("Reason codes that the decision would have.", 4)

    @classmethod
    def of(cls, ordinary: OrdinaryOutcome) -> "SandboxExpectation":
        outcome = ordinary.outcome
        return cls(product=ordinary.product, status=first_status(outcome), reason_codes=list(outcome.reasons))


@strawberry.type(
    description="A test user. Each partner has its own copy, so your decisions about it do not affect other partners."
    " Its tier and score are those of a new copy; what you do moves them, as it does for a real user."
)
class SandboxPersona(Node):
    handle: str = strawberry.field(
        description="Name of the test user. Sign in as handle@partner, for example excellent@demo."
    )
    summary: str = strawberry.field(description="What the test user is for.")
    tier: Tier = strawberry.field(description="Tier of a new copy of the test user.")
    score: int | None = strawberry.field(
        description="Score of a new copy in points, 350 to 950. Null if it has no score."
    )
    expected_outcomes: list[SandboxExpectation] = listed(
        "Expected results while the test user has no earlier decisions, one per product.", 4
    )

    @classmethod
    def of(cls, persona: DescribedPersona) -> "SandboxPersona":
        return cls(
            id=strawberry.ID(persona.id),
            handle=persona.handle,
            summary=persona.summary,
            tier=persona.tier,
            score=persona.score,
            expected_outcomes=[SandboxExpectation.of(each.ordinary) for each in persona.outcomes],
        )
