"""Codes on the device page (RFC 8628 sections 3.3 and 5.1): their forms, and the limits on wrong codes."""

from typing import Any

import pytest

from gateway.web.pages.device.page import WRONG_CODES, WRONG_CODES_FROM_ADDRESS
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import OAuthWorld
from tests.support.point_of_sale import authorize_device, decide, is_undecided, open_confirmation


def without_session(browser: Browser, page: Any) -> str:
    """The page without the values of this session."""
    token = form_to(page.text, "/device").fields["csrf_token"]
    return str(page.text.replace(token, "TOKEN"))


@pytest.mark.parametrize(
    "form", ["{lower}", "{first} {second}", " {first}-{second} ", "{first}{second}", "{wide}", "{dash}"]
)
def test_70_code_is_accepted_in_any_form(world: OAuthWorld, device: dict[str, Any], form: str) -> None:
    code = device["user_code"]
    first, second = code.split("-")
    wide = "".join(chr(ord(c) + 0xFEE0) for c in first + second)
    typed = form.format(lower=code.lower(), first=first, second=second, wide=wide, dash=f"{first}–{second}")
    page = open_confirmation(world.browser(), typed)
    assert page.status_code == 200
    assert form_to(page.text, "/device").fields["user_code"] == code


def test_70_unusable_codes_get_same_page(world: OAuthWorld, clock: MovableClock) -> None:
    browser, pages = world.browser(), []
    allowed, denied, expired = (authorize_device(world.bank)["user_code"] for _ in range(3))
    decide(browser, allowed)
    decide(browser, denied, "deny")
    clock.advance(minutes=10)
    for code in ("BCDF-GHJK", allowed, denied, expired):
        page = open_confirmation(browser, code)
        assert page.status_code == 400
        pages.append(without_session(browser, page).replace(code, "CODE"))
    assert len(set(pages)) == 1
    assert "wrong, has expired or was already used" in pages[0]


def test_70_code_of_disabled_client_is_rejected(world: OAuthWorld, device: dict[str, Any], clock: MovableClock) -> None:
    world.change_client(world.bank, disabled_at=clock())
    assert open_confirmation(world.browser(), device["user_code"]).status_code == 400


def test_70_code_of_client_without_grant_type_is_rejected(world: OAuthWorld, device: dict[str, Any]) -> None:
    world.change_client(world.bank, grant_types=["client_credentials"])
    assert open_confirmation(world.browser(), device["user_code"]).status_code == 400


@pytest.mark.parametrize("code", ["", "A", "é" * 8, "\x1f", "X" * 500, "AEIO-UAEI", "BCDF-GHJ", "BCDF-GHJKL", "ß" * 4])
def test_70_junk_code_is_rejected(world: OAuthWorld, code: str) -> None:
    assert open_confirmation(world.browser(), code).status_code == 400


def test_70_wrong_codes_are_limited_per_person(world: OAuthWorld, device: dict[str, Any], clock: MovableClock) -> None:
    browser = world.browser()
    for _ in range(WRONG_CODES.amount):
        assert open_confirmation(browser, "BCDF-GHJK").status_code == 400
    refused = open_confirmation(browser, device["user_code"])
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == WRONG_CODES.per.total_seconds()
    assert "Green Cars" not in refused.text
    assert open_confirmation(world.browser(), device["user_code"], "bo").status_code == 200
    clock.advance(minutes=1)
    assert open_confirmation(browser, authorize_device(world.bank)["user_code"]).status_code == 200


def test_70_wrong_code_with_decision_counts(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    for _ in range(WRONG_CODES.amount):
        assert browser.submit(page, "/device", user_code="BCDF-GHJK", decision="allow").status_code == 400
    assert browser.submit(page, "/device", decision="allow").status_code == 429
    assert is_undecided(world)


def test_70_wrong_codes_are_limited_per_address(world: OAuthWorld, device: dict[str, Any]) -> None:
    for _ in range(WRONG_CODES_FROM_ADDRESS.amount - 1):
        world.container.rate_limiter.hit(WRONG_CODES_FROM_ADDRESS, "testclient")
    assert open_confirmation(world.browser(), "BCDF-GHJK", "bo").status_code == 400
    assert open_confirmation(world.browser(), device["user_code"]).status_code == 429


def test_70_right_codes_do_not_count(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    for _ in range(WRONG_CODES.amount + 2):
        assert open_confirmation(browser, device["user_code"]).status_code == 200
    assert (
        browser.submit(open_confirmation(browser, device["user_code"]), "/device", decision="allow").status_code == 303
    )
