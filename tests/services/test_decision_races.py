"""Concurrent calls, and changes between the two phases of a request. With real databases and threads."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import (
    ConsentRefused,
    GatewayError,
    IdempotencyConflict,
    InvalidInput,
    StateConflict,
    Unavailable,
)
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.decisions.requests import RequestCommand, RequestResult
from gateway.services.decisions.transitions import CancelCommand
from gateway.services.identity.persona_records import CATALOGUE
from tests.services.asks import car, order, request_command, waiver
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.logs import find_in_logs

pytestmark = pytest.mark.postgresql

THREADS = 8


def requests(world: DemoWorld, *calls: tuple[Consent, RequestCommand]) -> list[RequestResult | Exception]:
    return at_once([partial(world.requester.request, world.user_token(consent), command) for consent, command in calls])


def codes(answers: list[RequestResult | Exception]) -> list[str]:
    """The codes of the errors. Fails for an unexpected exception."""
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, GatewayError)]
    assert not unexpected
    return [each.code for each in answers if isinstance(each, GatewayError)]


def decided(answers: list[RequestResult | Exception]) -> list[RequestResult]:
    return [each for each in answers if isinstance(each, RequestResult)]


def test_concurrent_equal_requests_make_one_decision(world: DemoWorld) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    answers = requests(world, *[(consent, command)] * THREADS)
    assert codes(answers) == []
    assert len({answer.decision.id for answer in decided(answers)}) == 1
    assert all(answer.decision == decided(answers)[0].decision for answer in decided(answers))
    assert sorted(answer.replayed for answer in decided(answers)) == [False] + [True] * (THREADS - 1)
    written = ("decisions", "decision_log", "access_log", "idempotency_records")
    assert [world.counts()[table] for table in written] == [1, 1, 1, 1]
    assert len(world.rows("SELECT id FROM outbox WHERE topic LIKE 'DECISION%'")) == 1


@pytest.mark.parametrize(
    ("handle", "approved", "exposed"),
    [pytest.param("excellent", 3, 900_000, id="in-full"), pytest.param("good", 5, 750_000, id="by-half")],
)
def test_concurrent_requests_never_exceed_the_maximum_amount(
    world: DemoWorld, handle: str, approved: int, exposed: int
) -> None:
    consent, now = world.grant(handle, waiver("9000.00")), world.clock()
    answers = requests(world, *((consent, request_command(car(now), f"key-{n}", f"order-{n}")) for n in range(THREADS)))
    assert codes(answers) == ["CONSENT_AMOUNT_EXCEEDED"] * (THREADS - approved)
    assert all(isinstance(each, ConsentRefused | RequestResult) for each in answers)
    rows = world.rows("SELECT status, committed_minor FROM decisions")
    assert len(rows) == approved
    assert {status for status, _ in rows} == {Status.APPROVED}
    assert sum(minor for _, minor in rows) == exposed <= 900_000
    assert len(world.rows("SELECT id FROM decision_log")) == approved


def test_concurrent_requests_with_one_reference_make_one_decision(world: DemoWorld) -> None:
    consents, now = (world.grant(), world.grant("good")), world.clock()
    answers = requests(world, *((consents[n % 2], request_command(car(now), f"key-{n}")) for n in range(THREADS)))
    assert codes(answers) == ["DUPLICATE_REFERENCE"] * (THREADS - 1)
    assert [answer.replayed for answer in decided(answers)] == [False]
    assert world.counts()["decisions"] == 1
    assert world.counts()["idempotency_records"] == 1


def test_concurrent_requests_with_one_key_and_two_consents_make_one_decision(world: DemoWorld) -> None:
    consents, command = (world.grant(), world.grant("good")), request_command(car(world.clock()))
    answers = requests(world, *((consents[n % 2], command) for n in range(THREADS)))
    assert codes(answers) == ["IDEMPOTENCY_KEY_REUSED"] * (THREADS // 2)
    assert len({answer.decision.id for answer in decided(answers)}) == 1
    assert world.counts()["decisions"] == 1


def test_concurrent_requests_of_two_merchants_about_one_person_all_succeed(world: DemoWorld) -> None:
    here, there, now = world.grant(), world.grant(client=world.client("online_shop")), world.clock()
    calls = [
        (here, request_command(car(now, "10.00"), f"key-{n}", f"order-{n}"))
        if n % 2
        else (there, request_command(order("10.00"), f"key-{n}", f"order-{n}"))
        for n in range(THREADS)
    ]
    answers = requests(world, *calls)
    assert codes(answers) == []
    assert len({answer.decision.id for answer in decided(answers)}) == THREADS
    assert world.counts()["user_keys"] == 1
    for table in ("decision_log", "access_log"):
        indexes = world.rows(f"SELECT leaf_index FROM {table} ORDER BY leaf_index")
        assert [index for (index,) in indexes] == list(range(8))
    assert find_in_logs(world.database) is None


def test_concurrent_first_requests_make_one_key_for_each_person(world: DemoWorld) -> None:
    now, consents = world.clock(), [world.grant(each.handle) for each in CATALOGUE]
    answers = requests(world, *((each, request_command(car(now), each.id, each.id)) for each in consents))
    assert codes(answers) == []
    assert world.counts()["user_keys"] == len(CATALOGUE)
    assert find_in_logs(world.database) is None


@pytest.mark.parametrize("table", ["access_log", "outbox"])
def test_failed_request_leaves_nothing(world: DemoWorld, table: str) -> None:
    """The first request about a person creates the person's key. If it fails, the key is rolled back with it."""
    consent, command = world.grant(), request_command(car(world.clock()))
    before = world.contents()
    world.block_inserts(table)
    with pytest.raises(Exception, match="full"):
        world.requester.request(world.user_token(consent), command)
    world.allow_inserts(table)
    assert world.contents() == before
    assert not world.requester.request(world.user_token(consent), command).replayed
    assert find_in_logs(world.database) is None


