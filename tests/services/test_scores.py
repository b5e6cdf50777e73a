"""Scores that a merchant reads within a consent, and their sealed entries in the access log."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.errors import ConsentRefused, Forbidden, GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import WallTime
from gateway.kit.json import decode
from gateway.services.query_unit import QueryUnit
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

Inquiry = Callable[[DemoWorld, QueryUnit], Any]
TIER: Inquiry = lambda world, query: world.scores.load_measurement(query).tier  # noqa: E731
EXACT: Inquiry = lambda world, query: world.scores.load_score(query)  # noqa: E731
MEETS: Inquiry = lambda world, query: world.scores.check_threshold(query, Tier.EXCELLENT)  # noqa: E731
LEVELS = ("threshold", "tier", "exact")


def logged(world: DemoWorld) -> list[tuple[str, dict[str, Any]]]:
    """Kind and opened personal part of every access, in order."""
    kinds = [decode(public)["kind"] for (public,) in world.rows("SELECT public FROM access_log ORDER BY id")]
    return list(zip(kinds, world.personal_parts("access_log"), strict=True))


def ask(world: DemoWorld, token: Principal, inquiry: Inquiry) -> Any:
    """The answer to an inquiry in its own document."""
    return world.query(token, lambda query: inquiry(world, query))


def refusal(world: DemoWorld, token: Principal, inquiry: Inquiry) -> GatewayError:
    """The error of an inquiry, which must have no entry in the access log."""
    with pytest.raises(GatewayError) as refused:
        ask(world, token, inquiry)
    assert logged(world) == []
    return refused.value


@pytest.mark.parametrize("consent_level", LEVELS)
@pytest.mark.parametrize(
    ("level", "inquiry", "answer", "entry"),
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
def test_score_is_disclosed_up_to_the_level_of_the_consent(
    world: DemoWorld, consent_level: str, level: str, inquiry: Inquiry, answer: object, entry: object
) -> None:
    consent = world.grant("just-below", AuthorizationDetail("score", level=consent_level))
    token = world.user_token(consent)
    if LEVELS.index(level) <= LEVELS.index(consent_level):
        assert ask(world, token, inquiry) == answer
        assert logged(world) == [entry]
    else:
        error = refusal(world, token, inquiry)
        assert isinstance(error, Forbidden)
        assert error.required == ((f"score:{level}",),)


@pytest.mark.parametrize(
    ("handle", "answer"),
    [("threshold", "YES"), ("just-below", "NO"), ("unscored", "CANNOT_ASSESS"), ("overdue", "YES")],
)
def test_threshold_answer_by_persona(world: DemoWorld, handle: str, answer: str) -> None:
    assert ask(world, world.user_token(world.grant(handle)), MEETS) == answer


def test_unscored_person_has_no_score(world: DemoWorld) -> None:
    token = world.user_token(world.grant("unscored"))
    assert ask(world, token, EXACT) is None
    assert ask(world, token, TIER) is Tier.UNSCORED


@pytest.mark.parametrize("tier", Tier)
def test_merchant_can_ask_only_about_tiers_of_its_contract(world: DemoWorld, tier: Tier) -> None:
    contract = Contract(frozenset({Tier.GOOD, Tier.EXCELLENT}), Money(100, "CNY"), timedelta(days=1))
    with writing(world.database) as unit:
        world.merchants.replace_contract(unit, world.merchant(), contract)
    token = world.user_token(world.grant())
    inquiry: Inquiry = lambda world, query: world.scores.check_threshold(query, tier)  # noqa: E731
    if tier in contract.askable_tiers:
        assert ask(world, token, inquiry) is ThresholdAnswer.YES
        assert len(logged(world)) == 1
    else:
        assert isinstance(refusal(world, token, inquiry), Forbidden)


@pytest.mark.parametrize("inquiry", [TIER, EXACT, MEETS], ids=["tier", "exact", "meets"])
def test_merchant_token_cannot_read_scores(world: DemoWorld, inquiry: Inquiry) -> None:
    assert isinstance(refusal(world, world.merchant_token(), inquiry), Forbidden)


@pytest.mark.parametrize("inquiry", [TIER, EXACT, MEETS], ids=["tier", "exact", "meets"])
def test_expired_consent_does_not_disclose_scores(world: DemoWorld, inquiry: Inquiry) -> None:
    consent = world.grant()
    world.clock.now = WallTime(consent.expires_at)
    error = refusal(world, world.user_token(consent), inquiry)
    assert isinstance(error, ConsentRefused)
    assert error.code == "CONSENT_EXPIRED"


def test_detail_with_shorter_duration_ends_first(world: DemoWorld) -> None:
    short = AuthorizationDetail("score", level="exact", duration=timedelta(days=1))
    consent = world.grant("excellent", short, AuthorizationDetail("score", level="threshold"))
    world.clock.advance(days=1)
    token = world.user_token(consent)
    assert ask(world, token, MEETS) is ThresholdAnswer.YES
    with pytest.raises(Forbidden):
        ask(world, token, EXACT)


def test_person_without_records_is_unscored(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        world.accounts.register(unit, username="nobody@demo", password_hash="", display_name="Nobody")
    token = world.user_token(world.grant("nobody"))
    assert world.query(token, lambda query: TIER(world, query)) is Tier.UNSCORED


def test_each_access_is_logged_once_and_after_the_snapshot(world: DemoWorld) -> None:
    consent = world.grant()

    def ask_all(query: QueryUnit) -> None:
        for inquiry in (TIER, EXACT, MEETS, TIER):
            inquiry(world, query)
        assert logged(world) == []

    world.query(world.user_token(consent), ask_all, score=True)
    kinds = ["SCORE_TIER", "SCORE_EXACT", "SCORE_THRESHOLD", "SCORE_TIER"]
    assert [kind for kind, _ in logged(world)] == kinds
    rows = world.rows("SELECT leaf_index, public FROM access_log ORDER BY leaf_index")
    assert [index for index, _ in rows] == [0, 1, 2, 3]
    for _, public in rows:
        document = decode(public)
        assert (document["consent"], document["client"], document["purpose"]) == (
            consent.id,
            consent.client_id,
            "CAR_RENTAL",
        )
        assert consent.user_id not in public
        assert consent.subject not in public


def test_document_that_fails_logs_nothing(world: DemoWorld) -> None:
    """A document that fails unexpectedly discloses nothing, so nothing is logged."""

    def fail(query: QueryUnit) -> None:
        world.scores.load_measurement(query)
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        world.query(world.user_token(world.grant()), fail, score=True)
    assert logged(world) == []


def test_failed_access_log_entry_fails_the_query(world: DemoWorld) -> None:
    token = world.user_token(world.grant())
    world.block_inserts("access_log")
    before = world.contents()
    with pytest.raises(Exception, match="full"):
        ask(world, token, TIER)
    assert world.contents() == before


def test_query_without_an_access_writes_nothing(world: DemoWorld) -> None:
    before = world.contents()
    assert world.query(world.merchant_token(), world.merchants.load_own_name)
    assert world.contents() == before


def test_personal_part_is_sealed_with_the_persons_key(world: DemoWorld) -> None:
    consent = world.grant("just-below")
    for inquiry in (TIER, EXACT):
        ask(world, world.user_token(consent), inquiry)
    world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    entries = world.rows("SELECT public, sealed FROM access_log UNION ALL SELECT public, sealed FROM decision_log")
    assert len(entries) == 4
    for public, sealed in entries:
        for secret in ("VERY_GOOD", '"score":699', "2100.00", "open_overdue"):
            assert secret not in public
            assert secret.encode() not in bytes(sealed)
    assert [kind for kind, _ in logged(world)] == ["SCORE_TIER", "SCORE_EXACT", "REQUEST"]
    with reading(world.database) as unit:
        user = world.accounts.load_user(unit, consent.user_id)
        mine = unit.access_log.list_of_subject(user.log_subject)
        newest = unit.access_log.open_personal(mine[1])
    assert len(mine) == 3
    assert newest == {"answered": {"score": 699}}


def test_personal_part_cannot_be_opened_without_the_key(world: DemoWorld) -> None:
    ask(world, world.user_token(world.grant()), TIER)
    world.execute("DELETE FROM user_keys")
    assert logged(world) == [("SCORE_TIER", {})]
