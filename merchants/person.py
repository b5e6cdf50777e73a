"""What an adapter knows about a person, and how a policy counts the person's breaches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.domain.policies.column import Fact
from gateway.domain.policies.table import DecisionTable, PolicyResult
from gateway.domain.scoring.tier import Tier

OPEN_BREACHES = "open_breaches"
"""The column of a policy that counts open breaches apart from overdue obligations."""
OVERDUE, BREACH = "OPEN_OVERDUE_OBLIGATION", "OPEN_BREACH"


@dataclass(frozen=True, slots=True)
class Person:
    """All that an adapter knows about a person: the tier, and the numbers of open overdue obligations and of open
    breaches that count. No obligation is in both numbers."""

    tier: Tier
    open_overdue: int
    open_breaches: int = 0


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