@pytest.mark.parametrize(
    ("keys", "refused"),
    [pytest.param(lambda n: "one", 0, id="same-key"), pytest.param(str, THREADS - 1, id="other-keys")],
)
def test_one_of_concurrent_cancels_succeeds(world: DemoWorld, keys: Callable[[int], str], refused: int) -> None:
    decision = world.requester.request(world.user_token(world.grant()), request_command(car(world.clock()))).decision
    token = world.merchant_token()
    answers = at_once(
        [
            partial(world.transitions.cancel, token, CancelCommand(decision.id, f"cancel-{keys(n)}", "Changed plans"))
            for n in range(THREADS)
        ]
    )
    failures = [answer for answer in answers if isinstance(answer, Exception)]
    assert [getattr(failure, "code", failure) for failure in failures] == ["INVALID_TRANSITION"] * refused
    assert all(isinstance(failure, StateConflict) for failure in failures)
    assert len(world.rows("SELECT id FROM decision_log WHERE decision_id = :id", id=decision.id)) == 2
    assert len(world.rows("SELECT id FROM outbox WHERE topic = 'DECISION_CANCELLED'")) == 1


def test_concurrent_revoke_rejects_later_requests(world: DemoWorld) -> None:
    consent, now = world.grant(), world.clock()
    calls: list[Callable[[], RequestResult | None]] = [
        partial(
            world.requester.request,
            world.user_token(consent),
            request_command(car(now, "10.00"), f"key-{n}", f"order-{n}"),
        )
        for n in range(THREADS - 1)
    ]
    calls.append(partial(world.revoke, consent))
    answers = at_once(calls)
    made = [answer for answer in answers if isinstance(answer, RequestResult)]
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert [getattr(each, "code", each) for each in refused] == ["CONSENT_REVOKED"] * (THREADS - 1 - len(made))
    assert world.counts()["decisions"] == len(made)


def error_of(world: DemoWorld, command: RequestCommand, consent: Consent) -> GatewayError:
    """The error of a request, which must have written nothing."""
    with pytest.raises(GatewayError) as failed:
        world.requester.request(world.user_token(consent), command)
    tables = ("decisions", "decision_log", "access_log", "idempotency_records")
    assert [world.counts()[table] for table in tables] == [0, 0, 0, 0]
    assert not world.rows("SELECT id FROM outbox WHERE topic LIKE 'DECISION%'")
    return failed.value


def test_consent_revoked_between_phases_is_rejected(world: DemoWorld) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    error = error_of(world.interrupt_scoring(lambda: world.revoke(consent)), command, consent)
    assert (type(error), error.code) == (ConsentRefused, "CONSENT_REVOKED")


