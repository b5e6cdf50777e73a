"""The inbox of a person: the list of notices, and the forms that mark them as read."""

import re
from html import unescape
from typing import Any

import pytest

from gateway.domain.merchants import Product
from gateway.domain.notices.notice import NoticeKind
from gateway.services.notices.inbox import LISTED, MOST_COUNTED
from gateway.web.site.notices import TITLES
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

INBOX, READ = "/account/inbox", "/account/inbox/read"


@pytest.fixture
def browser(world: OAuthWorld) -> Browser:
    """Mei's browser, in which she has signed in before."""
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    world.execute("DELETE FROM notices")
    return browser


def user_id(world: OAuthWorld) -> str:
    return str(world.rows("SELECT id FROM users WHERE username = 'mei'")[0][0])


def add(world: OAuthWorld, kind: NoticeKind, times: int = 1, **more: Any) -> None:
    with writing(world.database) as unit:
        for _ in range(times):
            unit.notices.add(user_id(world), kind, **more)


def about_decision(world: OAuthWorld) -> dict[str, Any]:
    merchant = world.rows("SELECT id FROM merchants WHERE name = 'Green Cars'")[0][0]
    return {"merchant_id": merchant, "subject_id": "dec_1", "product": Product.DEPOSIT_WAIVER}


def items(browser: Browser, address: str = INBOX) -> list[str]:
    """The texts of the notices on a page, without markup."""
    found = re.findall(r"<li>\n<p>(.*?)</li>", browser.get(address).text, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", item)).split()) for item in found]


def test_consent_is_a_new_notice_that_links_to_it(world: OAuthWorld, browser: Browser) -> None:
    grant = world.cars.tokens(browser, "mei", PASSWORD)["grant_id"]
    (text,) = items(browser)
    assert text.startswith("New You gave a consent You gave a consent to Green Cars. You can end it at any time.")
    anchor = f"name-{grant}"
    assert f'href="/account#{anchor}"' in browser.get(INBOX).text
    assert f'id="{anchor}"' in browser.get("/account").text


def test_breach_names_merchant_and_product_and_links_to_the_agreement(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.BREACH_REPORTED, **about_decision(world))
    (text,) = items(browser)
    assert "Green Cars reported that you broke an agreement: no deposit or a smaller one." in text
    assert 'href="/account/decisions/dec_1"' in browser.get(INBOX).text


def test_decided_dispute_about_a_record_links_to_the_record(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.DISPUTE_RESOLVED, subject_id="rec_1")
    assert "Your dispute about a record was decided." in items(browser)[0]
    assert 'href="/account/records/rec_1"' in browser.get(INBOX).text


def test_sign_in_from_another_browser_is_shown(world: OAuthWorld) -> None:
    other = world.browser()
    other.sign_in("mei", PASSWORD)
    assert "from a browser in which you have not signed in before" in items(other)[0]


def test_notices_are_in_the_language_of_the_person(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.BREACH_REPORTED, **about_decision(world))
    page = browser.get(f"{INBOX}?lang=zh").text
    assert "我的消息" in page
    assert "上报您违约" in page


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_a_text_in_both_languages(world: OAuthWorld, browser: Browser, kind: NoticeKind) -> None:
    add(world, kind, **about_decision(world))
    assert TITLES[kind] in unescape(browser.get(f"{INBOX}?lang=en").text)
    assert TITLES[kind] not in unescape(browser.get(f"{INBOX}?lang=zh").text)


def test_account_shows_how_many_are_unread(world: OAuthWorld, browser: Browser) -> None:
    assert "unread" not in browser.get("/account").text
    add(world, NoticeKind.SIGN_IN, 2)
    assert "2 unread" in browser.get("/account").text
    add(world, NoticeKind.SIGN_IN, MOST_COUNTED)
    assert f"{MOST_COUNTED - 1}+ unread" in browser.get("/account").text


def test_one_notice_is_marked_as_read(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.SIGN_IN, 2)
    newest = str(world.rows("SELECT max(id) FROM notices")[0][0])
    assert browser.submit(browser.get(INBOX), READ, id=newest).headers["location"] == INBOX
    assert [item.startswith("New ") for item in items(browser)] == [False, True]


def test_all_are_marked_as_read(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.SIGN_IN, LISTED + 1)
    browser.submit(browser.get(INBOX), READ, id="")
    assert "unread" not in browser.get("/account").text
    assert "Mark" not in browser.get(INBOX).text


def test_opening_the_inbox_marks_nothing_as_read(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.SIGN_IN)
    assert items(browser)[0].startswith("New ")
    assert items(browser)[0].startswith("New ")


def test_list_has_pages(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.SIGN_IN, LISTED + 3)
    assert len(items(browser)) == LISTED
    (older,) = re.findall(r'href="(/account/inbox\?after=[^"]+)" rel="next"', browser.get(INBOX).text)
    assert len(items(browser, older)) == 3
    assert 'rel="next"' not in browser.get(older).text
    response = browser.submit(browser.get(older), READ, id=str(world.rows("SELECT min(id) FROM notices")[0][0]))
    assert response.headers["location"] == older


def test_names_of_merchants_are_escaped(world: OAuthWorld, browser: Browser) -> None:
    about = about_decision(world)
    world.execute("UPDATE merchants SET name = '<b>Cars</b> %(date)s & Co'")
    add(world, NoticeKind.BREACH_REPORTED, **about)
    assert "&lt;b&gt;Cars&lt;/b&gt; %(date)s &amp; Co reported" in browser.get(INBOX).text


def test_visitor_is_led_to_the_login_page_and_back(world: OAuthWorld) -> None:
    assert "return_to=%2Faccount%2Finbox" in world.browser().get(INBOX).headers["location"]


def test_form_of_another_site_marks_nothing(world: OAuthWorld, browser: Browser) -> None:
    add(world, NoticeKind.SIGN_IN)
    assert browser.http.post(READ, data={"csrf_token": "x"}).status_code == 403
    assert items(browser)[0].startswith("New ")
