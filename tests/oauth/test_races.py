"""Concurrent requests on SQLite and PostgreSQL, in real time: exactly one of eight succeeds."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.users import PAIRWISE_SUBJECTS
from gateway.store.oauth.tokens import REFRESH_TOKENS
from tests.support.oauth import PartnerApp, form_to, pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.race import race
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

AT_ONCE = 8


def at_once(app: PartnerApp, world: OAuthWorld, send: Callable[[PartnerApp], httpx2.Response]) -> list[httpx2.Response]:
    """The responses to the same request, sent by eight threads with their own connections."""
    barrier = Barrier(AT_ONCE)

    def one(_: int) -> httpx2.Response:
        own = replace(app, http=world.http())
        barrier.wait()
        return send(own)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def sort_statuses(responses: list[httpx2.Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


def test_40_one_redemption_succeeds(racing_world: OAuthWorld, profile: str) -> None:
    world, own = racing_world, racing_world.own_app(profile)
    back, verifier = own.ask(world.browser(), "mei", PASSWORD)
    responses = at_once(own, world, lambda app: app.redeem(back["code"], verifier))
    assert sort_statuses(responses) == [200] + [400] * (AT_ONCE - 1)
    assert {a.json()["error"] for a in responses if a.status_code == 400} == {"invalid_grant"}
    winner = next(a for a in responses if a.status_code == 200).json()
    # The later requests sent a used code, which revokes the tokens of the first one.
    assert own.call(winner["access_token"]).status_code == 401


def test_55_all_refreshes_without_rotation_succeed(racing_world: OAuthWorld) -> None:
    world, own = racing_world, racing_world.bank
    tokens: Any = own.tokens(world.browser(), "mei", PASSWORD)
    responses = at_once(own, world, lambda app: app.refresh(tokens["refresh_token"]))
    assert sort_statuses(responses) == [200] * AT_ONCE
    bodies = [response.json() for response in responses]
    assert len({one["access_token"] for one in bodies}) == AT_ONCE
    assert {one["scope"] for one in bodies} == {tokens["scope"]}
    assert all("refresh_token" not in one for one in bodies)
    assert {own.call(one["access_token"]).status_code for one in bodies} == {200}
    with reading(world.database) as unit:
        (row,) = unit.connection.execute(select(REFRESH_TOKENS)).all()
        assert (row.used_at, row.revoked_at) == (None, None)


@pytest.mark.slow
def test_55_one_of_concurrent_refreshes_succeeds(racing_world: OAuthWorld) -> None:
    world = racing_world
    tokens: Any = world.tokens()
    consent_id = world.cars.call(tokens["access_token"]).json()["consent"]
    with ThreadPoolExecutor(1) as pool:
        with writing(world.database) as unit:
            assert unit.consents.lock(consent_id) is not None
            waiting = pool.submit(at_once, world.cars, world, lambda app: app.refresh(tokens["refresh_token"]))
            time.sleep(2)  # all eight have arrived and wait for the lock on the consent
        responses = waiting.result()
    assert sort_statuses(responses) == [200] + [400] * (AT_ONCE - 1)
    winner = next(response for response in responses if response.status_code == 200).json()
    assert world.cars.call(winner["access_token"]).status_code == 200
    assert world.cars.refresh(winner["refresh_token"]).status_code == 200


def test_55_concurrent_refreshes_leave_one_token(racing_world: OAuthWorld) -> None:
    # A request that arrives after the first response is a retry. It succeeds and replaces the token of the first.
    world = racing_world
    tokens: Any = world.tokens()
    responses = at_once(world.cars, world, lambda app: app.refresh(tokens["refresh_token"]))
    assert set(sort_statuses(responses)) <= {200, 400}
    with reading(world.database) as unit:
        rows = unit.connection.execute(select(REFRESH_TOKENS)).all()
        assert len([row for row in rows if row.used_at is None and row.revoked_at is None]) == 1


def test_28_one_decision_is_recorded(racing_world: OAuthWorld) -> None:
    world = racing_world
    browser = world.browser()
    page = browser.open(world.cars.address(world.cars.push().json()["request_uri"]), "mei", PASSWORD)
    form = form_to(page.text, "/oauth/authorize")
    cookies = dict(browser.http.cookies)

    def decide(app: PartnerApp) -> httpx2.Response:
        app.http.cookies.update(cookies)
        return app.http.post(form.action, data={**form.fields, "decision": "allow"})

    assert sort_statuses(at_once(world.cars, world, decide)) == [303] * AT_ONCE


def test_concurrent_consents_share_pairwise_subject(racing_world: OAuthWorld) -> None:
    world = racing_world
    barrier = Barrier(AT_ONCE)
    with reading(world.database) as unit:
        user = unit.users.load_by_username("bo")
        assert user is not None
        user_id = user.id

    def grant(_: int) -> str:
        barrier.wait()
        with writing(world.database) as unit:
            client = unit.clients.load(world.cars.client_id)
            merchant = unit.merchants.load(world.cars_id)
            assert client is not None
            assert merchant is not None
            asked = world.container.consents.complete_request(unit, merchant, ("score:tier",), ())
            return world.container.consents.grant(unit, client, user_id, asked).subject

    with ThreadPoolExecutor(AT_ONCE) as pool:
        subjects = set(pool.map(grant, range(AT_ONCE)))
    assert len(subjects) == 1
    with reading(world.database) as unit:
        (row,) = unit.connection.execute(select(PAIRWISE_SUBJECTS).where(PAIRWISE_SUBJECTS.c.user_id == user_id)).all()
    assert row.merchant_id == world.cars_id
    assert {row.subject} == subjects


def test_28_d1_first_of_eight_answers_stands(racing_world: OAuthWorld, profile: str) -> None:
    world, own, browser = racing_world, racing_world.own_app(profile), racing_world.browser()
    verifier, challenge = pkce()
    page = browser.open(own.address(own.push(challenge).json()["request_uri"]), "mei", PASSWORD)
    form, cookies = form_to(page.text, "/oauth/authorize"), dict(browser.http.cookies)

    def answer(number: int) -> httpx2.Response:
        http = world.http()
        http.cookies.update(cookies)
        return http.post("/oauth/authorize", data={**form.fields, "decision": "allow" if number % 2 else "deny"})

    responses = race(answer)
    assert [response.status_code for response in responses] == [303] * 8
    (location,) = {response.headers["location"] for response in responses}
    code = query_of(location).get("code")
    with reading(world.database) as unit:
        assert len(unit.connection.execute(select(CONSENTS)).all()) == (code is not None)
    if code is not None:
        assert own.redeem(code, verifier).status_code == 200
