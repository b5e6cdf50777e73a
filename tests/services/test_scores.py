"""What a merchant is told of a score, and that each telling is in the access log, sealed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.contract import Contract
from gateway.domain.errors import ConsentRefused, Forbidden, GatewayError, Unavailable
from gateway.domain.money import Money
from gateway.domain.score import ThresholdAnswer
from gateway.domain.tier import Tier
from gateway.kit.json import decode
from gateway.services.reading import Reading
from gateway.store import access_log
from gateway.store.access_log import AccessLogRow
from tests.services.world import World, asking, car

Question = Callable[[World, Reading], Any]
TIER: Question = lambda world, reading: world.scores.tier(reading).tier  # noqa: E731
EXACT: Question = lambda world, reading: world.scores.exact(reading)  # noqa: E731
MEETS: Question = lambda world, reading: world.scores.meets(reading, Tier.EXCELLENT)  # noqa: E731
LEVELS = ("threshold", "tier", "exact")


def logged(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Kind and opened personal part of every access, in order."""
    with world.database.read() as session:
        rows = session.exec(select(AccessLogRow).order_by(col(AccessLogRow.sequence))).all()
        return [(decode(row.public)["kind"], world.access_log.personal(session, row) or {}) for row in rows]


def refusal(world: World, reading: Reading, ask: Question) -> GatewayError:
    """The refusal of a question, of which the log then holds nothing."""
    with pytest.raises(GatewayError) as refused:
        ask(world, reading)
    reading.finish()
    assert logged(world) == []
    return refused.value


@pytest.mark.parametrize("given", LEVELS)
@pytest.mark.parametrize(
    ("level", "ask", "answer", "entry"),
    [
        pytest.param(
            "threshold",
            MEETS,
            ThresholdAnswer.NO,
            ("SCORE_THRESHOLD", {"answered": {"minimum": "EXCELLENT", "answer": "NO"}}),
            id="meets",
        ),
        pytest.param("tier", TIER, Tier.VERY_GOOD, ("SCORE_TIER", {"answered": {"tier": "VERY_GOOD"}}), id="tier"),
        pytest.param("exact", EXACT, 699, ("SCORE_EXACT", {"answered": {"score": 699}}), id="exact"),
    ],
)
def test_a_score_is_told_up_to_the_level_of_the_consent(
    world: World, given: str, level: str, ask: Question, answer: object, entry: object
) -> None:
    consent = world.grant("just-below", AuthorizationDetail("score", level=given))
    reading = world.reading(world.acting(consent))
    if LEVELS.index(level) <= LEVELS.index(given):
        assert ask(world, reading) == answer
        reading.finish()
        assert logged(world) == [entry]
    else:
        error = refusal(world, reading, ask)
        assert isinstance(error, Forbidden)
        assert error.required == ((f"score:{level}",),)


@pytest.mark.parametrize(
    ("handle", "answer"),
    [("threshold", "YES"), ("just-below", "NO"), ("unscored", "CANNOT_ASSESS"), ("overdue", "YES")],
)
def test_a_threshold_question_is_answered_by_persona(world: World, handle: str, answer: str) -> None:
    reading = world.reading(world.acting(world.grant(handle)))
    assert world.scores.meets(reading, Tier.EXCELLENT) == answer
    reading.abandon()


def test_an_unscored_person_has_no_number(world: World) -> None:
    reading = world.reading(world.acting(world.grant("unscored")))
    assert world.scores.exact(reading) is None
    assert world.scores.tier(reading).tier is Tier.UNSCORED
    reading.abandon()


@pytest.mark.parametrize("tier", Tier)
def test_a_merchant_may_ask_about_the_tiers_of_its_contract_only(world: World, tier: Tier) -> None:
    contract = Contract(frozenset({Tier.GOOD, Tier.EXCELLENT}), Money(100, "CNY"), timedelta(days=1))
    with world.database.write() as session:
        world.merchants.contract(session, world.merchant(), contract)
    reading = world.reading(world.acting(world.grant()))
    if tier in contract.askable_tiers:
        assert world.scores.meets(reading, tier) is ThresholdAnswer.YES
        reading.finish()
        assert len(logged(world)) == 1
    else:
        assert isinstance(refusal(world, reading, lambda world, reading: world.scores.meets(reading, tier)), Forbidden)


@pytest.mark.parametrize("ask", [TIER, EXACT, MEETS], ids=["tier", "exact", "meets"])
def test_a_merchant_token_is_told_nothing(world: World, ask: Question) -> None:
    assert isinstance(refusal(world, world.reading(world.merchant_token()), ask), Forbidden)


