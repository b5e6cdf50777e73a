"""A requirement on adapters, and the finding if an adapter violates it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from merchants.adapter import MerchantAdapter

Adapter = MerchantAdapter[Any]
SHOWN_FINDINGS = 5
"""The number of findings of one requirement that are shown. An unfair policy can have thousands."""
Problems = Callable[[Adapter], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: the name of the requirement, and a sentence that describes the problem."""

    requirement: str
    problem: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One property that every adapter must have with each version of its policy.

    `problems` yields a sentence for each violation. Calling the requirement with an adapter returns an iterator over
    the findings. Exceptions of the adapter's own code are not caught.
    """

    name: str
    problems: Problems

    def __call__(self, adapter: Adapter) -> Iterator[Finding]:
        return (Finding(self.name, problem) for problem in self.problems(adapter))


def requirement(name: str) -> Callable[[Problems], Requirement]:
    """Decorator: makes a function that yields problems a Requirement of this name."""
    return lambda problems: Requirement(name, problems)


def policy_versions(adapter: Adapter) -> Iterator[Adapter]:
    """Yields, for each version of the adapter's policy, the adapter with this version as its only policy."""
    return map(adapter.with_policy, adapter.policies)
