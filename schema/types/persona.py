"""Sandbox personas: test users with known answers."""

import strawberry

from gateway.domain.decisions.transitions import Status
from gateway.domain.identity import persona as domain
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from schema.types.node import Node


@strawberry.type(description="What an ordinary request for a product would be answered.")
class SandboxExpectation:
    product: Product = strawberry.field(description="The product.")
    status: Status = strawberry.field(description="The status that the decision would take.")
    reason_codes: list[str] = strawberry.field(description="The reasons that it would name.")


@strawberry.type(
    description="A ready-made test user, one copy per partner. The handle is the magic value: for a fresh copy it"
    " decides what every product answers; what you do moves it, sandboxReset restores it."
)
class SandboxPersona(Node):
    handle: str = strawberry.field(description="Its magic name.")
    summary: str = strawberry.field(description="What it is for.")
    tier: Tier = strawberry.field(description="Its tier.")
    score: int | None = strawberry.field(description="Its score, 350 to 950; null if it is unscored.")
    expected_outcomes: list[SandboxExpectation] = strawberry.field(
        description="What a fresh copy is answered, one entry per product that is served."
    )

    @classmethod
    def of(cls, persona: domain.Persona) -> "SandboxPersona":
        return cls(
            id=strawberry.ID(persona.id),
            handle=persona.handle,
            summary=persona.summary,
            tier=persona.tier,
            score=persona.score,
            expected_outcomes=[
                SandboxExpectation(product=each.product, status=each.status, reason_codes=list(each.reasons))
                for each in persona.expectations
            ],
        )
