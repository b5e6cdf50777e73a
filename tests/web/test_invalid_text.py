"""Texts that a database rejects, in every address and form field: the response is a page, never a 5xx."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld

pytestmark = pytest.mark.postgresql

TEXTS = ["%00", "a%00b", "%ED%A0%80", "%FF"]
"""A NUL, half of a surrogate pair, and bytes that are not UTF-8, in percent encoding."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FIELDS = ("statement", "user_code", "decision", "client_id", "request_uri", "amount_0", "duration", "x")


@pytest.fixture
def each_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    """The pages on both databases in turn."""
    with closing(OAuthWorld(database_url, settings, clock)) as made:
        yield made


@pytest.fixture
def browser(each_world: OAuthWorld) -> Browser:
    """A browser in which Mei is signed in."""
    made = each_world.browser()
    assert made.sign_in("mei", PASSWORD).status_code == 303
    return made


def token(browser: Browser) -> str:
    (found,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', browser.http.get("/account").text))
    return str(found)


@pytest.mark.parametrize("text", TEXTS)
def test_invalid_text_in_id_is_rejected(browser: Browser, text: str) -> None:
    form = f"csrf_token={token(browser)}&statement=It+came+back."
    paths = ("consents/{}/revoke", "decisions/{}/contest", "disputes/{}/withdraw")
    for path in paths:
        response = browser.http.post(f"/account/{path.format(text)}", content=form, headers=FORM)
        assert response.status_code == 404, path


@pytest.mark.parametrize("text", TEXTS)
def test_invalid_text_in_form_is_rejected(browser: Browser, text: str) -> None:
    proof = f"csrf_token={token(browser)}"
    for path in ("/account/decisions/dec_test_1/contest", "/device", "/oauth/authorize", "/login"):
        for field in FIELDS:
            form = f"{proof}&{field}={text}" + ("" if field == "decision" else "&decision=allow")
            response = browser.http.post(path, content=form, headers=FORM)
            assert response.status_code == 400, (path, field)


@pytest.mark.parametrize("text", TEXTS)
def test_invalid_text_in_query_or_cookie_is_rejected(browser: Browser, each_world: OAuthWorld, text: str) -> None:
    for path in ("/oauth/authorize", "/device", "/login", "/account"):
        for name in ("client_id", "request_uri", "user_code", "return_to", "ended", "lang"):
            response = browser.http.get(f"{path}?client_id={text}&request_uri={text}&{name}={text}")
            assert response.status_code in {200, 303, 400}, (path, name)
    strange = {"Cookie": f'sesame_session={text}; sesame_device="\\000{text}"'}
    assert each_world.http().get("/account", headers=strange).status_code == 303
