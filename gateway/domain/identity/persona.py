"""Sandbox personas: test users whose first outcomes are known."""

from dataclasses import dataclass

from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected decision for an ordinary ask for a product."""

    product: Product
    status: Status
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """One test user of one partner. Its tier, score and expectations are those of a new one. `score` is None if it is
    unscored."""

    id: str
    handle: str
    summary: str
    tier: Tier
    score: int | None
    expectations: tuple[Expectation, ...]
