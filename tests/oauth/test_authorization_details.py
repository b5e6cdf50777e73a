"""Rich authorization requests (RFC 9396): which details a client can request at which endpoint, and optional
details."""

from typing import Any

import pytest
from authlib.oauth2.rfc6749.errors import InvalidScopeError

from gateway.domain.consents.request import Request
from gateway.domain.merchants import PointOfSale
from gateway.kit.crypto import digest
from gateway.kit.json import encode
from gateway.oauth import details
from gateway.oauth.clients.client import Client
from gateway.oauth.details import InvalidAuthorizationDetailsError
from tests.support.oauth_world import OAuthWorld
from tests.support.units import reading

SCORE = {"type": "score", "level": "tier"}
DECISION = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
}
POINT_OF_SALE = {"store_id": "S1", "terminal_id": "T1"}


def limit_to(world: OAuthWorld, *types: str) -> None:
    world.change_client(world.cars, authorization_details_types=list(types))


def push(world: OAuthWorld, *asked: Any, scope: str | None = None) -> Any:
    return world.cars.push(scope=scope, authorization_details=list(asked))


def read_at_point_of_sale(world: OAuthWorld, *asked: Any, scope: str = "") -> Request:
    """The complete request of a device authorization request with these parameters."""
    data = {"scope": scope, **({details.NAME: encode(list(asked)).decode()} if asked else {})}
    with reading(world.database) as unit:
        row = unit.clients.load(world.cars.client_id)
        assert row is not None
        merchant = unit.merchants.load(row.merchant_id)
        assert merchant is not None
        return details.read_request(
            unit, world.container.consents, Client(row, any_loopback_port=True), merchant, data, at_point_of_sale=True
        )


@pytest.mark.parametrize(
    ("types", "asked", "status"),
    [
        pytest.param(("score", "decision"), (SCORE, DECISION), 201, id="both"),
        pytest.param(("score",), (SCORE,), 201, id="its-own"),
        pytest.param(("score",), (SCORE, DECISION), 400, id="one-too-many"),
        pytest.param(("decision",), ({**SCORE, "optional": True},), 400, id="optional-is-asked-too"),
        pytest.param((), (SCORE,), 400, id="none"),
    ],
)
def test_23_details_of_registered_types_are_accepted(
    world: OAuthWorld, types: tuple[str, ...], asked: tuple[Any, ...], status: int
) -> None:
    limit_to(world, *types)
    response = push(world, *asked)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"] == "invalid_authorization_details"
        assert "not registered for" in response.json()["error_description"]


def test_23_client_without_registered_types_can_request_all(world: OAuthWorld) -> None:
    assert world.client(world.cars).authorization_details_types is None
    assert push(world, SCORE, DECISION).status_code == 201


def test_23_pushed_request_rejects_store(world: OAuthWorld) -> None:
    response = push(world, SCORE, {**DECISION, **POINT_OF_SALE})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_authorization_details")
    assert (
        response.json()["error_description"] == "store_id and terminal_id are for device authorization requests only."
    )


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({**DECISION, "store_id": "S1"}, id="store-without-terminal"),
        pytest.param({**SCORE, **POINT_OF_SALE}, id="score-at-a-point-of-sale"),
        pytest.param({**SCORE, "optional": "yes"}, id="optional-of-wrong-type"),
        pytest.param({**SCORE, "purpose": None}, id="null"),
    ],
)
def test_23_members_of_wrong_type_are_rejected(world: OAuthWorld, asked: Any) -> None:
    response = push(world, asked)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_authorization_details")


def test_optional_is_stored_with_the_request(world: OAuthWorld) -> None:
    pushed = push(world, SCORE, {**DECISION, "optional": True}).json()["request_uri"]
    with reading(world.database) as unit:
        row = unit.authorization_requests.load_pushed_request(digest(pushed))
        assert row is not None
        assert [one.get("optional", False) for one in row.parameters["complete"]["details"]] == [False, True]


def test_device_decision_is_bound_to_point_of_sale(world: OAuthWorld) -> None:
    asked = read_at_point_of_sale(world, {**DECISION, **POINT_OF_SALE}, scope="decisions:request score:tier")
    assert [detail.point_of_sale for detail in asked.details] == [PointOfSale("S1", "T1"), None]
    assert asked.scopes == ("score:tier", "decisions:request")


@pytest.mark.parametrize(
    "missing", [pytest.param({"maximum_amount"}, id="amount"), pytest.param({"store_id", "terminal_id"}, id="place")]
)
def test_device_decision_requires_store_and_amount(world: OAuthWorld, missing: set[str]) -> None:
    whole = {name: value for name, value in {**DECISION, **POINT_OF_SALE}.items() if name not in missing}
    with pytest.raises(
        InvalidAuthorizationDetailsError, match="1: at a point of sale, a decision detail needs store_id"
    ):
        read_at_point_of_sale(world, {**DECISION, **POINT_OF_SALE}, whole)


@pytest.mark.parametrize("scope", ["decisions:request", "decisions:preview"])
@pytest.mark.parametrize("asked", [(), (SCORE,)])
def test_device_decision_requires_detail(world: OAuthWorld, scope: str, asked: Any) -> None:
    with pytest.raises(InvalidScopeError, match="needs a decision detail"):
        read_at_point_of_sale(world, *asked, scope=scope)


def test_device_request_accepts_score_alone(world: OAuthWorld) -> None:
    assert read_at_point_of_sale(world, SCORE).scopes == ("score:tier",)
    assert read_at_point_of_sale(world, scope="score:threshold").scopes == ("score:threshold",)
