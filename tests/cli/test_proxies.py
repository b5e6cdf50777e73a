"""The address of a person behind reverse proxies: the last one in X-Forwarded-For that is not a trusted proxy's."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from starlette.testclient import TestClient

from gateway.cli.serve import server_for
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth import form_to
from tests.support.oauth_world import OAuthWorld

PROXY, SECOND_PROXY, PERSON = "10.0.0.1", "10.0.0.2", "203.0.113.7"
Headers = Callable[[int], list[tuple[str, str]]]


def lines(*values: str) -> Headers:
    """X-Forwarded-For lines, in which {n} is a number that a browser chooses anew for each request."""
    return lambda number: [("X-Forwarded-For", value.format(n=number)) for value in values]


@pytest.fixture
def behind(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[Callable[[str], TestClient]]:
    """Returns a client whose connection comes from an address. The server allows three failures per address."""
    changed = settings.model_copy(
        update={"trusted_proxies": ("10.0.0.0/8", "2001:db8:ffff::/48"), "login_attempts_per_address": 3}
    )
    with closing(OAuthWorld(sqlite_url, changed, clock)) as world:
        config = server_for(world.container).config
        config.load()

        def connect(peer: str) -> TestClient:
            issuer = world.container.settings.issuer
            return TestClient(config.loaded_app, base_url=issuer, client=(peer, 4711), follow_redirects=False)

        yield connect


def failures(client: TestClient, headers: Headers) -> list[int]:
    """The statuses of five failed logins to different accounts."""
    statuses = []
    for number in range(5):
        form = form_to(client.get("/login").text, "/login")
        fields = {**form.fields, "username": f"nobody-{number}", "password": "a guess"}
        statuses.append(client.post("/login", data=fields, headers=headers(number)).status_code)
    return statuses


LIMITED, NOT_LIMITED = [400, 400, 400, 429, 429], [400] * 5


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lines("198.51.100.{n}, " + PERSON), id="F10-appended"),
        pytest.param(lines(PERSON), id="F10-replaced"),
        pytest.param(lines("198.51.100.{n}", PERSON), id="F10-line-of-its-own"),
        pytest.param(lines("198.51.100.{n}, " + PERSON + ", " + SECOND_PROXY), id="F10-two-proxies"),
        pytest.param(lines("198.51.100.{n}, " + SECOND_PROXY + ", " + PERSON), id="F10-proxy-address-in-front"),
        pytest.param(lines("198.51.100.{n}, " + PERSON + ":5{n}000"), id="F10-with-port"),
        pytest.param(lines("198.51.100.{n}, [2001:db8::7]:5{n}000"), id="F10-ipv6-with-port"),
        pytest.param(lines("198.51.100.{n},,\t" + PERSON), id="F10-white-space"),
        pytest.param(lines("198.51.100.{n}, " + PERSON + ", 2001:db8:ffff::{n}"), id="F10-ipv6-proxy"),
        pytest.param(lambda number: [("Forwarded", f"for=198.51.100.{number}")], id="F10-other-header"),
        pytest.param(lambda number: [("X-Real-IP", f"198.51.100.{number}")], id="F10-x-real-ip"),
    ],
)
def test_address_that_a_browser_chooses_is_not_counted(behind: Callable[[str], TestClient], headers: Headers) -> None:
    assert failures(behind(PROXY), headers) == LIMITED


def test_f10_each_person_behind_the_proxy_has_a_limit(behind: Callable[[str], TestClient]) -> None:
    assert failures(behind(PROXY), lines("203.0.113.{n}")) == NOT_LIMITED


def test_f10_header_of_an_untrusted_connection_is_ignored(behind: Callable[[str], TestClient]) -> None:
    assert failures(behind(PERSON), lines("198.51.100.{n}")) == LIMITED
