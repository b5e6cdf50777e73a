"""Concurrent requests of the device grant on SQLite and PostgreSQL, in real time: exactly one of eight succeeds."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.device_codes import DEVICE_CODES
from gateway.store.oauth.tokens import ACCESS_TOKENS
from gateway.store.outbox import OUTBOX
from tests.support.oauth import PartnerApp, form_to
from tests.support.oauth_world import OAuthWorld
from tests.support.point_of_sale import authorize_device, decide, error, open_confirmation, poll
from tests.support.race import race
from tests.support.units import reading

pytestmark = pytest.mark.postgresql


def point_of_sale(world: OAuthWorld) -> PartnerApp:
    """The point of sale of `cars` with its own connection."""
    return PartnerApp(world.http(), world.cars.client_id, world.cars.secret, world.cars.redirect_uri)


def test_69_one_of_eight_polls_gets_token(racing_world: OAuthWorld) -> None:
    world = racing_world
    authorization = authorize_device(world.cars)
    decide(world.browser(), authorization["user_code"])
    responses = race(lambda _: poll(point_of_sale(world), authorization["device_code"]))
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {error(response) for response in responses if response.status_code == 400} == {"invalid_grant"}
    with reading(world.database) as unit:
        assert len(unit.connection.execute(select(ACCESS_TOKENS)).all()) == 1


def test_69_one_of_eight_polls_before_decision_is_in_time(racing_world: OAuthWorld) -> None:
    world = racing_world
    authorization = authorize_device(world.cars)
    responses = race(lambda _: error(poll(point_of_sale(world), authorization["device_code"])))
    assert sorted(responses) == ["authorization_pending"] + ["slow_down"] * 7
    with reading(world.database) as unit:
        assert unit.connection.execute(select(DEVICE_CODES)).one().interval_seconds == 10


def test_70_d1_first_of_eight_answers_stands(racing_world: OAuthWorld) -> None:
    world = racing_world
    authorization = authorize_device(world.cars)
    browser = world.browser()
    form = form_to(open_confirmation(browser, authorization["user_code"]).text, "/device")
    cookies = dict(browser.http.cookies)

    def decide(number: int) -> httpx2.Response:
        own = world.http()
        own.cookies.update(cookies)
        return own.post("/device", data={**form.fields, "decision": "allow" if number % 2 else "deny"})

    responses = race(decide)
    assert [response.status_code for response in responses] == [303] * 8
    (location,) = {response.headers["location"] for response in responses}
    allowed = location.endswith("=allow")
    with reading(world.database) as unit:
        assert len(unit.connection.execute(select(CONSENTS)).all()) == allowed
        assert len(unit.connection.execute(select(OUTBOX)).all()) == allowed
    last = poll(world.cars, authorization["device_code"])
    assert last.status_code == 200 if allowed else error(last) == "access_denied"


def test_69_poll_during_decision_gets_token_or_pending(racing_world: OAuthWorld) -> None:
    world = racing_world
    authorization = authorize_device(world.cars)
    browser = world.browser()
    page = open_confirmation(browser, authorization["user_code"])
    start = Barrier(2)

    def poll_once() -> httpx2.Response:
        start.wait()
        return poll(point_of_sale(world), authorization["device_code"])

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(poll_once)
        start.wait()
        assert browser.submit(page, "/device", decision="allow").status_code == 303
        first = polled.result()
    assert first.status_code == 200 or error(first) == "authorization_pending"
    last = poll(world.cars, authorization["device_code"])
    assert last.status_code == 200 if first.status_code != 200 else error(last) == "invalid_grant"