@pytest.mark.parametrize(
    ("days", "kind", "code"),
    [
        pytest.param(1, Unavailable, "SCORE_UNAVAILABLE", id="score-stale"),
        pytest.param(90, ConsentRefused, "CONSENT_EXPIRED", id="consent-expired"),
    ],
)
def test_consent_or_score_expired_between_phases_is_rejected(
    world: DemoWorld, days: int, kind: type[GatewayError], code: str
) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    error = error_of(world.interrupt_scoring(lambda: world.clock.advance(days=days)), command, consent)
    assert (type(error), error.code) == (kind, code)


def test_score_is_used_until_it_expires(world: DemoWorld) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    interrupted = world.interrupt_scoring(lambda: world.clock.advance(hours=24, microseconds=-1))
    assert interrupted.requester.request(world.user_token(consent), command).decision.status is Status.APPROVED


def test_maximum_amount_used_up_between_phases_is_rejected(world: DemoWorld) -> None:
    consent, now = world.grant("excellent", waiver("3000.00")), world.clock()
    quicker = partial(world.requester.request, world.user_token(consent), request_command(car(now), "key-0", "order-0"))
    with pytest.raises(ConsentRefused) as refused:
        world.interrupt_scoring(quicker).requester.request(world.user_token(consent), request_command(car(now)))
    assert refused.value.code == "CONSENT_AMOUNT_EXCEEDED"
    assert world.rows("SELECT merchant_reference FROM decisions") == [("order-0",)]


def test_equal_request_between_phases_is_replayed(world: DemoWorld) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    quicker: list[RequestResult] = []
    act = lambda: quicker.append(world.requester.request(world.user_token(consent), command))  # noqa: E731
    answer = world.interrupt_scoring(act).requester.request(world.user_token(consent), command)
    assert answer.replayed
    assert answer.decision == quicker[0].decision


def test_key_used_for_another_input_between_phases_is_rejected(world: DemoWorld) -> None:
    consent, now = world.grant(), world.clock()
    quicker = partial(
        world.requester.request, world.user_token(consent), request_command(car(now), reference="order-0")
    )
    with pytest.raises(IdempotencyConflict) as refused:
        world.interrupt_scoring(quicker).requester.request(world.user_token(consent), request_command(car(now)))
    assert refused.value.differing == (("merchantReference",),)


class Down:
    """A score source that is unavailable."""

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        raise Unavailable("SCORE_UNAVAILABLE", "The provider is unavailable.")


def test_unavailable_score_writes_nothing(world: DemoWorld) -> None:
    error = error_of(world.variant(source=Down()), request_command(car(world.clock())), world.grant())
    assert (type(error), error.code) == (Unavailable, "SCORE_UNAVAILABLE")


def test_replay_needs_no_score(world: DemoWorld) -> None:
    consent, command = world.grant(), request_command(car(world.clock()))
    first = world.request(consent, command)
    down, before = world.variant(source=Down()), world.contents()
    again = down.request(consent, command)
    assert (again.decision, again.replayed) == (first.decision, True)
    with pytest.raises(Unavailable) as failed:
        down.request(consent, request_command(car(world.clock()), "key-2", "order-2"))
    assert failed.value.code == "SCORE_UNAVAILABLE"
    assert world.contents() == before


def test_consent_is_rejected_from_its_expiry_on(world: DemoWorld) -> None:
    consent = world.grant()
    world.clock.now = WallTime(consent.expires_at)
    error = error_of(world, request_command(car(world.clock())), consent)
    assert (type(error), error.code) == (ConsentRefused, "CONSENT_EXPIRED")
    world.clock.advance(microseconds=-1)
    assert not world.requester.request(world.user_token(consent), request_command(car(world.clock()))).replayed


def test_consent_revoked_after_token_check_is_rejected(world: DemoWorld) -> None:
    consent = world.grant()
    principal = world.user_token(consent)
    world.revoke(consent)
    with pytest.raises(ConsentRefused) as refused:
        world.requester.request(principal, request_command(car(world.clock())))
    assert refused.value.code == "CONSENT_REVOKED"
    with pytest.raises(InvalidInput):
        world.requester.request(principal, request_command(car(world.clock()), key=""))
