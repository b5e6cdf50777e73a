"""Reading decisions with a token, and previews."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import ConsentRefused, InvalidInput
from gateway.domain.identity.principal import Principal
from gateway.kit.clock import WallTime
from gateway.kit.json import decode
from gateway.services.decisions.queries import Preview
from gateway.services.events import find_event
from gateway.services.query_unit import QueryUnit
from gateway.store.decisions.pages import Filter, Window
from tests.services.asks import car, order, request_command
from tests.support.demo_world import DemoWorld


@dataclass(frozen=True)
class Scene:
    """One decision of the car rental, and tokens that may or may not read it."""

    decision: DecisionState
    event_id: str
    tokens: dict[str, Principal]


@pytest.fixture
def scene(world: DemoWorld) -> Scene:
    consent, again = world.grant(), world.grant()
    decision = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    shop = world.client("online_shop")
    tokens = {
        "own-consent": world.user_token(consent),
        "own-merchant": world.merchant_token(),
        "same-person-again": world.user_token(again),
        "another-person": world.user_token(world.grant("good")),
        "other-merchant": world.merchant_token(shop),
        "same-person-elsewhere": world.user_token(world.grant(client=shop)),
        "other-partner": world.merchant_token(world.second_partner()),
    }
    ((event_id,),) = world.rows("SELECT id FROM decision_log")
    return Scene(decision, event_id, tokens)


def find_everything(world: DemoWorld, scene: Scene, token: str) -> tuple[Any, ...]:
    """The decision as a token reads it: by id, by reference, its timeline, and its event by id."""

    def find(query: QueryUnit) -> tuple[Any, ...]:
        return (
            world.decisions.find(query, scene.decision.id),
            world.decisions.find_by_reference(query, "order-1"),
            world.decisions.list_events(query, scene.decision.id),
            find_event(query, scene.event_id),
        )

    return world.query(scene.tokens[token], find)


@pytest.mark.parametrize("token", ["own-consent", "own-merchant"])
def test_decision_is_found_by_its_own_tokens(world: DemoWorld, scene: Scene, token: str) -> None:
    by_id, by_reference, (event,), by_event_id = find_everything(world, scene, token)
    assert by_id == by_reference == scene.decision
    assert (by_event_id.logged, by_event_id.sequence) == (event, 1)
    assert (event.id, event.after, event.note) == (scene.event_id, Status.APPROVED, None)


@pytest.mark.parametrize(
    "token", ["same-person-again", "another-person", "other-merchant", "same-person-elsewhere", "other-partner"]
)
def test_decision_does_not_exist_for_other_tokens(world: DemoWorld, scene: Scene, token: str) -> None:
    assert find_everything(world, scene, token) == (None, None, [], None)


def test_unknown_decision_or_event_is_none(world: DemoWorld, scene: Scene) -> None:
    token = scene.tokens["own-merchant"]
    assert world.query(token, lambda query: world.decisions.find(query, "dec_test_nothing")) is None
    assert world.query(token, lambda query: find_event(query, "evt_test_nothing")) is None


def test_page_has_only_the_merchants_decisions(world: DemoWorld, scene: Scene) -> None:
    for name, expected in (("own-merchant", [scene.decision]), ("other-merchant", []), ("other-partner", [])):
        token = scene.tokens[name]
        assert world.query(token, lambda query: world.decisions.list_page(query, Filter(), Window(10))) == expected
        assert world.query(token, lambda query: world.decisions.count(query, Filter())) == (len(expected), True)


def test_page_filters_expired_approval_as_expired(world: DemoWorld, scene: Scene) -> None:
    assert scene.decision.valid_until is not None
    world.clock.now = WallTime(scene.decision.valid_until)
    token, expired = world.merchant_token(), Filter(statuses=frozenset({Status.EXPIRED}))
    (state,) = world.query(token, lambda query: world.decisions.list_page(query, expired, Window(10)))
    assert (state.id, state.status) == (scene.decision.id, Status.EXPIRED)
    approved = Filter(statuses=frozenset({Status.APPROVED}))
    assert world.query(token, lambda query: world.decisions.count(query, approved)) == (0, True)


Reads = tuple[DecisionState | None, DecisionState | None]


def find_around_a_request(world: DemoWorld, consent: Consent) -> Callable[[QueryUnit], Reads]:
    """A document that reads a reference before and after the request that uses it."""

    def find(query: QueryUnit) -> Reads:
        before = world.decisions.find_by_reference(query, "order-1")
        world.request(consent, request_command(car(world.clock())))
        return before, world.decisions.find_by_reference(query, "order-1")

    return find


def test_query_reads_one_snapshot(world: DemoWorld) -> None:
    consent = world.grant()
    assert world.query(world.user_token(consent), find_around_a_request(world, consent)) == (None, None)


def test_payload_of_a_mutation_reads_a_new_snapshot(world: DemoWorld) -> None:
    consent = world.grant()
    find = find_around_a_request(world, consent)
    before, after = world.queries.run_mutations(world.user_token(consent), find)
    assert before is None
    assert after is not None


def test_preview_has_the_outcome_of_the_request_and_writes_only_its_access(world: DemoWorld) -> None:
    consent, ask = world.grant("good"), car(world.clock())
    before = world.counts()

    def preview_unlogged(query: QueryUnit) -> Preview:
        preview = world.decisions.preview(query, "carRental", ask, None)
        assert world.counts() == before
        return preview

    preview = world.query(world.user_token(consent), preview_unlogged)
    assert preview.blockers == ()
    assert isinstance(preview.outcome, Approval)
    assert world.counts()["decisions"] == 0
    topics = world.rows("SELECT topic FROM outbox ORDER BY sequence")
    assert topics == [("CONSENT_GRANTED",), ("CONSENT_FIRST_USED",)]
    ((public,),) = world.rows("SELECT public FROM access_log")
    assert decode(public)["kind"] == "PREVIEW"
    decided = world.requester.request(world.user_token(consent), request_command(ask)).decision
    assert decided.outcome == preview.outcome


def test_preview_with_a_blocker_reads_nothing(world: DemoWorld) -> None:
    token = world.user_token(world.grant())
    preview = world.query(token, lambda query: world.decisions.preview(query, "onlineOrder", order(), None))
    (blocker,) = preview.blockers
    assert isinstance(blocker, InvalidInput)
    assert (blocker.code, blocker.field) == ("PRODUCT_NOT_ENABLED", ("ask", "onlineOrder"))
    large = car(world.clock(), "60000.00")
    (blocker,) = world.query(token, lambda query: world.decisions.preview(query, "carRental", large, None)).blockers
    assert isinstance(blocker, ConsentRefused)
    assert blocker.code == "CONSENT_AMOUNT_EXCEEDED"
    assert world.counts()["access_log"] == 0
