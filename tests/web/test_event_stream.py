"""The stream of events over ASGI: what it refuses, and what it does with a slow and with a lost reader."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.kit.outage import outage_log
from gateway.services.webhooks.fan_out import FanOut
from gateway.services.webhooks.feed import EventFeed
from gateway.services.webhooks.rendering import EventRenderer
from gateway.settings import Settings
from gateway.web.application import build_application
from gateway.web.event_stream import endpoint
from gateway.web.event_stream.endpoint import BATCH, PATH, SCOPE
from gateway.web.site.site import build_site
from tests.support.clock import MovableClock
from tests.support.event_streams import write_events
from tests.support.factories import ids
from tests.support.live_world import LiveWorld
from tests.support.oauth import PartnerApp
from tests.support.oauth_world import MERCHANT_SCOPES, USER_SCOPES, OAuthWorld
from tests.support.postgresql import Cluster

MEANWHILE = 0.6
"""Seconds in which a stream would look at the database twice."""


@pytest.fixture
def application(world: OAuthWorld) -> Starlette:
    """The application with the stream. The clients of `cars` have its scope, those of `shop` do not."""
    application = build_application(build_site(world.container), endpoint.routes(world.container))
    for app in (world.cars, world.bank):
        world.change_client(app, scopes=[*USER_SCOPES, *MERCHANT_SCOPES, SCOPE])
    return application


@pytest.fixture
def call(application: Starlette, world: OAuthWorld) -> Callable[..., httpx2.Response]:
    """Sends a request that is refused, with a new merchant token of an app."""
    http = TestClient(application, base_url=world.container.settings.issuer)

    def call(app: PartnerApp, method: str = "GET", **options: Any) -> httpx2.Response:
        token = app.merchant_token().json()["access_token"]
        app.http, usual = http, app.http
        try:
            return app.call(token, PATH, method, **options)
        finally:
            app.http = usual

    return call


def error_of(response: httpx2.Response) -> tuple[int, str, str]:
    (error,) = response.json()["errors"]
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, error["extensions"]["code"], error["message"]


POSITION = "Last-Event-ID and after must be the id of an event of this stream, a number."
PARAMETERS = "The parameters are after, since and topic. Send the token in the Authorization header."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        *((f"after={text}", POSITION) for text in ("x", "", "-1", "1.0", "%D9%A1", "9223372036854775808", "9" * 30)),
        ("after=1&after=2", "after may be there once."),
        ("since=2026-11-30", 'since: a time must be RFC 3339, such as "2026-11-02T09:00:00Z"'),
        ("since=2020-01-01T00:00:00Z", "since must be a moment within the last 30 days."),
        ("since=9999-01-01T00:00:00Z", "since must be a moment within the last 30 days."),
        ("topic=decision.won", "A topic is not known. docs/reference/webhooks.md lists the topics."),
        ("topic=DECISION_APPROVED", "A topic is not known. docs/reference/webhooks.md lists the topics."),
        ("access_token=secret", PARAMETERS),
        ("%00=%00", PARAMETERS),
    ],
)
def test_invalid_parameter_is_a_bad_request(
    call: Callable[..., httpx2.Response], world: OAuthWorld, query: str, message: str
) -> None:
    response = call(world.cars, params=httpx2.QueryParams(query))
    assert error_of(response) == (400, "BAD_REQUEST", message)


def test_invalid_last_event_id_is_a_bad_request(call: Callable[..., httpx2.Response], world: OAuthWorld) -> None:
    response = call(world.cars, headers={"Last-Event-ID": "evt_1"})
    assert error_of(response) == (400, "BAD_REQUEST", POSITION)


def test_bound_token_is_accepted_with_its_proof(call: Callable[..., httpx2.Response], world: OAuthWorld) -> None:
    assert error_of(call(world.bank, params={"after": "x"})) == (400, "BAD_REQUEST", POSITION)


@pytest.mark.parametrize("profile", ["baseline", "fapi2"])
def test_token_needs_the_scope(call: Callable[..., httpx2.Response], world: OAuthWorld, profile: str) -> None:
    response = call(world.foreign_app(profile))
    assert error_of(response) == (403, "FORBIDDEN", f"The token needs the scope {SCOPE}, of a merchant token.")
    scheme = "Bearer" if profile == "baseline" else "DPoP"
    assert response.headers["www-authenticate"] == f'{scheme} error="insufficient_scope", scope="{SCOPE}"'


def test_token_of_a_person_has_no_stream(application: Starlette, world: OAuthWorld) -> None:
    token = world.tokens()["access_token"]
    http = TestClient(application, base_url=world.container.settings.issuer)
    assert http.get(PATH, headers={"Authorization": f"Bearer {token}"}).status_code == 403


def test_request_without_a_valid_token_is_refused(application: Starlette, world: OAuthWorld) -> None:
    http = TestClient(application, base_url=world.container.settings.issuer)
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        assert http.get(PATH, headers=headers).status_code == 401


def test_other_methods_are_refused(call: Callable[..., httpx2.Response], world: OAuthWorld) -> None:
    for method in ("POST", "DELETE", "OPTIONS"):
        response = call(world.cars, method)
        assert error_of(response) == (405, "BAD_REQUEST", "The method is GET.")
        assert response.headers["allow"] == "GET"


class Reader:
    """An ASGI client that reads until `reads` messages have come, and then no more."""

    def __init__(self, application: Starlette, token: str, reads: float) -> None:
        self._application, self._reads = application, reads
        self.received: list[Any] = []
        self.gone = anyio.Event()
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"after=0",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }

    @property
    def events(self) -> int:
        return sum(message.get("body", b"").startswith(b"id: ") for message in self.received)

    async def run(self) -> None:
        await self._application(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if len(self.received) >= self._reads:
            await anyio.sleep_forever()
        self.received.append(message)


def placed_events(world: OAuthWorld, number: int) -> None:
    """Writes events of `cars` and gives them their positions."""
    write_events(str(world.container.settings.database_url), world.cars_id, number)
    container = world.container
    assert FanOut(world.database, ids, EventRenderer(container.registry, container.environment)).run_once() == number


def run(reader: Callable[[], Reader], watch: Callable[[Reader], Awaitable[None]]) -> Reader:
    """Runs a stream until its reader is gone, which it is when `watch` returns."""

    async def main() -> Reader:
        opened = reader()
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(opened.run)
                await watch(opened)
                opened.gone.set()
        return opened

    return anyio.run(main)


def test_slow_reader_holds_the_stream_up(
    application: Starlette, world: OAuthWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed_events(world, 3 * BATCH)
    token, taken = world.cars.merchant_token().json()["access_token"], []
    read = EventFeed.list_after

    def count(*arguments: Any, **options: Any) -> Any:
        events = read(*arguments, **options)
        taken.append(len(events))
        return events

    monkeypatch.setattr(EventFeed, "list_after", count)

    async def wait(reader: Reader) -> None:
        while len(reader.received) < 10:
            await anyio.sleep(0.01)
        await anyio.sleep(MEANWHILE)

    assert run(lambda: Reader(application, token, 10), wait).events == 8
    assert taken == [BATCH]


def test_lost_reader_ends_the_stream(
    application: Starlette, world: OAuthWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MOST_IN_ALL", 1)
    placed_events(world, BATCH + 1)
    token = world.cars.merchant_token().json()["access_token"]

    async def wait(reader: Reader) -> None:
        while reader.events < BATCH + 1:
            await anyio.sleep(0.01)

    for _ in range(2):  # the second one has the place of the first
        run(lambda: Reader(application, token, float("inf")), wait)


def test_quiet_stream_has_comments(application: Starlette, world: OAuthWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "KEEP_ALIVE_INTERVAL", 0.0)
    token = world.cars.merchant_token().json()["access_token"]

    async def wait(reader: Reader) -> None:
        while len(reader.received) < 4:
            await anyio.sleep(0.01)

    assert run(lambda: Reader(application, token, float("inf")), wait).received[3]["body"] == b": keep-alive\n\n"


def test_moment_at_which_the_token_expires_ends_the_stream(
    application: Starlette, world: OAuthWorld, clock: MovableClock
) -> None:
    token = world.cars.merchant_token().json()["access_token"]

    async def expire(reader: Reader) -> None:
        while not reader.received:
            await anyio.sleep(0.01)
        clock.advance(world.container.settings.baseline_token_life)
        while reader.received[-1] != {"type": "http.response.body", "body": b"", "more_body": False}:
            await anyio.sleep(0.01)

    run(lambda: Reader(application, token, float("inf")), expire)


def test_live_deployment_has_no_stream(postgresql_url: str, clock: MovableClock) -> None:
    with closing(LiveWorld(postgresql_url, clock)) as live:
        paths = {getattr(route, "path", "") for route in create_app(live.container).routes}
    assert "/graphql" in paths
    assert PATH not in paths


def test_streams_of_a_process_are_limited(
    call: Callable[..., httpx2.Response], world: OAuthWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MOST_IN_ALL", 0)
    response = call(world.cars)
    assert error_of(response) == (429, "THROTTLED", "The server has 0 open streams, and takes no more.")
    assert response.headers["retry-after"] == "10"


def test_outage_ends_the_stream(own_postgresql: Cluster, settings: Settings, clock: MovableClock) -> None:
    with closing(OAuthWorld(own_postgresql.url("gateway"), settings, clock)) as world:
        application = build_application(build_site(world.container), endpoint.routes(world.container))
        world.change_client(world.cars, scopes=[*MERCHANT_SCOPES, SCOPE])
        token = world.cars.merchant_token().json()["access_token"]

        async def stop(reader: Reader) -> None:
            while len(reader.received) < 2:
                await anyio.sleep(0.01)
            own_postgresql.kill()
            while reader.received[-1].get("more_body", True):
                await anyio.sleep(0.01)

        outage_log.forget()
        with capture_logs() as logs:
            run(lambda: Reader(application, token, float("inf")), stop)
    assert ("unavailable", "database", PATH) in [
        (entry["event"], entry.get("service"), entry.get("path")) for entry in logs
    ]
