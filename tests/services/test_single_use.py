"""Single-use consents given at a point of sale: one decision, at that point of sale, for that amount."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import ConsentRefused
from gateway.domain.merchants import PointOfSale
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import CancelCommand
from merchants.car_rental.adapter import CarRental
from tests.services.asks import car, request_command, waiver
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

pytestmark = pytest.mark.postgresql

THREADS = 8
HERE = PointOfSale("S1", "T1")


def give(world: DemoWorld, *details: AuthorizationDetail, handle: str = "excellent", minutes: int = 15) -> Consent:
    """A single-use consent of a persona to the car rental's client."""
    user_id = world.user(handle)
    with writing(world.database) as unit:
        client = unit.clients.load(world.client())
        assert client is not None
        merchant = unit.merchants.load(client.merchant_id)
        assert merchant is not None
        request = world.consents.complete_request(unit, merchant, (), details or (waiver("20000.00"),))
        return world.consents.grant(
            unit, client, user_id, request, single_use=True, max_duration=timedelta(minutes=minutes)
        )


def refusal(world: DemoWorld, consent: Consent, key: str = "key-2", reference: str = "order-2") -> str:
    """The error code of a request."""
    with pytest.raises(ConsentRefused) as refused:
        world.requester.request(world.user_token(consent), request_command(car(world.clock()), key, reference))
    return refused.value.code


def test_single_use_consent_allows_one_decision(world: DemoWorld) -> None:
    consent, command = give(world), request_command(car(world.clock()))
    assert world.requester.request(world.user_token(consent), command).decision.status is Status.APPROVED
    assert refusal(world, consent) == "CONSENT_EXPIRED"
    assert world.requester.request(world.user_token(consent), command).replayed
    blockers = world.query(
        world.user_token(consent), lambda query: world.decisions.preview(query, "carRental", car(world.clock()), None)
    ).blockers
    assert [blocker.code for blocker in blockers] == ["CONSENT_EXPIRED"]
    assert world.counts()["decisions"] == 1


def test_cancelled_decision_uses_the_consent(world: DemoWorld) -> None:
    consent = give(world)
    made = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    world.transitions.cancel(world.merchant_token(), CancelCommand(made.id, "cancel-1", None))
    assert refusal(world, consent) == "CONSENT_EXPIRED"


def test_decline_does_not_use_the_consent(world: DemoWorld) -> None:
    consent = give(world, handle="overdue")
    first = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    second = world.requester.request(
        world.user_token(consent), request_command(car(world.clock()), "key-2", "order-2")
    ).decision
    assert [first.status, second.status] == [Status.DECLINED, Status.DECLINED]


def test_concurrent_requests_make_one_approval(world: DemoWorld) -> None:
    consent, now = give(world), world.clock()
    answers = at_once(
        [
            partial(
                world.requester.request, world.user_token(consent), request_command(car(now), f"key-{n}", f"order-{n}")
            )
            for n in range(THREADS)
        ]
    )
    made = [answer for answer in answers if isinstance(answer, RequestResult)]
    assert [answer.decision.status for answer in made] == [Status.APPROVED]
    refused = [getattr(answer, "code", answer) for answer in answers if not isinstance(answer, RequestResult)]
    assert refused == ["CONSENT_EXPIRED"] * (THREADS - 1)
    assert world.counts()["decisions"] == 1
    assert world.counts()["idempotency_records"] == 1


def test_consent_used_between_phases_is_rejected(world: DemoWorld) -> None:
    consent, now = give(world), world.clock()
    quicker = partial(world.requester.request, world.user_token(consent), request_command(car(now), "key-0", "order-0"))
    with pytest.raises(ConsentRefused) as refused:
        world.interrupt_scoring(quicker).requester.request(world.user_token(consent), request_command(car(now)))
    assert refused.value.code == "CONSENT_EXPIRED"
    assert world.rows("SELECT merchant_reference FROM decisions") == [("order-0",)]


def test_single_use_consent_expires_with_its_life(world: DemoWorld) -> None:
    consent = give(world, minutes=15)
    assert consent.expires_at == consent.granted_at + timedelta(minutes=15)
    assert {detail.duration for detail in consent.details} == {timedelta(minutes=15)}
    world.requester.request(world.user_token(consent), request_command(car(world.clock())))
    world.clock.advance(minutes=15)
    assert refusal(world, consent) == "CONSENT_EXPIRED"


def test_ordinary_consent_allows_several_decisions(world: DemoWorld) -> None:
    consent, now = world.grant(), world.clock()
    for number in range(2):
        world.requester.request(
            world.user_token(consent), request_command(car(now, "10.00"), f"key-{number}", f"order-{number}")
        )
    assert world.counts()["decisions"] == 2


def test_consent_of_a_point_of_sale_covers_only_that_point_of_sale(
    world: DemoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = replace(waiver("3000.00"), store_id=HERE.store_id, terminal_id=HERE.terminal_id)
    consent = give(world, bound)
    assert refusal(world, consent) == "CONSENT_PRODUCT_NOT_COVERED"
    monkeypatch.setattr(CarRental, "point_of_sale", lambda self, ask: PointOfSale("S1", "T2"))
    assert refusal(world, consent) == "CONSENT_PRODUCT_NOT_COVERED"
    monkeypatch.setattr(CarRental, "point_of_sale", lambda self, ask: HERE)
    with pytest.raises(ConsentRefused) as refused:
        world.requester.request(world.user_token(consent), request_command(car(world.clock(), "2999.99")))
    assert refused.value.code == "CONSENT_AMOUNT_EXCEEDED"
    made = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    assert made.status is Status.APPROVED
