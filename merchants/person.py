"""What an adapter knows about a person, and how a policy counts the person's breaches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.domain.policies.column import Fact
from gateway.domain.policies.table import DecisionTable, PolicyResult
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier

OPEN_BREACHES = "open_breaches"
"""The column of a policy that counts open breaches apart from overdue obligations."""
STARTER = "starter"
"""The column of a policy that is true for a starter."""
OVERDUE, BREACH = "OPEN_OVERDUE_OBLIGATION", "OPEN_BREACH"
STARTER_TIERS = (Tier.UNSCORED, Tier.BUILDING)
"""The tiers in which a person can be a starter."""


@dataclass(frozen=True, slots=True)
class Person:
    """All that an adapter knows about a person: the tier, the numbers of open overdue obligations and of open breaches
    that count, and whether the person is a starter. No obligation is in both numbers.

    A starter has one of STARTER_TIERS, a verified identity document, no open overdue obligation or breach, and no
    exposure at any merchant. So a starter has at most one open obligation at a time.
    """

    tier: Tier
    open_overdue: int
    open_breaches: int = 0
    starter: bool = False

    @classmethod
    def of(cls, measurement: Measurement, *, has_exposure: bool) -> "Person":
        """The person of a measurement. `has_exposure` is whether the person has exposure at any merchant."""
        overdue, breaches = measurement.open_overdue, measurement.open_breaches
        starter = (
            measurement.tier in STARTER_TIERS
            and measurement.has_document
            and not overdue
            and not breaches
            and not has_exposure
        )
        return cls(measurement.tier, overdue, breaches, starter)


def apply_table(table: DecisionTable, person: Person, facts: Callable[[Person], Mapping[str, Fact]]) -> PolicyResult:
    """Returns the result of a policy for a person. `facts` returns the facts about a person that the policy tests.

    A policy that does not test `open_breaches` gets them added to `open_overdue`, so that they decline too. If the
    person has breaches only, its reason OPEN_OVERDUE_OBLIGATION becomes OPEN_BREACH.
    """
    if OPEN_BREACHES in table.tested_columns or not person.open_breaches:
        return table.decide(facts(person))
    both = replace(person, open_overdue=person.open_overdue + person.open_breaches)
    result = table.decide(facts(both))
    if person.open_overdue:
        return result
    return replace(result, reasons=tuple(BREACH if code == OVERDUE else code for code in result.reasons))


def requires_starter(table: DecisionTable, rule_id: str) -> bool:
    """Returns whether a rule of the policy matches starters only. False for an unknown rule."""
    return any(
        cell.column == STARTER and cell.is_ is True for rule in table.rules if rule.id == rule_id for cell in rule.when
    )
