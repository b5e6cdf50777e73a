"""A requirement on adapters, and a finding where an adapter does not satisfy it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from merchants.adapter import MerchantAdapter

Adapter = MerchantAdapter[Any]
SHOWN_FINDINGS = 5
"""How many findings of one requirement are shown: an unfair policy may have thousands."""
Problems = Callable[[Adapter], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: the name of the requirement, and what is wrong, in one sentence."""

    requirement: str
    problem: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One property that every adapter must have, under each version of its policy.

    `problems` yields a sentence for each violation. Calling the requirement with an adapter yields the findings lazily:
    none where it holds. It raises what the adapter's own code raises.
    """

    name: str
    problems: Problems

    def __call__(self, adapter: Adapter) -> Iterator[Finding]:
        return (Finding(self.name, problem) for problem in self.problems(adapter))


def requirement(name: str) -> Callable[[Problems], Requirement]:
    """Makes a function that yields problems into a Requirement of this name."""
    return lambda problems: Requirement(name, problems)


def policy_versions(adapter: Adapter) -> Iterator[Adapter]:
    """The adapter with each version of its policy in turn."""
    return map(adapter.with_policy, adapter.policies)
