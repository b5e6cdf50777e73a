"""The device code grant at the token endpoint (RFC 8628 sections 3.4 and 3.5), with a movable clock."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.kit.crypto import digest
from gateway.settings import Settings
from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.users import USERS
from gateway.store.oauth.device_codes import DEVICE_CODES
from gateway.store.oauth.tokens import ACCESS_TOKENS
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.point_of_sale import SALE, authorize_device, decide, error, poll
from tests.support.units import reading, writing


@pytest.fixture
def world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    """The world, on each database in turn."""
    with closing(OAuthWorld(database_url, settings, clock)) as made:
        yield made


@pytest.fixture
def authorization(world: OAuthWorld) -> dict[str, Any]:
    """The response to a device authorization request of `bank`, a fapi2 client."""
    return authorize_device(world.bank)


def read_interval(world: OAuthWorld) -> int:
    with reading(world.database) as unit:
        return int(unit.connection.execute(select(DEVICE_CODES)).one().interval_seconds)


def count_tokens(world: OAuthWorld) -> int:
    with reading(world.database) as unit:
        return len(unit.connection.execute(select(ACCESS_TOKENS)).all())


def test_69_poll_is_pending_before_decision(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    assert error(poll(world.bank, authorization["device_code"])) == "authorization_pending"
    assert count_tokens(world) == 0


def test_69_allowed_request_gets_token(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    decide(world.browser(), authorization["user_code"])
    response = poll(world.bank, authorization["device_code"])
    assert response.status_code == 200, response.text
    token = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert "refresh_token" not in token
    assert token["token_type"] == "DPoP"
    assert 0 < token["expires_in"] <= 300
    assert token["scope"] == "decisions:request"
    (detail,) = token["authorization_details"]
    assert detail["store_id"] == "Store 17"
    assert detail["terminal_id"] == "T-3"
    assert detail["maximum_amount"] == SALE["maximum_amount"]
    assert detail["duration"] == "PT15M"
    called = world.bank.call(token["access_token"])
    assert called.status_code == 200
    assert called.json()["kind"] == "user"


def test_69_consent_is_short_and_for_one_decision(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    decide(world.browser(), authorization["user_code"])
    with reading(world.database) as unit:
        consent = unit.connection.execute(select(CONSENTS)).one()
        assert consent.single_use
        assert consent.expires_at - consent.granted_at == timedelta(minutes=15)
    token = poll(world.bank, authorization["device_code"]).json()["access_token"]
    clock.advance(minutes=4)
    assert world.bank.call(token).status_code == 200
    clock.advance(minutes=11)
    assert world.bank.call(token).status_code == 401


def test_69_bearer_token_expires_with_consent(world: OAuthWorld, clock: MovableClock) -> None:
    authorization = authorize_device(world.cars)
    decide(world.browser(), authorization["user_code"])
    token = poll(world.cars, authorization["device_code"]).json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    assert "refresh_token" not in token
    clock.advance(minutes=15)
    assert world.cars.call(token["access_token"]).status_code == 401


def test_69_consent_has_business_time(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    world.move_partner(timedelta(days=400))
    decide(world.browser(), authorization["user_code"])
    token = poll(world.bank, authorization["device_code"])
    assert token.status_code == 200
    assert world.bank.call(token.json()["access_token"]).status_code == 200


def test_69_denied_request_gets_access_denied(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    decide(world.browser(), authorization["user_code"], "deny")
    assert error(poll(world.bank, authorization["device_code"])) == "access_denied"
    assert error(poll(world.bank, authorization["device_code"])) == "access_denied"
    with reading(world.database) as unit:
        assert unit.connection.execute(select(CONSENTS)).all() == []
    assert count_tokens(world) == 0


@pytest.mark.parametrize("decision", [None, "allow", "deny"])
def test_69_expired_code_is_rejected_after_any_decision(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock, decision: str | None
) -> None:
    if decision:
        decide(world.browser(), authorization["user_code"], decision)
    clock.advance(seconds=599)
    assert error_or_ok(world, authorization) != "expired_token"
    authorization = authorize_device(world.bank)
    if decision:
        decide(world.browser(), authorization["user_code"], decision)
    clock.advance(seconds=600)
    assert error(poll(world.bank, authorization["device_code"])) == "expired_token"


def error_or_ok(world: OAuthWorld, authorization: dict[str, Any]) -> str:
    return str(poll(world.bank, authorization["device_code"]).json().get("error", "ok"))


def test_69_second_redemption_is_rejected(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    decide(world.browser(), authorization["user_code"])
    first = poll(world.bank, authorization["device_code"]).json()["access_token"]
    assert error(poll(world.bank, authorization["device_code"])) == "invalid_grant"
    assert world.bank.call(first).status_code == 200
    clock.advance(minutes=11)
    assert error(poll(world.bank, authorization["device_code"])) == "invalid_grant"
    assert count_tokens(world) == 1


@pytest.mark.parametrize("code", ["sgw_test_dc_unknown", "x", "é", "a b", "n" * 5000])
def test_69_unknown_code_is_rejected(world: OAuthWorld, code: str) -> None:
    assert error(poll(world.bank, code)) == "invalid_grant"


def test_69_missing_code_is_rejected(world: OAuthWorld) -> None:
    response = world.bank.post("/oauth/token", {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"})
    assert error(response) == "invalid_request"


def test_69_details_at_token_endpoint_are_rejected(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    response = poll(world.bank, authorization["device_code"], authorization_details="[]")
    assert error(response) == "invalid_authorization_details"


def test_69_missing_proof_does_not_use_up_code(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    decide(world.browser(), authorization["user_code"])
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": authorization["device_code"]}
    assert error(world.bank.post("/oauth/token", grant, headers={})) == "invalid_dpop_proof"
    assert poll(world.bank, authorization["device_code"]).status_code == 200


def test_69_early_poll_gets_slow_down(world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock) -> None:
    code = authorization["device_code"]
    assert error(poll(world.bank, code)) == "authorization_pending"
    clock.advance(seconds=1)
    assert error(poll(world.bank, code)) == "slow_down"
    assert read_interval(world) == 10
    clock.advance(seconds=10)  # the interval in the response, and five seconds more
    assert error(poll(world.bank, code)) == "authorization_pending"


def test_69_longer_interval_is_kept(world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock) -> None:
    code = authorization["device_code"]
    poll(world.bank, code)
    assert error(poll(world.bank, code)) == "slow_down"
    clock.advance(seconds=10)
    assert error(poll(world.bank, code)) == "authorization_pending"
    clock.advance(seconds=5)
    assert error(poll(world.bank, code)) == "slow_down"
    clock.advance(seconds=15)
    assert error(poll(world.bank, code)) == "authorization_pending"
    assert read_interval(world) == 15


def test_69_polls_at_interval_get_no_slow_down(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    for _ in range(50):
        assert error(poll(world.bank, authorization["device_code"])) == "authorization_pending"
        clock.advance(seconds=authorization["interval"])


def test_69_slightly_early_poll_is_tolerated(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    poll(world.bank, authorization["device_code"])
    clock.advance(seconds=4.5)
    assert error(poll(world.bank, authorization["device_code"])) == "authorization_pending"
    clock.advance(seconds=4.4)
    assert error(poll(world.bank, authorization["device_code"])) == "slow_down"


def test_69_early_polls_do_not_restart_interval(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    # A point of sale that polls each second and ignores slow_down is still in time once per interval.
    heard = []
    for _ in range(60):
        heard.append(error(poll(world.bank, authorization["device_code"])))
        clock.advance(seconds=1)
    assert set(heard) == {"authorization_pending", "slow_down"}
    assert [second for second, what in enumerate(heard) if what == "authorization_pending"] == [0, 10, 25, 45]


def test_69_interval_is_per_code(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    other = authorize_device(world.bank)
    poll(world.bank, authorization["device_code"])
    assert error(poll(world.bank, authorization["device_code"])) == "slow_down"
    assert error(poll(world.bank, other["device_code"])) == "authorization_pending"


def test_69_interval_ends_with_decision(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    poll(world.bank, authorization["device_code"])
    decide(world.browser(), authorization["user_code"])
    assert poll(world.bank, authorization["device_code"]).status_code == 200


def test_70_foreign_client_does_not_change_code(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    decide(world.browser(), authorization["user_code"])
    for foreign in (world.rival, world.cars):  # a client of another merchant, and another client of the same one
        assert error(poll(foreign, authorization["device_code"])) == "invalid_grant"
    assert poll(world.bank, authorization["device_code"]).status_code == 200


def test_70_foreign_polls_do_not_lengthen_interval(
    world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock
) -> None:
    poll(world.bank, authorization["device_code"])
    clock.advance(seconds=4)
    assert error(poll(world.rival, authorization["device_code"])) == "invalid_grant"
    clock.advance(seconds=1)
    assert error(poll(world.bank, authorization["device_code"])) == "authorization_pending"
    assert read_interval(world) == 5


def test_70_disabled_client_is_rejected(world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), authorization["user_code"])
    world.change_client(world.bank, disabled_at=clock())
    assert error(poll(world.bank, authorization["device_code"])) == "invalid_client"
    assert count_tokens(world) == 0


def test_70_disabled_user_is_rejected(world: OAuthWorld, authorization: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), authorization["user_code"])
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=clock()))
    assert error(poll(world.bank, authorization["device_code"])) == "invalid_grant"
    assert count_tokens(world) == 0


def test_70_code_of_revoked_consent_is_rejected(world: OAuthWorld, authorization: dict[str, Any]) -> None:
    browser = world.browser()
    decide(browser, authorization["user_code"])
    page = browser.get("/account")
    with reading(world.database) as unit:
        consent_id = unit.connection.execute(select(CONSENTS.c.id)).scalar_one()
    assert browser.submit_and_confirm(page, f"/account/consents/{consent_id}/revoke").status_code == 303
    assert error(poll(world.bank, authorization["device_code"])) == "invalid_grant"
    with reading(world.database) as unit:
        (code,) = unit.connection.execute(select(DEVICE_CODES)).all()
        assert (code.digest, code.used_at) == (digest(authorization["device_code"]), None)
