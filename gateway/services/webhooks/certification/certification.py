"""Runs all checks of a receiver and judges its answers as a whole."""

from collections.abc import Iterator
from http import HTTPStatus

from gateway.domain.events import Topic
from gateway.kit.http_address import Reason
from gateway.services.webhooks.certification.accepting import ACCEPTING, signed_event
from gateway.services.webhooks.certification.refusing import REFUSING
from gateway.services.webhooks.certification.session import Session
from gateway.services.webhooks.certification.sheet import Result, State

CHECKS = (signed_event, *ACCEPTING, *REFUSING)
UNACCEPTED = "no signed event"
"""What came if the other checks would show nothing."""

_USABLE: frozenset[Reason] = frozenset({"encoding", "too_large"})


class NoAnswer(Exception):
    """The receiver does not answer, so nothing can be checked."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"The receiver does not answer: {reason}.")
        self.reason: Reason = reason


def certify(session: Session) -> Iterator[Result]:
    """Yields the result of each check as soon as there is one. Skips them if no signed event is accepted. Raises
    NoAnswer if the first event gets no answer."""
    first = session.deliver(session.samples.event(Topic.DECISION_APPROVED))
    if first.reason is not None and first.reason not in _USABLE:
        raise NoAnswer(first.reason)
    result = signed_event.run(session)
    yield result
    for check in CHECKS[1:]:  # a receiver that accepts nothing would pass half of them, and fail the other half
        yield check.run(session) if result.state is State.PASSED else check.skip(UNACCEPTED)
    yield judge_speed(session)
    yield judge_form(session)
    yield judge_effects(session)


def judge_speed(session: Session) -> Result:
    """Returns the result for the time of the slowest answer."""
    limits, slowest = session.limits, max(answer.seconds for answer in session.answers)
    state = State.PASSED
    if slowest > limits.good:
        state = State.WARNING if slowest <= limits.usable else State.FAILED
    return Result(
        "speed",
        "Every answer comes in time",
        state,
        f"within {limits.usable:g} s, better within {limits.good:g} s",
        f"{slowest:.1f} s at the longest",
        "Store the event, answer, and do the work later.",
        slowest,
    )


def judge_form(session: Session) -> Result:
    """Returns the result for redirects, compressed answers and large ones."""
    wrong = [each for each in session.answers if each.is_redirect or each.reason in _USABLE]
    came = ", ".join(dict.fromkeys(map(str, wrong)))
    return Result(
        "form",
        "No answer is a redirect, compressed or large",
        State.FAILED if wrong else State.PASSED,
        "a plain answer of at most 64 KiB",
        f"{len(wrong)} of {len(session.answers)} answers: {came}" if wrong else "plain answers",
        "Give the URL to which you redirect. Redirects are not followed, and Accept-Encoding is identity.",
        0,
    )


def judge_effects(session: Session) -> Result:
    """Returns the result for the list of effects. A receiver need not have one."""
    state, came = State.PASSED, "the list was read"
    if session.effects_url is None:
        state, came = State.SKIPPED, "no --effects URL"
    elif session.effects_problem is not None:
        state, came = State.FAILED, session.effects_problem
    return Result(
        "effects",
        "The list of effects can be read",
        state,
        f'{HTTPStatus.OK} with {{"effects": {{event id: number}}}}',
        came,
        "Return how often you have applied each event, so that repeated and older ones can be checked too.",
        0,
    )
