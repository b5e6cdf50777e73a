"""Inputs that mean the same are the same input under one idempotency key."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from tests.support import factories
from tests.support.graphql_world import CAR_RENTAL, REQUEST, GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.units import writing

CREDIT = {
    "desiredLimit": {"amount": "1000.00", "currency": "CNY"},
    "term": "P30D",
    "baseAprPercent": "1.00",
    "purpose": "a kitchen",
}
RENTAL = CAR_RENTAL["rental"]


@pytest.fixture
def borrower(world: GraphQLWorld) -> Principal:
    """A person of the tier GOOD who consents to credit offers."""
    detail = AuthorizationDetail(
        "decision",
        products=(Product.CREDIT_OFFER,),
        maximum_amount=Money(5_000_000, "CNY"),
        purpose="LENDING",
        duration=timedelta(days=90),
    )
    scopes = ("decisions:request",)
    with writing(world.database) as unit:
        consent = factories.make_consent(unit, world.client_id, world.consent.user_id, scopes=scopes, details=(detail,))
    return world.user(*scopes, consent=consent)


def replays(world: GraphQLWorld, first: dict[str, Any], second: dict[str, Any], by: Principal | None = None) -> bool:
    """Whether the second request returns the decision of the first, under the same key."""
    payloads = [
        world.data(REQUEST, {"input": {"idempotencyKey": "key", "merchantReference": "order", **input_}}, by=by)
        for input_ in (first, second)
    ]
    errors = [payload["decisionRequest"]["userErrors"] for payload in payloads]
    assert errors[0] == []
    return errors[1] == [] and payloads[1]["decisionRequest"]["replayed"] is True


@pytest.mark.parametrize(
    ("member", "written"),
    [
        pytest.param("baseAprPercent", "1.0000000", id="E10-decimal"),
        pytest.param("baseAprPercent", "01", id="E10-whole-decimal"),
        pytest.param("term", "PT720H", id="E10-duration"),
        pytest.param("desiredLimit", {"amount": "1000", "currency": "CNY"}, id="E10-money"),
    ],
)
def test_equal_values_of_an_ask_are_one_input(
    world: GraphQLWorld, borrower: Principal, member: str, written: Any
) -> None:
    other = {"creditOffer": {**CREDIT, member: written}}
    assert replays(world, {"ask": {"creditOffer": CREDIT}}, {"ask": other}, by=borrower)


@pytest.mark.parametrize("start", [pytest.param("2026-11-24T17:00:00.0000000+08:00", id="E10-offset")])
def test_equal_moments_of_an_ask_are_one_input(world: GraphQLWorld, start: str) -> None:
    ask = {"carRental": CAR_RENTAL}
    other = {"carRental": {**CAR_RENTAL, "rental": {**RENTAL, "start": start}}}
    assert replays(world, {"ask": ask}, {"ask": other})


def test_e10_purpose_that_equals_the_default_is_the_same_input(world: GraphQLWorld) -> None:
    ask = {"carRental": CAR_RENTAL}
    assert replays(world, {"ask": ask}, {"ask": ask, "purpose": "CAR_RENTAL"})
    assert replays(world, {"ask": ask, "purpose": None}, {"ask": ask})


def test_e10_equal_moments_of_a_transition_are_one_input(world: GraphQLWorld) -> None:
    decision, by = world.request()["decision"]["id"], world.merchant()
    for moment in ("2026-11-23T12:00:00Z", "2026-11-23T20:00:00.0000001+08:00"):
        input_ = {**transition_input("activate", decision), "idempotencyKey": "same", "handedOverAt": moment}
        payload = world.data(TRANSITIONS["activate"].document, {"input": input_}, by=by)["decisionActivate"]
        assert payload["userErrors"] == []


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        pytest.param("1." + "0" * 40, "at most 18 digits", id="E10-forty-decimals"),
        pytest.param("1.00001", "at most four decimals", id="E10-five-decimals"),
    ],
)
def test_rate_with_too_many_decimals_is_refused(
    world: GraphQLWorld, borrower: Principal, rate: str, message: str
) -> None:
    ask = {"creditOffer": {**CREDIT, "baseAprPercent": rate}}
    input_ = {"idempotencyKey": "key", "merchantReference": "order", "ask": ask}
    (error,) = world.data(REQUEST, {"input": input_}, by=borrower)["decisionRequest"]["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["input", "ask", "creditOffer", "baseAprPercent"])
    assert message in error["message"]


def test_e10_rates_are_answered_in_one_form(world: GraphQLWorld, borrower: Principal) -> None:
    document = """mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) { decision { outcome {
      ... on Approval { terms { ... on CreditOfferTerms { baseAprPercent aprPercent discountPercent } } } } } } }"""
    input_ = {"idempotencyKey": "key", "merchantReference": "order"}
    ask = {"creditOffer": {**CREDIT, "baseAprPercent": "12.5000"}}
    payload = world.data(document, {"input": {**input_, "ask": ask}}, by=borrower)["decisionRequest"]
    assert payload["decision"]["outcome"]["terms"] == {
        "baseAprPercent": "12.50", "aprPercent": "12.00", "discountPercent": "0.50",
    }  # fmt: skip
