"""Responses name what the API enforces now, not what was granted once (RFC 6749 section 5.1, RFC 7662 section 2.2)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.identity.client import DEVICE_CODE
from tests.oauth.test_introspection import introspect
from tests.support.fapi import FapiApp
from tests.support.grants import detail_kinds
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import SALE, TIER, authorize_device, decide, poll
from tests.support.registration import GRANT_TYPES, Registrar, metadata

WAIVER = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "2000.00", "currency": "CNY"},
    "duration": "P60D",
}
EXACT, DAY = {"type": "score", "level": "exact", "duration": "P30D"}, timedelta(days=1)
ALL = "score:exact decisions:request decisions:read decisions:write"
GRANTS = [*GRANT_TYPES, DEVICE_CODE]


class Narrowed:
    """A registered client. Its registration is replaced by one with fewer scopes or types."""

    def __init__(self, world: OAuthWorld) -> None:
        self.world, self.registrar = world, Registrar(world)
        self.made = self.registrar.register(self.registrar.invite(ALL.split()), scope=ALL, grant_types=GRANTS)
        self.app: FapiApp = self.registrar.app(self.made)

    def replace(self, **changed: Any) -> None:
        body = metadata(client_id=self.made["client_id"], **{"scope": ALL, "grant_types": GRANTS, **changed})
        assert self.registrar.manage("PUT", self.made, json=body).status_code == 200

    def code(self) -> tuple[str, str]:
        parameters, verifier = self.app.ask(
            self.world.browser(), "mei", PASSWORD, scope=None, authorization_details=[EXACT, WAIVER]
        )
        return parameters["code"], verifier

    def enforced(self, token: str) -> tuple[str, ...]:
        """The scopes with which the API serves this token."""
        response = self.app.call(token)
        assert response.status_code == 200
        return tuple(response.json()["scopes"])


@pytest.fixture
def client(world: OAuthWorld) -> Narrowed:
    return Narrowed(world)


NARROWINGS = [
    pytest.param({"scope": "score:tier"}, "score:tier", ["tier"], id="D8-lower-level"),
    pytest.param({"scope": "decisions:request"}, "decisions:request", ["DEPOSIT_WAIVER"], id="D8-no-score"),
    pytest.param({"scope": "score:threshold decisions:preview"}, None, ["threshold", "DEPOSIT_WAIVER"], id="D8-both"),
    pytest.param({"authorization_details_types": ["score"]}, "score:exact", ["exact"], id="D8-types"),
    pytest.param({"authorization_details_types": ["decision"]}, "decisions:request", ["DEPOSIT_WAIVER"], id="D8-type"),
]


@pytest.mark.parametrize(("changed", "scopes", "details"), NARROWINGS)
def test_redeemed_code_names_present_rights(
    client: Narrowed, changed: dict[str, Any], scopes: str | None, details: list[str]
) -> None:
    code, verifier = client.code()
    client.replace(**changed)
    body = client.app.redeem(code, verifier).json()
    assert body["scope"] == (scopes or changed["scope"])
    assert detail_kinds(body) == details
    assert client.enforced(body["access_token"]) == tuple(body["scope"].split())


@pytest.mark.parametrize(("changed", "scopes", "details"), NARROWINGS)
def test_refresh_and_introspection_name_present_rights(
    client: Narrowed, changed: dict[str, Any], scopes: str | None, details: list[str]
) -> None:
    tokens = client.app.redeem(*client.code()).json()
    assert tokens["scope"] == "score:exact decisions:request"
    client.replace(**changed)
    expected = scopes or changed["scope"]
    for name in ("access_token", "refresh_token"):
        about = introspect(client.app, tokens[name])
        assert (about["scope"], detail_kinds(about)) == (expected, details), name
    refreshed = client.app.refresh(tokens["refresh_token"]).json()
    assert (refreshed["scope"], detail_kinds(refreshed)) == (expected, details)
    assert client.enforced(tokens["access_token"]) == tuple(expected.split())


@pytest.mark.parametrize(
    ("changed", "details"),
    [
        pytest.param({"scope": "score:tier decisions:preview"}, ["tier", "PAY_LATER"], id="D8-preview"),
        pytest.param({"scope": "score:threshold"}, ["threshold"], id="D8-threshold"),
        pytest.param({"authorization_details_types": ["decision"]}, ["PAY_LATER"], id="D8-types"),
    ],
)
def test_device_code_names_present_rights(client: Narrowed, changed: dict[str, Any], details: list[str]) -> None:
    device = authorize_device(client.app, SALE, TIER)
    assert decide(client.world.browser(), device["user_code"]).status_code == 303
    client.replace(**changed)
    body = poll(client.app, device["device_code"]).json()
    assert sorted(detail_kinds(body)) == sorted(details)
    assert client.enforced(body["access_token"]) == tuple(body["scope"].split())
    assert introspect(client.app, body["access_token"])["scope"] == body["scope"]


def test_d8_merchant_token_names_present_rights(client: Narrowed) -> None:
    token = client.app.merchant_token().json()
    assert token["scope"] == "decisions:read decisions:write"
    client.replace(scope="decisions:read")
    assert introspect(client.app, token["access_token"])["scope"] == "decisions:read"
    client.replace(scope="score:tier")
    assert "scope" not in introspect(client.app, token["access_token"])


def without_rights(client: Narrowed) -> None:
    client.replace(scope="decisions:read")


def test_d8_code_without_any_right_left_is_refused(client: Narrowed) -> None:
    code, verifier = client.code()
    without_rights(client)
    refused = client.app.redeem(code, verifier)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_d8_device_code_without_any_right_left_is_refused(client: Narrowed) -> None:
    device = authorize_device(client.app, SALE)
    assert decide(client.world.browser(), device["user_code"]).status_code == 303
    without_rights(client)
    refused = poll(client.app, device["device_code"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_d8_tokens_without_any_right_left(client: Narrowed) -> None:
    tokens = client.app.redeem(*client.code()).json()
    without_rights(client)
    about = introspect(client.app, tokens["access_token"])
    assert about["active"]
    assert "scope" not in about
    assert about["authorization_details"] == []
    assert introspect(client.app, tokens["refresh_token"]) == {"active": False}
    assert client.app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_scope"
    assert client.enforced(tokens["access_token"]) == ()


@pytest.mark.parametrize("name", [pytest.param(n, id=f"D8-{n}") for n in ("access_token", "refresh_token")])
def test_part_that_has_expired_is_not_named(client: Narrowed, name: str) -> None:
    """The score detail ends after thirty days, the consent after sixty."""
    tokens = client.app.redeem(*client.code()).json()
    client.world.move_partner(30 * DAY)
    about = introspect(client.app, tokens[name])
    assert (about["scope"], detail_kinds(about)) == ("decisions:request", ["DEPOSIT_WAIVER"])


def test_d8_refresh_does_not_name_an_expired_part(client: Narrowed) -> None:
    tokens = client.app.redeem(*client.code()).json()
    client.world.move_partner(30 * DAY)
    refreshed = client.app.refresh(tokens["refresh_token"]).json()
    assert (refreshed["scope"], detail_kinds(refreshed)) == ("decisions:request", ["DEPOSIT_WAIVER"])
    refused = client.app.refresh(tokens["refresh_token"], scope="score:tier")
    assert refused.json()["error"] == "invalid_scope"


def test_d8_operator_narrows_a_client(world: OAuthWorld) -> None:
    """A change of the row by the operator has the same effect as one by the client."""
    tokens = world.bank.tokens(world.browser(), "mei", PASSWORD, scope="score:exact decisions:request")
    world.change_client(world.bank, scopes=["score:tier"])
    assert introspect(world.bank, str(tokens["access_token"]))["scope"] == "score:tier"
    assert detail_kinds(introspect(world.bank, str(tokens["access_token"]))) == ["tier"]
