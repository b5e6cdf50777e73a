"""The token check before the API (RFC 6750, RFC 9728 section 5.1)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.domain.environment import LIVE, SANDBOX
from gateway.domain.errors import Unauthenticated
from gateway.oauth.token_check import check_token
from gateway.store.identity.users import USERS
from gateway.store.oauth.tokens import ACCESS_TOKENS, REFRESH_TOKENS
from tests.support.clock import NOON, MovableClock
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading, writing


def test_61_active_token_is_accepted(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    called = world.cars.call(tokens["access_token"]).json()
    assert called["allowed"] == ["decisions:preview", "decisions:request", "score:threshold", "score:tier"]
    assert called["subject"].startswith("usr_test_")


def test_61_scheme_is_case_insensitive(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    assert world.http().post("/graphql", headers={"Authorization": f"bEARER {token}"}).status_code == 200


def test_64_missing_token_gets_no_error_code(world: OAuthWorld) -> None:
    response = world.cars.call(None)
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]
    error = response.json()["errors"][0]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "requestId": response.headers["x-request-id"]}


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer unknown", "Bearer sgw_test_at_x", "Basic eDp4", "Bearer a b"]
)
def test_65_invalid_tokens_are_rejected(world: OAuthWorld, header: str) -> None:
    response = world.http().post("/graphql", headers={"Authorization": header})
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "Basic eDp4", "sgw_test_at_x", ""])
def test_65_message_about_an_unreadable_header_says_its_form(world: OAuthWorld, header: str) -> None:
    response = world.http().post("/graphql", headers={"Authorization": header})
    message = response.json()["errors"][0]["message"]
    assert message.startswith("Send exactly one Authorization header: DPoP TOKEN")
    assert "another scheme, no token after the scheme" in message


def test_65_two_headers_are_rejected(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    header = ("Authorization", f"Bearer {token}")
    response = world.http().post("/graphql", headers=[header, header])
    assert response.status_code == 401
    assert "several headers" in response.json()["errors"][0]["message"]


def test_62_token_outside_header_is_ignored(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    http = world.http()
    http.cookies.set("access_token", token)
    response = http.post(f"/graphql?access_token={token}", data={"access_token": token})
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]


def test_65_expired_token_is_rejected(world: OAuthWorld, clock: MovableClock) -> None:
    tokens: Any = world.tokens()
    own = world.cars.merchant_token().json()["access_token"]
    clock.advance(hours=12, seconds=-1)
    assert [world.cars.call(token).status_code for token in (tokens["access_token"], own)] == [200, 200]
    clock.advance(seconds=1)
    assert [world.cars.call(token).status_code for token in (tokens["access_token"], own)] == [401, 401]


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(timedelta(hours=12), 200), (timedelta(days=90, seconds=-1), 200), (timedelta(days=90), 401)],
    ids=str,
)
def test_65_business_time_ends_consents_and_not_merchant_tokens(
    world: OAuthWorld, ahead: timedelta, status: int
) -> None:
    tokens: Any = world.tokens()
    own = world.cars.merchant_token().json()["access_token"]
    foreign = world.other.tokens(world.browser(), "otto", PASSWORD)["access_token"]
    world.move_partner(ahead)
    assert world.cars.call(tokens["access_token"]).status_code == status
    assert world.cars.call(own).status_code == 200
    assert world.other.call(foreign).status_code == 200


def test_60_revoked_consent_ends_tokens_at_once(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    consent_id = world.cars.call(tokens["access_token"]).json()["consent"]
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, consent_id, None)
    with reading(world.database) as unit:
        marks = [
            *unit.connection.execute(select(ACCESS_TOKENS.c.revoked_at)).scalars(),
            *unit.connection.execute(select(REFRESH_TOKENS.c.revoked_at)).scalars(),
        ]
        assert len(marks) == 2
        assert None not in marks
    assert world.cars.call(tokens["access_token"]).status_code == 401
    assert world.cars.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_60_token_check_reads_consent(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    consent_id = world.cars.call(tokens["access_token"]).json()["consent"]
    with writing(world.database) as unit:
        assert unit.consents.revoke(consent_id, unit.business_time(world.cars_id))
    assert world.cars.call(tokens["access_token"]).status_code == 401


def test_disabled_client_is_rejected(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    world.change_client(world.cars, disabled_at=NOON)
    assert world.cars.call(token).status_code == 401


def test_disabled_user_is_rejected(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    token = tokens["access_token"]
    assert world.cars.call(token).status_code == 200
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).values(disabled_at=NOON))
    assert world.cars.call(token).status_code == 401


def test_refresh_token_is_rejected(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    assert world.cars.call(tokens["refresh_token"]).status_code == 401


def test_sandbox_token_is_rejected_in_live(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    with reading(world.database) as unit:
        assert check_token(unit, token, None, SANDBOX).merchant_id == world.cars_id
        with pytest.raises(Unauthenticated):
            check_token(unit, token, None, LIVE)


def test_sandbox_prefix_is_rejected_in_live_for_any_profile(world: OAuthWorld) -> None:
    token = world.cars.merchant_token().json()["access_token"]
    world.change_client(world.cars, profile="fapi2")
    with reading(world.database) as unit, pytest.raises(Unauthenticated):
        check_token(unit, token, None, LIVE)


def test_subject_differs_per_merchant(world: OAuthWorld) -> None:
    cars: Any = world.tokens()
    again: Any = world.tokens()
    shop = world.shop.tokens(world.browser(), "mei", PASSWORD)
    subjects = [
        app.call(tokens["access_token"]).json()["subject"]
        for app, tokens in ((world.cars, cars), (world.cars, again), (world.shop, shop))
    ]
    assert subjects[0] == subjects[1] != subjects[2]
