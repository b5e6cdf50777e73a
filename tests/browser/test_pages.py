"""Pages in a real browser: they work without JavaScript, load nothing from other origins, follow their own
Content-Security-Policy, and fit a desktop and a phone."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.merchant_client import MerchantClient
from tests.support.oauth import pkce, query_of
from tests.support.point_of_sale import SALE, authorize_device, poll

pytestmark = pytest.mark.browser
SIZES = [pytest.param(1280, 900, id="1280"), pytest.param(390, 844, id="390")]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_person_signs_in_consents_and_revokes(
    chromium: Any, partner: MerchantClient, tmp_path: Path, width: int, height: int, locale: str
) -> None:
    person = partner.persona("good")
    watch = Watch(chromium, partner.credentials["issuer"], width, height, locale)
    page, (verifier, challenge) = watch.page, pkce()
    pushed = partner.app.push(challenge)
    address = f"{watch.issuer}{partner.app.address(pushed.json()['request_uri'])}"

    page.goto(address)
    assert page.locator("html").get_attribute("lang").startswith(locale[:2])
    page.screenshot(path=tmp_path / f"login-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    page.fill("input[name=username]", person["username"])
    page.fill("input[name=password]", person["password"])
    page.click("main form button[type=submit]")

    page.screenshot(path=tmp_path / f"consent-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    assert "Demo Car Rental" in page.inner_text("h1")
    assert watch.foreign_requests == []
    with page.expect_request(lambda request: request.url.startswith(partner.app.redirect_uri)) as sent:
        page.click("button[name=decision][value=allow]", no_wait_after=True)
    back = query_of(sent.value.url)
    token = partner.app.redeem(back["code"], verifier).json()["access_token"]
    assert partner.graphql(token, "{ consentedUser { scoreTier { tier } } }").data["consentedUser"]

    page = watch.page = watch.tab()  # the first tab still waits for the address of the partner
    page.goto(f"{watch.issuer}/account")
    page.screenshot(path=tmp_path / f"account-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    page.locator("form[action$='/revoke'] button").first.click()
    page.screenshot(path=tmp_path / f"confirm-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    page.locator("form[action$='/revoke'] button").click()
    page.screenshot(path=tmp_path / f"revoked-{locale}-{width}.png", full_page=True)

    assert partner.graphql(token, "{ consentedUser { id } }").status == 401
    assert [url for url in watch.foreign_requests if not url.startswith(partner.app.redirect_uri)] == []
    assert [text for text in watch.console_messages if "Content Security Policy" in text or "Refused" in text] == []


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_person_asks_what_would_change_the_score(
    chromium: Any, partner: MerchantClient, tmp_path: Path, width: int, height: int, locale: str
) -> None:
    watch = Watch(chromium, partner.credentials["issuer"], width, height, locale)
    page = watch.page
    page.goto(f"{watch.issuer}/account/score")
    watch.sign_in(partner.persona("just-below"))
    assert page.url == f"{watch.issuer}/account/score"
    page.screenshot(path=tmp_path / f"score-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    assert "699" in page.inner_text("h2#score")
    curve = page.locator("svg[role=img]").bounding_box()
    assert curve["width"] > 200
    page.select_option("select[name=keep]", "2")
    page.check("input[name=miss]")
    page.click("form[method=get] button[type=submit]")
    assert page.url.endswith("/account/score?miss=yes&keep=2&wait=0#what-if")
    page.screenshot(path=tmp_path / f"what-if-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    assert page.locator("[role=status]").count() == 1
    assert page.input_value("select[name=keep]") == "2"
    assert watch.foreign_requests == []
    assert watch.console_messages == []


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_person_allows_at_checkout(
    chromium: Any, partner: MerchantClient, tmp_path: Path, width: int, height: int, locale: str
) -> None:
    person = partner.persona("good")
    watch = Watch(chromium, partner.credentials["issuer"], width, height, locale)
    sale = {**SALE, "products": ["DEPOSIT_WAIVER"]}
    page, device = watch.page, authorize_device(partner.app, sale, {"type": "score", "level": "tier", "optional": True})

    page.goto(device["verification_uri_complete"])
    page.fill("input[name=username]", person["username"])
    page.fill("input[name=password]", person["password"])
    page.click("main form button[type=submit]")
    page.screenshot(path=tmp_path / f"device-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    assert page.input_value("input[name=user_code]") == device["user_code"]
    page.click("main form button[type=submit]")
    page.screenshot(path=tmp_path / f"device-confirm-{locale}-{width}.png", full_page=True)
    assert watch.fits()
    assert device["user_code"] in page.inner_text("dl")
    assert device["user_code"] not in page.url
    assert not page.is_checked("input[name=include_1]")
    page.check("input[name=include_1]")
    page.click("button[name=decision][value=allow]")
    page.screenshot(path=tmp_path / f"device-done-{locale}-{width}.png", full_page=True)
    assert page.url.startswith(f"{watch.issuer}/device/done")

    scope = poll(partner.app, device["device_code"]).json()["scope"]
    assert scope == "score:tier decisions:request"
    assert watch.foreign_requests == []
    assert [text for text in watch.console_messages if "Content Security Policy" in text or "Refused" in text] == []


def test_deny_sends_the_person_back_without_a_code(chromium: Any, partner: MerchantClient) -> None:
    person = partner.persona("fair")
    watch = Watch(chromium, partner.credentials["issuer"], 1280, 900)
    request_uri = partner.app.push(pkce()[1]).json()["request_uri"]

    watch.page.goto(f"{watch.issuer}{partner.app.address(request_uri)}")
    watch.page.fill("input[name=username]", person["username"])
    watch.page.fill("input[name=password]", person["password"])
    watch.page.click("main form button[type=submit]")
    with watch.page.expect_request(lambda request: request.url.startswith(partner.app.redirect_uri)) as sent:
        watch.page.click("button[name=decision][value=deny]", no_wait_after=True)

    back = query_of(sent.value.url)
    assert back["error"] == "access_denied"
    assert "code" not in back


def test_wrong_password_error_does_not_name_field(chromium: Any, partner: MerchantClient, tmp_path: Path) -> None:
    watch = Watch(chromium, partner.credentials["issuer"], 390, 844)

    watch.page.goto(f"{watch.issuer}/login")
    watch.page.fill("input[name=username]", "excellent@demo")
    watch.page.fill("input[name=password]", "not the password")
    watch.page.click("main form button[type=submit]")
    watch.page.screenshot(path=tmp_path / "wrong-password.png", full_page=True)

    assert watch.page.locator("[role=alert]").count() == 1
    assert watch.page.locator("input[name=username]").input_value() == "excellent@demo"
    assert watch.page.locator("input[name=password]").input_value() == ""
