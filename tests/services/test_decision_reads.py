"""Which decisions a token reaches, and previews."""

from dataclasses import dataclass

import pytest

from gateway.domain.decision import Decision, Status
from gateway.domain.errors import ConsentRefused, InvalidInput
from gateway.domain.outcome import Approval
from gateway.domain.principal import Principal
from gateway.kit.json import decode
from gateway.services.decisions import Filter, Window
from tests.services.world import World, asking, car, order


@dataclass(frozen=True)
class Scene:
    """One decision of the car rental, and tokens that may or may not see it."""

    decision: Decision
    event_id: str
    tokens: dict[str, Principal]


@pytest.fixture
def scene(world: World) -> Scene:
    consent, again = world.grant(), world.grant()
    decision = world.decisions.request(world.acting(consent), asking(car(world.clock()))).decision
    shop = world.client("online_shop")
    tokens = {
        "own-consent": world.acting(consent),
        "own-merchant": world.merchant_token(),
        "same-person-again": world.acting(again),
        "another-person": world.acting(world.grant("good")),
        "other-merchant": world.merchant_token(shop),
        "same-person-elsewhere": world.acting(world.grant(client=shop)),
        "other-partner": world.merchant_token(world.second_partner()),
    }
    ((event_id,),) = world.rows("SELECT id FROM decision_log")
    return Scene(decision, event_id, tokens)


@pytest.mark.parametrize("token", ["own-consent", "own-merchant"])
def test_a_decision_is_seen_by_its_own_tokens(world: World, scene: Scene, token: str) -> None:
    reading = world.reading(scene.tokens[token])
    assert world.decisions.find(reading, scene.decision.id) == scene.decision
    assert world.decisions.by_reference(reading, "order-1") == scene.decision
    (event,) = world.decisions.timeline(reading, scene.decision.id)
    assert world.decisions.event(reading, event.id) == event
    assert (event.id, event.after, event.note) == (scene.event_id, Status.APPROVED, None)
    reading.finish()


@pytest.mark.parametrize(
    "token", ["same-person-again", "another-person", "other-merchant", "same-person-elsewhere", "other-partner"]
)
def test_a_decision_does_not_exist_for_other_tokens(world: World, scene: Scene, token: str) -> None:
    reading = world.reading(scene.tokens[token])
    assert world.decisions.find(reading, scene.decision.id) is None
    assert world.decisions.by_reference(reading, "order-1") is None
    assert world.decisions.timeline(reading, scene.decision.id) == []
    assert world.decisions.event(reading, scene.event_id) is None
    reading.finish()


def test_an_unknown_decision_or_event_is_none(world: World, scene: Scene) -> None:
    reading = world.reading(scene.tokens["own-merchant"])
    assert world.decisions.find(reading, "dec_test_nothing") is None
    assert world.decisions.event(reading, "evt_test_nothing") is None
    reading.finish()


def test_a_page_holds_the_merchants_decisions_only(world: World, scene: Scene) -> None:
    for token, expected in (("own-merchant", [scene.decision]), ("other-merchant", []), ("other-partner", [])):
        reading = world.reading(scene.tokens[token])
        assert world.decisions.page(reading, Filter(), Window(10)) == expected
        assert world.decisions.count(reading, Filter()) == len(expected)
        reading.finish()


def test_a_page_counts_what_lapsed_by_the_clock_as_expired(world: World, scene: Scene) -> None:
    assert scene.decision.valid_until is not None
    world.clock.now = scene.decision.valid_until
    reading = world.reading(world.merchant_token())
    (found,) = world.decisions.page(reading, Filter(statuses=(Status.EXPIRED,)), Window(10))
    assert (found.id, found.status) == (scene.decision.id, Status.EXPIRED)
    assert world.decisions.count(reading, Filter(statuses=(Status.APPROVED,))) == 0
    reading.finish()


def test_a_reading_sees_its_snapshot_until_it_is_renewed(world: World) -> None:
    consent = world.grant()
    reading = world.reading(world.acting(consent))
    assert world.decisions.by_reference(reading, "order-1") is None
    world.decisions.request(world.acting(consent), asking(car(world.clock())))
    reading.renew()
    assert world.decisions.by_reference(reading, "order-1") is not None
    reading.finish()


def test_a_preview_answers_like_the_request_and_is_logged_alone(world: World) -> None:
    consent, ask = world.grant("good"), car(world.clock())
    before = world.counts()
    reading = world.reading(world.acting(consent))
    preview = world.decisions.preview(reading, "carRental", ask, None)
    assert world.counts() == before
    reading.finish()
    assert preview.blockers == ()
    assert isinstance(preview.outcome, Approval)
    assert world.counts()["decisions"] == 0
    assert world.counts()["outbox"] == before["outbox"]
    ((public,),) = world.rows("SELECT public FROM access_log")
    assert decode(public)["kind"] == "PREVIEW"
    decided = world.decisions.request(world.acting(consent), asking(ask)).decision
    assert decided.outcome == preview.outcome


def test_a_preview_names_what_stands_in_the_way_and_reads_nothing(world: World) -> None:
    consent = world.grant()
    reading = world.reading(world.acting(consent))
    (blocker,) = world.decisions.preview(reading, "onlineOrder", order(), None).blockers
    assert isinstance(blocker, InvalidInput)
    assert (blocker.code, blocker.field) == ("PRODUCT_NOT_ENABLED", ("ask", "onlineOrder"))
    (blocker,) = world.decisions.preview(reading, "carRental", car(world.clock(), "60000.00"), None).blockers
    assert isinstance(blocker, ConsentRefused)
    assert blocker.code == "CONSENT_AMOUNT_EXCEEDED"
    reading.finish()
    assert world.counts()["access_log"] == 0
