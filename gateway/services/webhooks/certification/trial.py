"""One check of a receiver while it runs: it sends deliveries, and keeps what differs from what was expected."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from gateway.services.webhooks.certification.samples import Sample, Samples
from gateway.services.webhooks.certification.session import Answer, Session
from gateway.services.webhooks.certification.sheet import Result, State

AT_ONCE = 4
"""How often an event is sent at the same moment."""

SHOWN_PROBLEMS = 3
"""The largest number of differences that a result names."""


@dataclass(slots=True)
class Trial:
    """The deliveries of one check. Each method names in `what` what is special about the delivery."""

    session: Session
    _answers: dict[str, None] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)
    _counts: list[tuple[Sample, range, str]] = field(default_factory=list)

    @property
    def samples(self) -> Samples:
        return self.session.samples

    def expect_accepted(self, sample: Sample, what: str, **delivery: Any) -> None:
        """Sends the event and expects 2xx. `delivery` are options of `Session.deliver`."""
        answer = self.session.deliver(sample, **delivery)
        self._note(answer, answer.is_accepted, what)

    def expect_accepted_at_once(self, sample: Sample, what: str) -> None:
        """Sends the event several times at the same moment and expects 2xx at least once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _: self.session.deliver(sample), range(AT_ONCE)))
        is_accepted = any(answer.is_accepted for answer in answers)
        for answer in answers:
            self._note(answer, is_accepted, what)

    def expect_refused(self, sample: Sample, what: str, **delivery: Any) -> None:
        """Sends the event and expects 4xx, and that it is not applied."""
        answer = self.session.deliver(sample, **delivery)
        self._note(answer, answer.is_refused, what)
        self.expect_applied(sample, range(1), what)

    def expect_applied(self, sample: Sample, times: range, what: str) -> None:
        """Expects that the receiver applies the event so often. It is compared at the end of the check."""
        self._counts.append((sample, times, what))

    def finish(self) -> tuple[bool, str]:
        """Returns whether all was as expected, and what came."""
        counts = self.session.count_effects() if self._counts else None
        if counts is not None:
            for sample, times, what in self._counts:
                count = counts.get(sample.id, 0)
                if count not in times:
                    self._problems.append(f"applied {_times(count)}: {what}")
        if not self._problems:
            return True, ", ".join(self._answers)
        more = len(self._problems) - SHOWN_PROBLEMS
        shown = "; ".join(self._problems[:SHOWN_PROBLEMS])
        return False, f"{shown}; and {more} more" if more > 0 else shown

    def _note(self, answer: Answer, is_expected: bool, what: str) -> None:
        self._answers[str(answer)] = None
        if not is_expected:
            self._problems.append(f"{answer} for {what}")


def _times(count: int) -> str:
    return {0: "not once", 1: "once", 2: "twice"}.get(count, f"{count} times")


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `effect` is what is expected in addition if the receiver says how often it has applied each event."""

    key: str
    name: str
    expected: str
    effect: str
    advice: str
    deliver: Callable[[Trial], None]

    def run(self, session: Session) -> Result:
        """Sends the deliveries and returns the result."""
        began, trial = time.monotonic(), Trial(session)
        self.deliver(trial)
        is_passed, came = trial.finish()
        expected = f"{self.expected}, {self.effect}" if self.effect and session.effects_url else self.expected
        state = State.PASSED if is_passed else State.FAILED
        return Result(self.key, self.name, state, expected, came, self.advice, time.monotonic() - began)

    def skip(self, reason: str) -> Result:
        """Returns the result of a check that is not made."""
        return Result(self.key, self.name, State.SKIPPED, self.expected, reason, self.advice, 0)


def check(
    key: str, name: str, *, expected: str, effect: str = "", advice: str
) -> Callable[[Callable[[Trial], None]], Check]:
    """Makes a check of a function that sends its deliveries."""
    return lambda deliver: Check(key, name, expected, effect, advice, deliver)
