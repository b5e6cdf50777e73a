"""The device page (RFC 8628 section 3.3): its content, who can open it, and that opening it decides nothing."""

from typing import Any

import pytest

from tests.support.oauth import form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import SALE, TIER, authorize_device, is_undecided, open_confirmation


def test_70_visitor_signs_in_first(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    address = f"/device?user_code={device['user_code']}"
    response = browser.get(address)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/login?return_to=%2Fdevice")
    page = browser.open(address, "mei", PASSWORD)
    assert form_to(page.text, "/device").fields["user_code"] == device["user_code"]


def test_70_complete_address_fills_in_code(world: OAuthWorld, device: dict[str, Any]) -> None:
    page = world.browser().open(device["verification_uri_complete"], "mei", PASSWORD)
    form = form_to(page.text, "/device")
    assert form.fields["user_code"] == device["user_code"]
    assert form.buttons == []
    assert "Green Cars" not in page.text
    assert is_undecided(world)


@pytest.mark.parametrize("query", ["", "?user_code=", "?user_code=%00", "?user_code=<b>", "?user_code=A&user_code=B"])
def test_70_junk_code_in_address_is_ignored(world: OAuthWorld, query: str) -> None:
    page = world.browser().open(f"/device{query}", "mei", PASSWORD)
    assert page.status_code == 200
    assert form_to(page.text, "/device").fields["user_code"] == ""


def test_70_page_shows_merchant_store_amount_and_duration(world: OAuthWorld) -> None:
    device = authorize_device(world.bank, {**SALE, "purpose": "STORE_PURCHASE"}, TIER)
    page = open_confirmation(world.browser(), device["user_code"])
    assert page.status_code == 200
    for expected in (
        "Green Cars</bdi> asks for your permission",
        "Backend",
        device["user_code"],
        "Store 17",
        "T-3",
        "CN¥268",
        "buy now and pay later",
        "See your credit tier, not the number",
        "The terms of a decision can reveal your tier to the merchant.",
        "For 15 minutes from the moment you allow it.",
        "Look at the checkout before you allow this.",
        "You should be in this store now",
        "one decision",
        "Mei Lin",
    ):
        assert expected in page.text, expected
    assert is_undecided(world)


def test_70_page_has_security_headers(world: OAuthWorld, device: dict[str, Any]) -> None:
    page = open_confirmation(world.browser(), device["user_code"])
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    for never in ("<script", 'style="', 'src="http'):
        assert never not in page.text


def test_70_store_and_terminal_are_escaped(world: OAuthWorld) -> None:
    device = authorize_device(world.bank, {**SALE, "store_id": "<script>alert(1)</script>", "terminal_id": "%(n)s"})
    text = open_confirmation(world.browser(), device["user_code"]).text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "%(n)s" in text


def test_pages_are_translated(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    page = browser.open("/device", "mei", PASSWORD)
    assert "收银台确认码" in browser.get("/device?lang=zh").text
    page = open_confirmation(browser, device["user_code"])
    assert "允许前，请先核对收银台" in page.text
    assert device["user_code"] not in page.text.split("</header>")[0]
    assert "Look at the checkout" in browser.submit(page, "/device", lang="en").text
    browser.get("/device?lang=zh")
    assert "已允许" in browser.get("/device/done?decision=allow").text
    assert "已拒绝" in browser.get("/device/done").text
