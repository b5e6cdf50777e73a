"""What merchants would decide about ordinary requests of a person."""

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.scoring.record import Dimension, RecordKind
from gateway.services.scoring import ordinary_requests
from gateway.services.scoring.person_scores import PersonScore
from tests.support.demo_world import DemoWorld
from tests.support.person_scores import new_person
from tests.support.records import record


def load(world: DemoWorld, handle: str = "good") -> PersonScore:
    return world.container.person_scores.load(world.user(handle))


def names(score: PersonScore) -> list[str]:
    return [each.merchant_name for each in score.requests.requests]


def test_without_a_consent_all_merchants_of_the_partner_are_listed(world: DemoWorld) -> None:
    world.second_partner()
    score = load(world)
    assert names(score) == ["Demo Car Rental", "Demo Online Shop"]
    assert (score.requests.has_consented, score.requests.has_more) == (False, False)
    assert names(world.container.person_scores.load(new_person(world))) == [
        "Demo Car Rental",
        "Demo Online Shop",
        "Other Cars",
    ]


def test_merchants_with_a_consent_come_first_until_it_ends(world: DemoWorld) -> None:
    consent = world.grant("good", client=world.client("online_shop"))
    score = load(world)
    assert [(each.merchant_name, each.is_consented) for each in score.requests.requests] == [
        ("Demo Online Shop", True),
        ("Demo Car Rental", False),
    ]
    assert score.requests.has_consented
    world.revoke(consent)
    assert names(load(world)) == ["Demo Car Rental", "Demo Online Shop"]
    assert not load(world).requests.has_consented


def test_no_more_than_the_most_merchants_are_listed(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordinary_requests, "MOST_MERCHANTS", 1)
    score = load(world)
    assert names(score) == ["Demo Car Rental"]
    assert score.requests.has_more


def exposed(score: PersonScore) -> list[tuple[str, ...]]:
    return [
        tuple(str(each.terms.exposed) if isinstance(each, Approval) else each.reasons[0] for each in request.outcomes)
        for request in score.requests.requests
    ]


def test_ordinary_requests_have_outcomes_at_the_tier_and_the_next(world: DemoWorld) -> None:
    cars, shop = exposed(load(world, "just-below"))
    assert len(cars) == len(shop) == 2
    assert cars[0] != cars[1]
    assert all(len(each) == 1 for each in exposed(load(world, "excellent")))
    # An overdue obligation is left out: it is shown apart.
    assert exposed(load(world, "overdue")) == exposed(load(world, "excellent"))


def test_starter_gets_a_first_small_amount(world: DemoWorld) -> None:
    document = record(RecordKind.DOCUMENT, at=world.now, dimension=Dimension.IDENTITY)
    with_document, without = (
        world.container.person_scores.load(new_person(world, *records)) for records in ([document], [])
    )
    assert isinstance(without.requests.requests[0].outcomes[0], Decline)
    assert isinstance(with_document.requests.requests[0].outcomes[0], Approval)
