"""The limits on failed logins: whom they lock out, whom they do not, and the page."""

from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.valkey import unreachable_url


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    few = settings.model_copy(update={"login_attempts": 3, "login_attempts_per_address": 8})
    with closing(OAuthWorld(sqlite_url, few, clock)) as made:
        yield made


def browser_at(world: OAuthWorld, address: str) -> Browser:
    """A browser at this address."""
    client = TestClient(
        world.app, base_url=world.container.settings.issuer, follow_redirects=False, client=(address, 50000)
    )
    return Browser(client)


def guess(browser: Browser, username: str = "mei", times: int = 3) -> list[int]:
    return [browser.sign_in(username, f"wrong {number}").status_code for number in range(times)]


def text_of(response: httpx2.Response) -> str:
    return response.text.replace(response.headers["x-request-id"], "")


def test_right_password_is_rejected_over_limit(world: OAuthWorld, clock: MovableClock) -> None:
    assert guess(browser_at(world, "192.0.2.1")) == [400, 400, 400]
    browser = browser_at(world, "192.0.2.2")
    response = browser.sign_in("mei", PASSWORD)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "900"
    assert response.headers["cache-control"] == "no-store"
    assert "wait a while" in response.text
    assert "signed in before" in response.text
    assert PASSWORD not in response.text
    assert browser.get("/account").status_code == 303
    clock.advance(minutes=14, seconds=59)
    assert browser.sign_in("mei", PASSWORD).status_code == 429
    clock.advance(seconds=1)
    assert browser.sign_in("mei", PASSWORD).status_code == 303


def test_a6_login_that_cannot_wait_gets_429(world: OAuthWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.site.password_threads.MOST_WAITING", 0)
    browser = browser_at(world, "192.0.2.1")
    response = browser.sign_in("mei", PASSWORD)
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")
    assert "Many people are signing in" in response.text
    monkeypatch.undo()
    assert browser.sign_in("mei", PASSWORD).status_code == 303


def test_unknown_account_gets_same_response(world: OAuthWorld) -> None:
    responses = []
    for username, address in (("mei", "192.0.2.1"), ("nobody", "192.0.2.2")):
        browser = browser_at(world, address)
        tries = [browser.sign_in(username, f"wrong {number}") for number in range(4)]
        responses.append([(each.status_code, text_of(each).replace(username, "NAME")) for each in tries])
        assert [each.status_code for each in tries] == [400, 400, 400, 429]
    tokens = [[status for status, _ in each] for each in responses]
    assert tokens[0] == tokens[1]
    assert responses[0][3] == responses[1][3]


def test_foreign_failures_do_not_lock_known_browser(world: OAuthWorld) -> None:
    own = browser_at(world, "192.0.2.1")
    assert own.sign_in("mei", PASSWORD).status_code == 303
    guess(browser_at(world, "192.0.2.9"), times=4)
    assert browser_at(world, "192.0.2.2").sign_in("mei", PASSWORD).status_code == 429
    assert own.sign_in("mei", PASSWORD).status_code == 303
    assert own.submit(own.get("/account"), "/logout").status_code == 303
    assert own.sign_in("mei", PASSWORD).status_code == 303


def test_failures_at_same_address_do_not_lock_known_browser(world: OAuthWorld) -> None:
    own = browser_at(world, "192.0.2.1")
    own.sign_in("mei", PASSWORD)
    for username in ("mei", "a", "b", "c"):
        guess(browser_at(world, "192.0.2.1"), username)
    assert browser_at(world, "192.0.2.1").sign_in("bo", PASSWORD).status_code == 429
    assert own.sign_in("mei", PASSWORD).status_code == 303


def test_known_browser_has_its_own_limit(world: OAuthWorld) -> None:
    own, other = browser_at(world, "192.0.2.1"), browser_at(world, "192.0.2.2")
    for browser in (own, other):
        assert browser.sign_in("mei", PASSWORD).status_code == 303
    assert guess(own, times=4) == [400, 400, 400, 429]
    assert own.sign_in("mei", PASSWORD).status_code == 429
    assert other.sign_in("mei", PASSWORD).status_code == 303
    assert browser_at(world, "192.0.2.3").sign_in("mei", PASSWORD).status_code == 303


def test_browser_is_known_per_account(world: OAuthWorld) -> None:
    browser = browser_at(world, "192.0.2.1")
    browser.sign_in("bo", PASSWORD)
    assert guess(browser, "mei", 4) == [400, 400, 400, 429]
    assert browser_at(world, "192.0.2.2").sign_in("mei", PASSWORD).status_code == 429


@pytest.mark.parametrize("mark", ["x.y", "", "x" * 5000, "é", '"'])
def test_forged_browser_cookie_is_ignored(world: OAuthWorld, mark: str) -> None:
    guess(browser_at(world, "192.0.2.1"))
    browser = browser_at(world, "192.0.2.2")
    page = browser.get("/login")
    browser.http.cookies.clear()
    cookie = f"{page.headers['set-cookie'].partition(';')[0]}; sesame_device={mark}".encode("latin-1", "replace")
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"username": "mei", "password": PASSWORD, "csrf_token": token}
    assert browser.http.post("/login", data=form, headers={b"Cookie": cookie}).status_code == 429


def test_address_has_limit_over_all_accounts(world: OAuthWorld) -> None:
    browser = browser_at(world, "192.0.2.1")
    assert [browser.sign_in(f"user {number}", "wrong").status_code for number in range(9)] == [400] * 8 + [429]
    assert browser.sign_in("mei", PASSWORD).status_code == 429
    assert browser_at(world, "192.0.2.2").sign_in("mei", PASSWORD).status_code == 303


def test_forwarded_headers_are_ignored(world: OAuthWorld) -> None:
    browser = browser_at(world, "192.0.2.1")
    for number in range(8):
        browser.http.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        assert browser.sign_in(f"user {number}", "wrong").status_code == 400
    browser.http.headers["X-Forwarded-For"] = "198.51.100.99"
    assert browser.sign_in("mei", PASSWORD).status_code == 429


def test_successful_logins_do_not_count(world: OAuthWorld) -> None:
    assert {browser_at(world, "192.0.2.1").sign_in("mei", PASSWORD).status_code for _ in range(12)} == {303}


def test_page_is_translated(world: OAuthWorld) -> None:
    browser = browser_at(world, "192.0.2.1")
    guess(browser)
    browser.http.headers["Accept-Language"] = "zh"
    assert "登录失败次数过多" in browser.sign_in("mei", PASSWORD).text


def test_login_fails_without_shared_store(sqlite_url: str, settings: Settings, clock: MovableClock) -> None:
    alone = settings.model_copy(update={"valkey_url": SecretStr(unreachable_url())})
    with closing(OAuthWorld(sqlite_url, alone, clock)) as made:
        response = made.browser().sign_in("mei", PASSWORD)
    assert response.status_code == 503
    assert "text/html" in response.headers["content-type"]
    assert int(response.headers["retry-after"]) > 0
    assert "hidden-word" not in response.text
