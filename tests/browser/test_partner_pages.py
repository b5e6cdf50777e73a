"""The pages for partners in a real browser: without JavaScript, by the keyboard, on a desktop and a phone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.operators import Gateway
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser
PAGES = ("/partners/merchants", "/partners/personas", "/partners/webhooks", "/partners/clock", "/partners/requests")


@pytest.mark.parametrize(("width", "height", "locale"), [(1280, 900, "en-US"), (390, 844, "zh-CN")])
def test_partner_opens_the_link_and_works_at_the_desk(
    chromium: Any, sqlite_sandbox: Sandbox, tmp_path: Path, width: int, height: int, locale: str
) -> None:
    issuer = str(sqlite_sandbox.credentials["issuer"])
    gateway = Gateway(sqlite_sandbox.database_url, sqlite_sandbox.folder, GATEWAY_ISSUER=issuer)
    partner = json.loads(gateway.output("sandbox", "partner", "new", "--json"))
    watch = Watch(chromium, issuer, width, height, locale)
    page = watch.page

    page.goto(partner["sign_in_link"])
    assert page.url == f"{issuer}/"
    assert partner["partner"] in page.inner_text("main")
    page.click("main a[href='/partners']")
    for address in PAGES:
        page.click(f"nav a[href='{address}']")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        page.screenshot(path=tmp_path / f"{address.rpartition('/')[2]}-{width}.png", full_page=True)
        assert watch.fits()

    page.goto(f"{issuer}/partners/clock")
    before = page.inner_text("dl.sale")
    page.focus("button[value=P7D]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#caused")
    assert page.inner_text("dl.sale") != before

    page.goto(f"{issuer}/partners/merchants")
    page.locator("form[action$='/token'] button").first.click()
    assert "sgw_test_at_" in page.inner_text("pre")
    page.locator("form[action='/partners/sign-out'] button").click()
    page.goto(f"{issuer}/partners")
    assert page.url == f"{issuer}/partners/sign-in"

    assert watch.foreign_requests == []
    assert [text for text in watch.console_messages if "Content Security Policy" in text or "Refused" in text] == []