@pytest.mark.parametrize("ask", [TIER, EXACT, MEETS], ids=["tier", "exact", "meets"])
def test_nothing_is_told_once_the_consent_has_expired(world: World, ask: Question) -> None:
    consent = world.grant()
    world.clock.now = consent.expires_at
    error = refusal(world, world.reading(world.acting(consent)), ask)
    assert isinstance(error, ConsentRefused)
    assert error.code == "CONSENT_EXPIRED"


def test_a_part_of_a_consent_that_is_shorter_ends_first(world: World) -> None:
    short = AuthorizationDetail("score", level="exact", duration=timedelta(days=1))
    consent = world.grant("excellent", short, AuthorizationDetail("score", level="threshold"))
    world.clock.advance(days=1)
    reading = world.reading(world.acting(consent))
    assert world.scores.meets(reading, Tier.EXCELLENT) is ThresholdAnswer.YES
    with pytest.raises(Forbidden):
        world.scores.exact(reading)
    reading.abandon()


def test_a_person_whom_no_source_knows_cannot_be_read(world: World) -> None:
    with world.database.write() as session:
        world.accounts.register(
            session, username="nobody@demo", password="12345678", display_name="Nobody", now=world.clock()
        )
    error = refusal(world, world.reading(world.acting(world.grant("nobody"))), TIER)
    assert isinstance(error, Unavailable)
    assert error.code == "SCORE_UNAVAILABLE"


def test_each_read_is_logged_once_by_finish_and_only_then(world: World) -> None:
    consent = world.grant()
    reading = world.reading(world.acting(consent))
    for ask in (TIER, EXACT, MEETS, TIER):
        ask(world, reading)
    assert logged(world) == []
    reading.finish()
    assert [kind for kind, _ in logged(world)] == ["SCORE_TIER", "SCORE_EXACT", "SCORE_THRESHOLD", "SCORE_TIER"]
    reading.finish()
    reading.abandon()
    assert len(logged(world)) == 4
    rows = world.rows("SELECT sequence, public FROM access_log ORDER BY sequence")
    assert [sequence for sequence, _ in rows] == [1, 2, 3, 4]
    for _, public in rows:
        document = decode(public)
        assert (document["consent"], document["client"], document["purpose"]) == (
            consent.id,
            consent.client_id,
            "CAR_RENTAL",
        )
        assert consent.user_id not in public
        assert consent.subject not in public


def test_an_abandoned_reading_logs_nothing(world: World) -> None:
    reading = world.reading(world.acting(world.grant()))
    world.scores.tier(reading)
    reading.abandon()
    reading.finish()
    assert logged(world) == []


def test_finish_fails_and_logs_nothing_when_the_log_cannot_be_written(world: World) -> None:
    reading = world.reading(world.acting(world.grant()))
    world.scores.tier(reading)
    world.refuse_inserts("access_log")
    before = world.contents()
    with pytest.raises(Exception, match="full"):
        reading.finish()
    assert world.contents() == before


def test_a_read_that_logs_nothing_writes_nothing(world: World) -> None:
    before = world.contents()
    reading = world.reading(world.merchant_token())
    assert world.merchants.own(reading).products
    reading.finish()
    assert world.contents() == before


def test_the_personal_part_is_sealed_and_opens_with_the_key(world: World) -> None:
    consent = world.grant("just-below")
    reading = world.reading(world.acting(consent))
    world.scores.tier(reading)
    world.scores.exact(reading)
    reading.finish()
    world.decisions.request(world.acting(consent), asking(car(world.clock())))
    entries = world.rows("SELECT public, sealed FROM access_log UNION ALL SELECT public, sealed FROM decision_log")
    assert len(entries) == 4
    for public, sealed in entries:
        for secret in ("VERY_GOOD", '"score":699', "2100.00", "open_overdue"):
            assert secret not in public
            assert secret.encode() not in bytes(sealed)
    assert [kind for kind, _ in logged(world)] == ["SCORE_TIER", "SCORE_EXACT", "REQUEST"]
    with world.database.read() as session:
        user = world.accounts.user(session, consent.user_id)
        mine = access_log.of_subject(session, user.log_subject)
        newest = world.access_log.personal(session, mine[1])
    assert len(mine) == 3
    assert newest == {"answered": {"score": 699}}


def test_what_was_sealed_is_gone_when_the_key_is_destroyed(world: World) -> None:
    reading = world.reading(world.acting(world.grant()))
    world.scores.tier(reading)
    reading.finish()
    world.execute("DELETE FROM user_keys")
    assert logged(world) == [("SCORE_TIER", {})]
