"""The invitation page in a real browser, which reports no origin for a page without referrers."""

from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.operators import Gateway
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_invited_person_sets_a_password_on_a_phone(chromium: Any, sqlite_sandbox: Sandbox, locale: str) -> None:
    issuer = sqlite_sandbox.credentials["issuer"]
    operator = Gateway(sqlite_sandbox.database_url, sqlite_sandbox.folder, GATEWAY_ISSUER=issuer)
    link = operator.output("users", "invite", f"{locale}@shop.example", "--name", "Mei Lin")
    watch, sent = Watch(chromium, issuer, 390, 844, locale), list[dict[str, str]]()
    page = watch.page
    page.on("request", lambda request: sent.append(request.all_headers()))

    page.goto(link)
    assert page.locator("html").get_attribute("lang").startswith(locale[:2])
    assert page.input_value("input[name=username]") == f"{locale}@shop.example".lower()
    assert watch.fits()
    page.fill("input[name=password]", "open sesame, please")
    page.click("main form button[type=submit]")
    page.wait_for_url(f"{issuer}/account")
    assert "Mei Lin" in page.inner_text("main")
    assert not [headers for headers in sent if "token=" in headers.get("referer", "")]
    assert [headers["origin"] for headers in sent if "origin" in headers] == ["null"]
    assert watch.foreign_requests == []

    assert page.goto(link).status == 410
    assert watch.fits()
