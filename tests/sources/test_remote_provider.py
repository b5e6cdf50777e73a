"""Attempts, retries, time limits and the circuit of the score provider's client."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.domain.errors import Unavailable
from gateway.kit.deadline import DeadlineExceeded, Deadlines
from tests.support.local_server import http_response
from tests.support.race import race
from tests.support.remote_world import OpenWorld, RemoteWorld
from tests.support.score_provider import JOSE

SHORT = timedelta(milliseconds=300)
BUSY = http_response(b"", 503)


def quick(open_world: OpenWorld, **settings: object) -> RemoteWorld:
    """A world whose attempts take at most SHORT each, and which has the catalogue of reasons."""
    world = open_world(**{"score_attempt_limit": SHORT, "score_time_limit": 10 * SHORT, **settings})
    world.remote.provider.load_reasons()
    return world


@pytest.mark.parametrize("failures", [1, 2])
def test_failed_attempts_are_repeated(open_world: OpenWorld, failures: int) -> None:
    world = quick(open_world, score_retries=2)
    world.provider.raw.extend([BUSY] * failures)
    assert world.measure().score == 702
    nonces = {question["nonce"] for question in world.provider.questions}
    assert len(nonces) == len(world.provider.questions) == failures + 1
    assert world.outcomes == [("fetched", "")]


def test_attempts_are_repeated_as_often_as_set(open_world: OpenWorld) -> None:
    world = quick(open_world, score_retries=2)
    world.provider.is_down = True
    assert world.cause_of_failure() == "server_error"
    assert len(world.provider.questions) == 3


def test_answer_that_is_wrong_is_not_asked_for_again(open_world: OpenWorld) -> None:
    world = quick(open_world, score_retries=2)
    world.provider.change = lambda claims: {**claims, "aud": "another"}
    assert world.cause_of_failure() == "audience"
    assert len(world.provider.questions) == 1


def test_request_to_a_slow_provider_ends_at_the_attempt_limit(open_world: OpenWorld) -> None:
    world = quick(open_world)
    world.provider.may_respond.clear()
    began = time.monotonic()
    assert world.cause_of_failure() == "timeout"
    assert time.monotonic() - began < 5


def pieces_with_pauses(response: bytes, seconds: float) -> Iterator[bytes]:
    """The bytes of the response, one at a time."""
    for number in range(len(response)):
        time.sleep(seconds)
        yield response[number : number + 1]


def test_answer_that_trickles_ends_at_the_attempt_limit(open_world: OpenWorld) -> None:
    world = quick(open_world)
    world.provider.raw.append(pieces_with_pauses(http_response(b"a.b.c", headers=JOSE), 0.05))
    began = time.monotonic()
    assert world.cause_of_failure() == "timeout"
    assert time.monotonic() - began < 2


def test_answer_after_the_limit_is_not_taken_for_the_next_one(open_world: OpenWorld) -> None:
    """It comes while the next request waits, and has the nonce of the first one."""
    world = quick(open_world)
    world.provider.may_respond.clear()
    assert world.cause_of_failure() == "timeout"
    world.provider.may_respond.set()
    world.know("good", 640)
    assert (world.measure("good").score, world.measure().score) == (640, 702)
    assert [outcome for outcome, _ in world.outcomes] == ["unavailable", "fetched", "fetched"]


def test_all_attempts_together_have_a_time_limit(open_world: OpenWorld) -> None:
    world = quick(open_world, score_retries=2, score_time_limit=SHORT)
    world.provider.may_respond.clear()
    assert world.cause_of_failure() == "timeout"
    assert world.provider.connections == 2, "the catalogue, and one request for a score"


def test_deadline_of_the_request_limits_the_attempts(open_world: OpenWorld) -> None:
    world = quick(open_world, score_attempt_limit=timedelta(seconds=1), score_time_limit=timedelta(seconds=20))
    world.measure()
    world.clock.advance(hours=13)
    world.provider.may_respond.clear()
    with Deadlines(0.5).running() as deadline:
        assert world.measure().score == 702, "the last answer, while there is time to use it"
        assert not deadline.is_over
    assert world.outcomes[-1] == ("stale", "timeout")
    with Deadlines(0.1).running():
        world.measure()
    assert world.outcomes[-1] == ("stale", "no_time")


def test_cancelled_request_is_no_failure_of_the_provider(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=1)
    with Deadlines(10).running() as deadline:
        deadline.cancel()
        with pytest.raises(DeadlineExceeded):
            world.measure()
    assert world.measure().score == 702


def test_error_of_ours_is_no_failure_of_the_provider(open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = quick(open_world, score_circuit_failures=1)
    with monkeypatch.context() as broken:
        broken.setattr(world.remote.provider, "_reader", None)
        with pytest.raises(AttributeError):
            world.measure()
    assert world.measure().score == 702


def test_circuit_opens_and_a_probe_closes_it(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=2, score_circuit_pause=timedelta(milliseconds=400))
    world.provider.is_down = True
    causes = [world.cause_of_failure() for _ in range(4)]
    assert causes == ["server_error", "server_error", "circuit_open", "circuit_open"]
    assert len(world.provider.questions) == 2
    world.provider.is_down = False
    until_measured(world)
    assert len(world.provider.questions) == 3
    assert world.measure("good").score is None, "the circuit is closed"


def test_one_thread_probes(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=1, score_circuit_pause=timedelta(milliseconds=100))
    world.provider.is_down = True
    world.cause_of_failure()
    time.sleep(0.2)
    before, handles = len(world.provider.questions), ("excellent", "good", "fair", "building")

    def fails(number: int) -> bool:
        with pytest.raises(Unavailable):
            world.measure(handles[number])
        return True

    assert race(fails, 4) == [True] * 4
    assert len(world.provider.questions) == before + 1


def test_wrong_answers_open_the_circuit(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=2)
    world.provider.change = lambda claims: {**claims, "nonce": "another"}
    assert [world.cause_of_failure() for _ in range(3)] == ["nonce", "nonce", "circuit_open"]


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"subject": "another"}, "subject"),
        ({"score": 951}, "malformed"),
        ({"reasons": ["UNKNOWN"]}, "unknown_reason"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "expired"),
    ],
)
def test_signed_answer_that_is_wrong_about_one_person_does_not_open_the_circuit(
    open_world: OpenWorld, claims: dict[str, Any], cause: str
) -> None:
    """Otherwise one person of whom the provider knows something strange would take the scores of all others away."""
    world = quick(open_world, score_circuit_failures=2)
    world.know("good", 640)
    world.provider.change = lambda answer: {**answer, **claims}
    assert [world.cause_of_failure() for _ in range(4)] == [cause] * 4
    world.provider.change = lambda answer: answer
    assert world.measure("good").score == 640


def test_wrong_answer_about_one_person_closes_an_open_circuit(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=1, score_circuit_pause=timedelta(milliseconds=100))
    world.provider.is_down = True
    world.cause_of_failure()
    time.sleep(0.2)
    world.provider.is_down, world.provider.change = False, lambda answer: {**answer, "score": 951}
    assert world.cause_of_failure() == "malformed"
    world.provider.change = lambda answer: answer
    assert world.measure().score == 702, "no further pause"


def test_unknown_subject_is_no_failure(open_world: OpenWorld) -> None:
    world = quick(open_world, score_circuit_failures=1)
    assert [world.measure(handle).score for handle in ("good", "fair", "excellent")] == [None, None, 702]
    assert world.outcomes == [("fetched", "")] * 3


def test_bearer_token_is_sent_and_not_shown(open_world: OpenWorld) -> None:
    world = quick(open_world, score_provider_token=SecretStr("open-sesame"))
    world.measure()
    assert all(b"\r\nAuthorization: Bearer open-sesame\r\n" in request for request in world.provider.requests)
    assert "open-sesame" not in repr(world.remote.provider._address)


def test_without_a_token_no_authorization_is_sent(world: RemoteWorld) -> None:
    world.measure()
    assert not any(b"authorization" in request.lower() for request in world.provider.requests)


def test_catalogue_is_fetched_before_the_first_request_for_a_score(world: RemoteWorld) -> None:
    """The provider did not respond when the server started, or a command asks."""
    world.measure()
    assert [request.split(b" ")[1] for request in world.provider.requests] == [b"/reasons", b"/scores"]
    assert world.remote.provider.reasons["FEW_PARTNERS"].zh == "您的合作商家较少。"


def test_address_that_is_not_allowed_is_refused(open_world: OpenWorld) -> None:
    world = open_world(outgoing_networks="10.0.0.0/8")
    assert world.cause_of_failure() == "address_refused"
    assert world.provider.connections == 0


def until_measured(world: RemoteWorld, measure: Callable[[], object] | None = None) -> None:
    """Measures until it succeeds."""
    deadline = time.monotonic() + 20
    while True:
        try:
            (measure or world.measure)()
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
