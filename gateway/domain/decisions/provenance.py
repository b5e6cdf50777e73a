"""Who decided: the adapter, policy version and rule of a decision."""

from dataclasses import dataclass

from gateway.kit.clock import BusinessTime


@dataclass(frozen=True, slots=True)
class DecisionProvenance:
    """The adapter, policy version and rule that decided. `policy_hash` is SHA-256 hex over the canonical policy."""

    adapter: str
    policy_version: str
    policy_hash: str
    rule_id: str
    score_as_of: BusinessTime | None
