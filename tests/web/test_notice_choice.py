"""The page where a person chooses which notices are sent, and in which language."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from gateway.domain.notices.delivery import ALWAYS_SENT, Preferences
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.webhook_signatures import new_secret
from gateway.settings import Settings
from gateway.web.site.notices import TITLES
from tests.support.clock import MovableClock
from tests.support.deployments import changed
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld

PAGE = "/account/inbox/settings"
MAIL = {"smtp_url": SecretStr("smtp://127.0.0.1:9"), "smtp_from": "notices@gateway.example"}
HOOK = {"notice_hook": "https://hook.example", "notice_hook_secret": SecretStr(new_secret())}
Open = Callable[..., OAuthWorld]


@pytest.fixture
def open_world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[Open]:
    worlds = []

    def open_with(**values: Any) -> OAuthWorld:
        worlds.append(OAuthWorld(sqlite_url, changed(settings, **values), clock))
        return worlds[-1]

    yield open_with
    for world in worlds:
        with closing(world):
            pass


def mei(world: OAuthWorld, email: str | None = "mei@example.com") -> Browser:
    """Mei's browser."""
    if email is not None:
        world.execute(f"UPDATE users SET email = '{email}' WHERE username = 'mei'")
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def save(browser: Browser, language: str, *sent: NoticeKind) -> httpx2.Response:
    """Submits the form with these boxes checked."""
    token = form_to(browser.get(PAGE).text, PAGE).fields["csrf_token"]
    boxes = {f"send_{kind.value}": "yes" for kind in sent}
    return browser.http.post(PAGE, data={"csrf_token": token, "language": language, **boxes}, follow_redirects=False)


def preferences(world: OAuthWorld) -> Preferences:
    (user_id,) = world.rows("SELECT id FROM users WHERE username = 'mei'")[0]
    return world.database.read(lambda unit: unit.notice_preferences.load(user_id))


def checked(text: str) -> set[NoticeKind]:
    return {kind for kind in NoticeKind if f'name="send_{kind.value}" value="yes" checked>' in text}


def test_everything_is_sent_until_the_person_chooses(open_world: Open) -> None:
    world = open_world(**MAIL)
    text = mei(world).get(PAGE).text
    assert checked(text) == set(NoticeKind) - ALWAYS_SENT
    assert "mei@example.com" in text
    for kind in ALWAYS_SENT:
        assert f"<li>{TITLES[kind]}</li>" in text


def test_choice_is_kept_and_shown(open_world: Open) -> None:
    world = open_world(**MAIL)
    browser = mei(world)
    sent = {NoticeKind.DISPUTE_RESOLVED, NoticeKind.DUE_SOON}
    assert save(browser, "zh", *sent).headers["location"] == f"{PAGE}?saved=1"
    assert preferences(world) == Preferences("zh", frozenset(NoticeKind) - ALWAYS_SENT - sent)
    text = browser.get(f"{PAGE}?saved=1").text
    assert checked(text) == sent
    assert "Your choice is saved." in text
    assert '<option value="zh" lang="zh" selected>' in text
    save(browser, "en")
    assert preferences(world) == Preferences("en", frozenset(NoticeKind) - ALWAYS_SENT)


def test_form_cannot_switch_off_what_is_always_sent(open_world: Open) -> None:
    world = open_world(**MAIL)
    browser = mei(world)
    save(browser, "en")
    assert all(map(preferences(world).sends, ALWAYS_SENT))


@pytest.mark.parametrize("language", ["", "de", "zh\n"])
def test_unknown_language_changes_nothing(open_world: Open, language: str) -> None:
    world = open_world(**MAIL)
    browser = mei(world)
    assert save(browser, language).status_code in {400, 422}
    assert preferences(world) == Preferences()


def test_form_of_another_site_changes_nothing(open_world: Open) -> None:
    world = open_world(**MAIL)
    browser = mei(world)
    assert browser.http.post(PAGE, data={"csrf_token": "x", "language": "zh"}).status_code == 403
    assert preferences(world) == Preferences()


def test_person_without_an_address_is_told_so(open_world: Open) -> None:
    assert "has no email address of yours" in mei(open_world(**MAIL), email=None).get(PAGE).text


def test_hook_needs_no_address(open_world: Open) -> None:
    text = mei(open_world(**HOOK), email=None).get(PAGE).text
    assert "The operator of this service also sends you this." in text
    assert checked(text)


def test_nothing_can_be_chosen_if_nothing_is_sent(open_world: Open) -> None:
    text = mei(open_world()).get(PAGE).text
    assert "This service sends nothing." in text
    assert 'action="/account/inbox/settings"' not in text


def test_visitor_is_led_to_the_login_page_and_back(open_world: Open) -> None:
    location = open_world().browser().get(PAGE).headers["location"]
    assert "return_to=%2Faccount%2Finbox%2Fsettings" in location
