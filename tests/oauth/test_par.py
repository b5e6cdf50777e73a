"""The validation of pushed authorization requests (RFC 9126)."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.domain.money import Money
from gateway.kit.crypto import digest
from tests.support.oauth import pkce
from tests.support.oauth_world import CALLBACK, OAuthWorld
from tests.support.units import reading, writing

DECISION = {"type": "decision", "products": ["DEPOSIT_WAIVER"]}


def test_14_request_uri_is_valid_for_90_seconds(world: OAuthWorld) -> None:
    response = world.cars.push()
    body = response.json()
    assert response.status_code == 201
    assert body["expires_in"] == 90
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(body["request_uri"].rsplit(":", 1)[1]) == 43
    assert response.headers["cache-control"] == "no-store"


def test_14_request_uris_are_unique(world: OAuthWorld) -> None:
    assert world.cars.push().json()["request_uri"] != world.cars.push().json()["request_uri"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_15_only_post_is_accepted(world: OAuthWorld, method: str) -> None:
    response = world.http().request(method, "/oauth/par", headers=world.cars.auth)
    assert response.status_code == 405
    assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_15_other_content_types_are_rejected(world: OAuthWorld, content_type: str) -> None:
    headers = {**world.cars.auth, "Content-Type": content_type}
    response = world.http().post("/oauth/par", content=b"a=b", headers=headers)
    assert (response.status_code, response.json()["error"]) == (415, "invalid_request")


@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_16_request_and_request_uri_are_rejected(world: OAuthWorld, name: str) -> None:
    response = world.cars.push(**{name: "urn:x"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 44},
        {"code_challenge": '"' * 43},
    ],
)
def test_17_only_s256_is_accepted(world: OAuthWorld, changed: dict[str, Any]) -> None:
    response = world.cars.push(**changed)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "https://evil.example/",
        CALLBACK + "?a=b",
        CALLBACK + "#f",
        CALLBACK + "/",
        CALLBACK.upper(),
        CALLBACK.replace(".example", ".example:444"),
        CALLBACK.replace("/callback", "/x/../callback"),
        'https://"quoted".example',
        "javascript:alert(1)",
    ],
)
def test_18_redirect_uri_is_compared_exactly(world: OAuthWorld, redirect_uri: str | None) -> None:
    response = world.cars.push(redirect_uri=redirect_uri)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "location" not in response.headers


@pytest.mark.parametrize("response_type", [None, "token", "code id_token", "id_token code", 'j"unk', "CODE"])
def test_19_only_response_type_code_is_accepted(world: OAuthWorld, response_type: str | None) -> None:
    response = world.cars.push(response_type=response_type)
    assert response.status_code == 400
    assert response.json()["error"] in {"invalid_request", "unsupported_response_type"}
    assert "location" not in response.headers


def test_19_only_response_mode_query_is_accepted(world: OAuthWorld) -> None:
    assert world.cars.push(response_mode="query").status_code == 201
    assert world.cars.push(response_mode="fragment").json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "scope", ["score:palm", "score:tier openid", "decisions:read", "score:tier consents:read", '"']
)
def test_20_unknown_and_merchant_scopes_are_rejected(world: OAuthWorld, scope: str) -> None:
    response = world.cars.push(scope=scope)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_20_disallowed_scopes_are_rejected(world: OAuthWorld) -> None:
    world.change_client(world.cars, scopes=["score:threshold"])
    assert world.cars.push(scope="score:threshold").status_code == 201
    assert world.cars.push(scope="score:tier").json()["error"] == "invalid_scope"
    tier = world.cars.push(scope=None, authorization_details=[{"type": "score", "level": "tier"}])
    assert tier.json()["error"] == "invalid_authorization_details"


def test_20_scope_order_is_free_and_state_optional(world: OAuthWorld) -> None:
    assert world.cars.push(scope="decisions:request  score:tier score:tier", state=None).status_code == 201


def test_20_longest_state(world: OAuthWorld) -> None:
    assert world.cars.push(state="s" * 4096).status_code == 201
    assert world.cars.push(state="s" * 4097).json()["error"] == "invalid_request"


def test_20_scope_or_details_are_required(world: OAuthWorld) -> None:
    assert world.cars.push(scope=None).json()["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "scope", "state", "authorization_details", "code_challenge", "unknown"])
def test_21_repeated_parameters_are_rejected(world: OAuthWorld, name: str) -> None:
    pairs = [*world.cars.parameters(pkce()[1]).items(), (name, "x"), (name, "x")]
    headers = {**world.cars.auth, "Content-Type": "application/x-www-form-urlencoded"}
    response = world.http().post("/oauth/par", content=urlencode(pairs), headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["response_type", "redirect_uri", "scope", "state", "code_challenge", "client_id"])
@pytest.mark.parametrize("junk", ["é", "信用", "\x00", "\x1f", "\x7f", "\U0001f600"])
def test_21_junk_characters_are_rejected(world: OAuthWorld, name: str, junk: str) -> None:
    response = world.cars.push(**{name: f"x{junk}"})
    assert response.status_code in {400, 401}
    assert response.json()["error"]


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=a", b"&".join(b"a%d=1" % n for n in range(70))])
def test_21_invalid_forms_are_rejected(world: OAuthWorld, body: bytes) -> None:
    headers = {**world.cars.auth, "Content-Type": "application/x-www-form-urlencoded"}
    response = world.http().post("/oauth/par", content=body, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "details",
    [
        "no json",
        "{}",
        "[]",
        "null",
        '"text"',
        "[1]",
        [{"type": "payment"}],
        [{}],
        [{"type": "score"}],
        [{"type": "score", "level": "tier", "more": 1}],
        [{"type": ["score"], "level": "tier"}],
        [{"type": "score", "level": "tier", "purpose": "FUN"}],
        [{"type": "score", "level": "tier", "duration": "P1Y"}],
        [{"type": "score", "level": "tier", "duration": "信"}],
        [{**DECISION, "products": ["HOUSE"]}],
        [{**DECISION, "products": ["EXPRESS_CHECK_IN"]}],
        [{**DECISION, "maximum_amount": {"amount": "50000.01", "currency": "CNY"}}],
        [{**DECISION, "maximum_amount": {"amount": "1.00", "currency": "USD"}}],
        [{**DECISION, "maximum_amount": {"amount": 1, "currency": "CNY"}}],
        [{**DECISION, "maximum_amount": {"amount": "-1", "currency": "CNY"}}],
        [{"type": "score", "level": "tier"}] * 9,
    ],
)
def test_23_invalid_details_are_rejected(world: OAuthWorld, details: Any) -> None:
    response = world.cars.push(authorization_details=details)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_authorization_details")
    assert response.json()["error_description"].isascii()


def test_23_description_has_position(world: OAuthWorld) -> None:
    details = [{"type": "score", "level": "tier"}, {**DECISION, "maximum_amount": {"amount": "x", "currency": "CNY"}}]
    assert "1.maximum_amount.amount" in world.cars.push(authorization_details=details).json()["error_description"]


def test_23_scope_without_enabled_products_is_rejected(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        unit.merchants.disable_adapter(world.cars_id, "car_rental")
        unit.merchants.disable_adapter(world.cars_id, "online_shop")
    assert world.cars.push(scope="decisions:request").json()["error"] == "invalid_scope"
    assert world.cars.push(scope="score:tier").json()["error"] == "invalid_scope"


def test_stored_row_has_digest_and_parameters(world: OAuthWorld) -> None:
    request_uri = world.cars.push(unknown="x", scope=None, authorization_details=[DECISION]).json()["request_uri"]
    with reading(world.database) as unit:
        row = unit.authorization_requests.load_pushed_request(digest(request_uri))
        assert row is not None
        assert set(row.parameters) == {
            "response_type",
            "redirect_uri",
            "state",
            "code_challenge",
            "code_challenge_method",
            "authorization_details",
            "complete",
        }
        assert request_uri not in json.dumps(row.parameters)
        assert row.parameters["complete"] == {
            "scopes": ["decisions:request"],
            "details": [
                {
                    **DECISION,
                    "purpose": "CAR_RENTAL",
                    "duration": "P90D",
                    "maximum_amount": {"amount": "50000.00", "currency": "CNY"},
                }
            ],
        }


def test_durations_are_limited_by_contract(world: OAuthWorld) -> None:
    tokens = world.tokens(scope=None, authorization_details=[{**DECISION, "duration": "P365D"}])
    assert tokens["authorization_details"][0]["duration"] == "P90D"  # type: ignore[index]


def test_contract_in_other_currency(world: OAuthWorld) -> None:
    world.change_merchant(ceiling_minor=Money(1000, "EUR").minor, ceiling_currency="EUR")
    details = [{**DECISION, "maximum_amount": {"amount": "1.00", "currency": "CNY"}}]
    assert world.cars.push(authorization_details=details).json()["error"] == "invalid_authorization_details"


@pytest.mark.parametrize(
    ("scope", "levels", "products"),
    [
        ("score:threshold", ["threshold"], []),
        ("score:exact score:threshold", ["exact"], []),
        ("decisions:preview", [], ["DEPOSIT_WAIVER", "PAY_LATER"]),
        ("score:tier decisions:request", ["tier"], ["DEPOSIT_WAIVER", "PAY_LATER"]),
    ],
)
def test_plain_scopes_become_details(world: OAuthWorld, scope: str, levels: list[str], products: list[str]) -> None:
    tokens: dict[str, Any] = world.tokens(scope=scope)
    details = tokens["authorization_details"]
    assert [d["level"] for d in details if d["type"] == "score"] == levels
    assert [p for d in details if d["type"] == "decision" for p in d["products"]] == products
    assert set(tokens["scope"].split()) == set(scope.split())


def test_details_add_their_scopes_to_plain_ones(world: OAuthWorld) -> None:
    details = [{"type": "score", "level": "threshold", "purpose": "LENDING"}]
    tokens: dict[str, Any] = world.tokens(scope="decisions:request", authorization_details=details)
    assert tokens["scope"] == "score:threshold decisions:request"
    assert [d["purpose"] for d in tokens["authorization_details"]] == ["LENDING", "CAR_RENTAL", "ONLINE_PURCHASE"]


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024 + 1])
def test_76_oversized_bodies_are_rejected(world: OAuthWorld, size: int) -> None:
    headers = {**world.cars.auth, "Content-Type": "application/x-www-form-urlencoded"}
    response = world.http().post("/oauth/par", content=b"a=" + b"b" * size, headers=headers)
    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")
