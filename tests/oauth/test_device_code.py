"""The device code grant at the token endpoint (RFC 8628 sections 3.4 and 3.5), with a clock moved by hand."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from gateway.kit.crypto import digest
from gateway.settings import Settings
from gateway.store.clients import ClientRow
from gateway.store.consents import ConsentRow
from gateway.store.database import Database
from gateway.store.device_codes import DeviceCodeRow
from gateway.store.oauth_tokens import AccessTokenRow
from gateway.store.users import UserRow
from tests.support.clock import MovableClock
from tests.support.oauth_world import World, build_world
from tests.support.till import SALE, asked, decide, error, poll


@pytest.fixture
def world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    """On each database in turn."""
    with closing(Database(database_url)) as database:
        yield build_world(database, settings, clock)


@pytest.fixture
def told(world: World) -> dict[str, Any]:
    """What the till of `bank`, a fapi2 client, was told."""
    return asked(world.bank)


def interval(world: World) -> int:
    with world.database.read() as session:
        return session.exec(select(DeviceCodeRow)).one().interval_seconds


def tokens(world: World) -> int:
    with world.database.read() as session:
        return len(session.exec(select(AccessTokenRow)).all())


def test_69_pending_until_the_person_decides(world: World, told: dict[str, Any]) -> None:
    assert error(poll(world.bank, told["device_code"])) == "authorization_pending"
    assert tokens(world) == 0


def test_69_allowed(world: World, told: dict[str, Any]) -> None:
    decide(world.browser(), told["user_code"])
    answer = poll(world.bank, told["device_code"])
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert answer.headers["cache-control"] == "no-store"
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


def test_69_the_consent_is_short_and_for_one_decision(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), told["user_code"])
    with world.database.read() as session:
        consent = session.exec(select(ConsentRow)).one()
        assert consent.single_use
        assert consent.expires_at - consent.granted_at == timedelta(minutes=15)
    token = poll(world.bank, told["device_code"]).json()["access_token"]
    clock.advance(minutes=4)
    assert world.bank.call(token).status_code == 200
    clock.advance(minutes=11)
    assert world.bank.call(token).status_code == 401


def test_69_a_bearer_token_does_not_outlive_the_consent(world: World, clock: MovableClock) -> None:
    told = asked(world.cars)
    decide(world.browser(), told["user_code"])
    token = poll(world.cars, told["device_code"]).json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    assert "refresh_token" not in token
    clock.advance(minutes=15)
    assert world.cars.call(token["access_token"]).status_code == 401


def test_69_in_the_partners_own_time(world: World, told: dict[str, Any]) -> None:
    world.move_partner(timedelta(days=400))
    decide(world.browser(), told["user_code"])
    token = poll(world.bank, told["device_code"])
    assert token.status_code == 200
    assert world.bank.call(token.json()["access_token"]).status_code == 200


def test_69_denied(world: World, told: dict[str, Any]) -> None:
    decide(world.browser(), told["user_code"], "deny")
    assert error(poll(world.bank, told["device_code"])) == "access_denied"
    assert error(poll(world.bank, told["device_code"])) == "access_denied"
    with world.database.read() as session:
        assert session.exec(select(ConsentRow)).all() == []
    assert tokens(world) == 0


@pytest.mark.parametrize("decision", [None, "allow", "deny"])
def test_69_expired_whatever_was_decided(
    world: World, told: dict[str, Any], clock: MovableClock, decision: str | None
) -> None:
    if decision:
        decide(world.browser(), told["user_code"], decision)
    clock.advance(seconds=599)
    assert error_or_ok(world, told) != "expired_token"
    told = asked(world.bank)
    if decision:
        decide(world.browser(), told["user_code"], decision)
    clock.advance(seconds=600)
    assert error(poll(world.bank, told["device_code"])) == "expired_token"


def error_or_ok(world: World, told: dict[str, Any]) -> str:
    return str(poll(world.bank, told["device_code"]).json().get("error", "ok"))


def test_69_a_second_redemption(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), told["user_code"])
    first = poll(world.bank, told["device_code"]).json()["access_token"]
    assert error(poll(world.bank, told["device_code"])) == "invalid_grant"
    assert world.bank.call(first).status_code == 200
    clock.advance(minutes=11)
    assert error(poll(world.bank, told["device_code"])) == "invalid_grant"
    assert tokens(world) == 1


@pytest.mark.parametrize("code", ["sgw_test_dc_unknown", "x", "é", "a b", "n" * 5000])
def test_69_an_unknown_code(world: World, code: str) -> None:
    assert error(poll(world.bank, code)) == "invalid_grant"


def test_69_no_code(world: World) -> None:
    answer = world.bank.post("/oauth/token", {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"})
    assert error(answer) == "invalid_request"


def test_69_details_belong_in_the_first_request(world: World, told: dict[str, Any]) -> None:
    answer = poll(world.bank, told["device_code"], authorization_details="[]")
    assert error(answer) == "invalid_authorization_details"


def test_69_without_a_proof_nothing_is_used_up(world: World, told: dict[str, Any]) -> None:
    decide(world.browser(), told["user_code"])
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": told["device_code"]}
    assert error(world.bank.post("/oauth/token", grant, headers={})) == "invalid_dpop_proof"
    assert poll(world.bank, told["device_code"]).status_code == 200


def test_69_too_early_and_then_as_told(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    code = told["device_code"]
    assert error(poll(world.bank, code)) == "authorization_pending"
    clock.advance(seconds=1)
    assert error(poll(world.bank, code)) == "slow_down"
    assert interval(world) == 10
    clock.advance(seconds=10)  # the five it was told at first, and five more
    assert error(poll(world.bank, code)) == "authorization_pending"


def test_69_the_five_seconds_are_kept(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    code = told["device_code"]
    poll(world.bank, code)
    assert error(poll(world.bank, code)) == "slow_down"
    clock.advance(seconds=10)
    assert error(poll(world.bank, code)) == "authorization_pending"
    clock.advance(seconds=5)
    assert error(poll(world.bank, code)) == "slow_down"
    clock.advance(seconds=15)
    assert error(poll(world.bank, code)) == "authorization_pending"
    assert interval(world) == 15


def test_69_a_till_that_polls_as_told_is_never_slowed(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    for _ in range(50):
        assert error(poll(world.bank, told["device_code"])) == "authorization_pending"
        clock.advance(seconds=told["interval"])


def test_69_a_little_less_under_way_is_not_too_early(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    poll(world.bank, told["device_code"])
    clock.advance(seconds=4.5)
    assert error(poll(world.bank, told["device_code"])) == "authorization_pending"
    clock.advance(seconds=4.4)
    assert error(poll(world.bank, told["device_code"])) == "slow_down"


def test_69_early_polls_do_not_move_the_moment_of_the_next(
    world: World, told: dict[str, Any], clock: MovableClock
) -> None:
    # A till that never listens, and polls each second, still hears in between that it was in time.
    heard = []
    for _ in range(60):
        heard.append(error(poll(world.bank, told["device_code"])))
        clock.advance(seconds=1)
    assert set(heard) == {"authorization_pending", "slow_down"}
    assert [second for second, what in enumerate(heard) if what == "authorization_pending"] == [0, 10, 25, 45]


def test_69_the_wait_is_that_of_one_code(world: World, told: dict[str, Any]) -> None:
    other = asked(world.bank)
    poll(world.bank, told["device_code"])
    assert error(poll(world.bank, told["device_code"])) == "slow_down"
    assert error(poll(world.bank, other["device_code"])) == "authorization_pending"


def test_69_after_the_decision_nobody_waits(world: World, told: dict[str, Any]) -> None:
    poll(world.bank, told["device_code"])
    decide(world.browser(), told["user_code"])
    assert poll(world.bank, told["device_code"]).status_code == 200


def test_70_another_client_leaves_the_code_as_it_is(world: World, told: dict[str, Any]) -> None:
    decide(world.browser(), told["user_code"])
    for foreign in (world.rival, world.cars):  # of another merchant, and of the same
        assert error(poll(foreign, told["device_code"])) == "invalid_grant"
    assert poll(world.bank, told["device_code"]).status_code == 200


def test_70_another_clients_polls_do_not_slow_the_till(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    poll(world.bank, told["device_code"])
    clock.advance(seconds=4)
    assert error(poll(world.rival, told["device_code"])) == "invalid_grant"
    clock.advance(seconds=1)
    assert error(poll(world.bank, told["device_code"])) == "authorization_pending"
    assert interval(world) == 5


def test_70_a_disabled_client(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), told["user_code"])
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).disabled_at = clock()
    assert error(poll(world.bank, told["device_code"])) == "invalid_client"
    assert tokens(world) == 0


def test_70_the_person_is_locked_out(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    decide(world.browser(), told["user_code"])
    with world.database.write() as session:
        session.exec(select(UserRow).where(UserRow.username == "mei")).one().disabled_at = clock()
    assert error(poll(world.bank, told["device_code"])) == "invalid_grant"
    assert tokens(world) == 0


def test_70_the_consent_was_ended_before_the_till_came(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    decide(browser, told["user_code"])
    page = browser.get("/account")
    with world.database.read() as session:
        consent_id = session.exec(select(ConsentRow.id)).one()
    assert browser.submit(page, f"/account/consents/{consent_id}/revoke").status_code == 303
    assert error(poll(world.bank, told["device_code"])) == "invalid_grant"
    with world.database.read() as session:
        assert session.get_one(DeviceCodeRow, digest(told["device_code"])).used_at is None
