"""The score sheet: what each check expected of the receiver, what came, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """FAILED: the receiver does not pass. WARNING: it passes, but something should change. SKIPPED: not checked."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check. `key` is its name for programs, `seconds` how long it took."""

    key: str
    name: str
    state: State
    expected: str
    came: str
    advice: str
    seconds: float

    @property
    def needs_action(self) -> bool:
        """Whether the receiver's owner should read the advice."""
        return self.state in {State.FAILED, State.WARNING}


@dataclass(frozen=True, slots=True)
class Sheet:
    """All results for one receiver. `target` is its address without a query and without the secret."""

    target: str
    results: Sequence[Result]

    def count(self, state: State) -> int:
        """Returns the number of checks with this result."""
        return sum(result.state is state for result in self.results)

    @property
    def is_passed(self) -> bool:
        return self.count(State.FAILED) == 0

    @property
    def summary(self) -> str:
        """One sentence."""
        tried = len(self.results) - self.count(State.SKIPPED)
        if self.is_passed:
            return f"The receiver passes all {tried} checks."
        return f"The receiver fails {self.count(State.FAILED)} of {tried} checks."
