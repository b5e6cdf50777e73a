"""Endings beside a refresh and beside each other: once all requests are answered, no token of the family works that was
issued before or during its end (RFC 9700 section 4.14.2, RFC 7009 section 2.1, RFC 6749 section 4.1.2)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from gateway.kit.clock import wall_clock
from gateway.settings import Settings
from gateway.store.consents.consents import CONSENTS
from tests.support.families import ENDINGS, Family, enable_again
from tests.support.grants import TIER, WAIVER, change_grant, new_grant, open_change
from tests.support.locks import wait_for_waiters
from tests.support.oauth import form_to, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import authorize_device, open_confirmation
from tests.support.race import race
from tests.support.registration import Registrar
from tests.support.units import reading

PAIRS = [*(("refresh", name) for name in ENDINGS), *combinations(ENDINGS, 2)]


@contextmanager
def held_tokens(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Keeps access tokens from being written until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE oauth_access_tokens IN SHARE MODE")
        yield connection
        connection.rollback()


@pytest.mark.postgresql
@pytest.mark.parametrize("ending", ENDINGS)
def test_b1_ending_beside_a_refresh_that_has_written_half(postgresql_url: str, settings: Settings, ending: str) -> None:
    world = OAuthWorld(postgresql_url, settings, wall_clock)
    try:
        family = Family.start(world, world.cars)
        with ThreadPoolExecutor(2) as pool:
            with held_tokens(postgresql_url):
                refreshed = pool.submit(family.refresh)
                wait_for_waiters(postgresql_url, 1)  # its refresh token is written, its access token is not
                ended = pool.submit(family.ending(ending))
                wait_for_waiters(postgresql_url, 2)
            responses = refreshed.result(), ended.result()
        assert family.find_working(*responses) == []
    finally:
        world.close()


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_b1_no_token_survives_a_race_of_eight(racing_world: OAuthWorld, pair: tuple[str, str]) -> None:
    family = Family.start(racing_world, racing_world.cars)
    sends = [family.refresh if name == "refresh" else family.ending(name) for name in pair]
    responses = race(lambda number: sends[number % 2]())
    assert all(response is None or response.status_code < 500 for response in responses)
    assert family.find_working(*responses) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("ending", ["reuse", "replayed_code", "replaced", "disabled_client"])
def test_b1_no_token_survives_a_race_with_eight_refreshes(racing_world: OAuthWorld, ending: str) -> None:
    family = Family.start(racing_world, racing_world.cars)
    end = family.ending(ending)
    responses = race(lambda number: family.refresh() if number else end(), 9)
    assert all(response is None or response.status_code < 500 for response in responses)
    assert family.find_working(*responses) == []


@pytest.mark.postgresql
def test_b1_no_token_without_rotation_survives_a_race(racing_world: OAuthWorld) -> None:
    world = racing_world
    tokens: Any = world.bank.tokens(world.browser(), "mei", PASSWORD)
    responses = race(
        lambda number: (
            world.bank.refresh(tokens["refresh_token"]) if number else world.bank.revoke(tokens["refresh_token"])
        ),
        4,
    )
    issued = [each.json()["access_token"] for each in responses if "access_token" in each.text]
    assert {world.bank.call(token).status_code for token in [tokens["access_token"], *issued]} == {401}
    assert world.bank.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.postgresql
def test_b1_no_merchant_token_survives_a_race_with_the_end_of_its_client(racing_world: OAuthWorld) -> None:
    world, family = racing_world, Family.start(racing_world, racing_world.cars)
    end = family.ending("disabled_client")
    responses = race(lambda number: family.app.merchant_token() if number else end(), 9)
    enable_again(world, family.app.client_id)  # as the start of a sandbox does with its own clients
    issued = [each.json()["access_token"] for each in responses if each is not None and each.status_code == 200]
    assert {world.cars.call(token).status_code for token in issued} <= {401}


def test_b1_a_replaced_grant_ends_its_waiting_code(each_world: OAuthWorld) -> None:
    world, app = each_world, each_world.cars
    before = new_grant(world, app, TIER)
    browser, page, verifier = open_change(world, app, "merge", before["grant_id"], WAIVER)
    waiting = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    after = change_grant(world, app, "replace", before["grant_id"], TIER)
    assert app.redeem(query_of(waiting)["code"], verifier).json()["error"] == "invalid_grant"
    assert app.call(after["access_token"]).status_code == 200  # an ended code is no replay


def test_b1_a_replay_leaves_the_tokens_of_other_codes(each_world: OAuthWorld) -> None:
    world, app = each_world, each_world.cars
    back, verifier = app.ask(world.browser(), "mei", PASSWORD, scope=None, authorization_details=[TIER])
    before = app.redeem(back["code"], verifier).json()
    after = change_grant(world, app, "merge", before["grant_id"], WAIVER)
    assert app.redeem(back["code"], verifier).status_code == 400
    assert app.call(before["access_token"]).status_code == 401
    assert app.call(after["access_token"]).status_code == 200


def test_b1_a_disabled_client_keeps_nothing_when_it_is_enabled_again(each_world: OAuthWorld) -> None:
    world, app = each_world, each_world.cars
    family = Family.start(world, app)
    back, verifier = app.ask(world.browser(), "bo", PASSWORD)
    pushed = app.push().json()["request_uri"]
    family.ending("disabled_client")()
    enable_again(world, app.client_id)
    assert family.find_working() == []
    assert app.redeem(back["code"], verifier).json()["error"] == "invalid_grant"
    assert world.browser().open(app.address(pushed), "mei", PASSWORD).status_code == 400


def test_b1_a_client_that_removes_itself_keeps_nothing(each_world: OAuthWorld) -> None:
    world, registrar = each_world, Registrar(each_world)
    body = registrar.register()
    app = registrar.app(body)
    tokens = app.tokens(world.browser(), "mei", PASSWORD)
    assert registrar.manage("DELETE", body).status_code == 204
    enable_again(world, app.client_id)
    assert app.call(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.postgresql
@pytest.mark.parametrize("action", ["/oauth/authorize", "/device"])
def test_b1_a_user_who_is_disabled_meanwhile_gives_no_consent(
    postgresql_url: str, settings: Settings, action: str
) -> None:
    world = OAuthWorld(postgresql_url, settings, wall_clock)
    try:
        browser = world.browser()
        if action == "/device":
            page = open_confirmation(browser, authorize_device(world.cars)["user_code"])
        else:
            page = browser.open(world.cars.address(world.cars.push().json()["request_uri"]), "mei", PASSWORD)
        form = form_to(page.text, action)
        with ThreadPoolExecutor(1) as pool, psycopg.connect(postgresql_url) as connection:
            connection.execute("UPDATE users SET disabled_at = now() WHERE username = 'mei'")
            answered = pool.submit(browser.http.post, action, data={**form.fields, "decision": "allow"})
            wait_for_waiters(postgresql_url, 1)
            connection.commit()
            assert answered.result().status_code == 400
        with reading(world.database) as unit:
            assert unit.connection.scalar(select(func.count()).select_from(CONSENTS)) == 0
    finally:
        world.close()
