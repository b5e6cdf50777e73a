"""What a person came for, and what they have entered, survives a login and a change of language."""

from collections.abc import Iterator
from contextlib import closing
from html import escape
from typing import Any

import httpx2
import pytest
from starlette.responses import Response

from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.settings import Settings
from gateway.web.site.kept_forms import KeptForms
from tests.support.clock import MovableClock
from tests.support.factories import make_decision
from tests.support.oauth import Browser, form_to, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import SALE, TIER, authorize_device, open_confirmation
from tests.support.units import writing

AUTHORIZE = "/oauth/authorize"
WAIVER = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
    "duration": "P60D",
}
OPTIONAL_TIER = {**TIER, "optional": True, "duration": "P60D"}
NARROWED = {"amount_0": "2000.00", "duration": "P7D", "include_1": "yes"}


@pytest.fixture
def strict_world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    """A deployment where consents above 1,000 yuan need a fresh login."""
    settings = settings.model_copy(update={"step_up_amount": "1000.00 CNY"})
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


def push(world: OAuthWorld) -> str:
    return str(world.cars.push(scope=None, authorization_details=[WAIVER, OPTIONAL_TIER]).json()["request_uri"])


def entered(page: httpx2.Response, action: str = AUTHORIZE) -> dict[str, str]:
    """The amounts and ticks of the form, and its chosen duration."""
    fields = form_to(page.text, action).fields
    duration = [
        part.split('"')[0] for part in page.text.split('<option value="')[1:] if " selected" in part.split(">")[0]
    ]
    chosen = {name: value for name, value in fields.items() if name.startswith(("amount_", "include_"))}
    return {**chosen, **({"duration": duration[0]} if duration else {})}


def sign_in_at(browser: Browser, response: httpx2.Response, username: str = "mei") -> httpx2.Response:
    """Signs in at the login page to which the response redirects, and opens the page to which the login leads."""
    assert response.status_code == 303
    assert response.headers["location"].startswith("/login?")
    return browser.get(browser.sign_in(username, PASSWORD, response.headers["location"]).headers["location"])


@pytest.mark.parametrize("more", ["&foo[bar]=1", "&x=%5B%7C%5D", "&state=a|b", "&é=1", "&a=" + "x" * 4000, "&&=&a"])
def test_d5_unknown_parameters_do_not_lose_the_request(world: OAuthWorld, more: str) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(push(world)) + more, "mei", PASSWORD)
    assert "asks for your permission" in page.text


def test_d5_request_survives_a_wrong_password_and_another_language(world: OAuthWorld) -> None:
    browser = world.browser()
    login = browser.get(browser.get(world.cars.address(push(world))).headers["location"])
    wrong = browser.submit(login, "/login", username="mei", password="wrong")
    chinese = browser.get(wrong.text.split('hreflang="zh" href="')[1].split('"')[0].replace("&amp;", "&"))
    assert '<html lang="zh-Hans">' in chinese.text
    back = browser.submit(chinese, "/login", username="mei", password=PASSWORD)
    assert back.headers["location"].startswith(f"{AUTHORIZE}?client_id=")
    assert browser.get(back.headers["location"]).status_code == 200


def test_d5_language_of_the_address_holds_for_the_login_page(world: OAuthWorld) -> None:
    browser = world.browser()
    response = browser.get(world.cars.address(push(world)) + "&lang=zh")
    assert '<html lang="zh-Hans">' in browser.get(response.headers["location"]).text


def test_d5_narrowed_request_survives_step_up(strict_world: OAuthWorld, clock: MovableClock) -> None:
    browser = strict_world.browser()
    page = browser.open(strict_world.cars.address(push(strict_world)), "mei", PASSWORD)
    clock.advance(minutes=6)
    page = sign_in_at(browser, browser.submit(page, AUTHORIZE, decision="allow", **NARROWED))
    assert entered(page) == NARROWED
    assert "code" in query_of(browser.submit(page, AUTHORIZE, decision="allow", **NARROWED).headers["location"])


def test_d5_ticks_do_not_pass_to_another_person(strict_world: OAuthWorld, clock: MovableClock) -> None:
    browser = strict_world.browser()
    page = browser.open(strict_world.cars.address(push(strict_world)), "mei", PASSWORD)
    clock.advance(minutes=6)
    page = sign_in_at(browser, browser.submit(page, AUTHORIZE, decision="allow", **NARROWED), "bo")
    assert "include_1" not in entered(page)


def test_d5_narrowed_request_survives_the_end_of_the_session(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(push(world)), "mei", PASSWORD)
    world.execute(f"UPDATE sessions SET ended_at = '{clock().replace(tzinfo=None)}'")
    page = sign_in_at(browser, browser.submit(page, AUTHORIZE, decision="allow", **NARROWED))
    assert entered(page) == {name: value for name, value in NARROWED.items() if name != "include_1"}


def test_d5_language_button_keeps_what_was_entered(world: OAuthWorld) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(push(world)), "mei", PASSWORD)
    chinese = browser.submit(page, AUTHORIZE, lang="zh", **NARROWED)
    assert (chinese.status_code, '<html lang="zh-Hans">' in chinese.text) == (200, True)
    assert entered(chinese) == NARROWED
    assert '<html lang="zh-Hans">' in browser.get("/account").text
    assert entered(browser.get(world.cars.address(form_to(page.text, AUTHORIZE).fields["request_uri"]))) == NARROWED


def test_d5_address_cannot_choose_for_the_person(world: OAuthWorld) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(push(world)) + "&include_1=yes&amount_0=1", "mei", PASSWORD)
    assert "include_1" not in entered(page)
    assert entered(page)["amount_0"] == "3000.00"


@pytest.mark.parametrize("cookie", ["", "x", "%C3%A9", "=" * 50, "A" * 5000])
def test_d5_junk_in_the_cookie_is_ignored(world: OAuthWorld, cookie: str) -> None:
    browser = world.browser()
    browser.http.cookies.set("sesame_form", cookie)
    assert "asks for your permission" in browser.open(world.cars.address(push(world)), "mei", PASSWORD).text


def sale(world: OAuthWorld) -> dict[str, Any]:
    world.change_merchant(ceiling_minor=15_000_000)
    large = {**SALE, "maximum_amount": {"amount": "120000.00", "currency": "CNY"}}
    return authorize_device(world.bank, large, OPTIONAL_TIER | {"duration": "PT15M"})


def test_d5_code_and_ticks_at_checkout_survive_step_up(world: OAuthWorld, clock: MovableClock) -> None:
    device, browser = sale(world), world.browser()
    page = open_confirmation(browser, device["user_code"])
    clock.advance(minutes=6)
    response = browser.submit(page, "/device", decision="allow", include_1="yes")
    assert device["user_code"] not in response.headers["location"]
    page = sign_in_at(browser, response)
    assert form_to(page.text, "/device").fields["user_code"] == device["user_code"]
    assert entered(browser.submit(page, "/device"), "/device") == {"include_1": "yes"}


def test_d5_code_at_checkout_survives_the_end_of_the_session(world: OAuthWorld, clock: MovableClock) -> None:
    device, browser = authorize_device(world.bank), world.browser()
    page = browser.open("/device", "mei", PASSWORD)
    world.execute(f"UPDATE sessions SET ended_at = '{clock().replace(tzinfo=None)}'")
    page = sign_in_at(browser, browser.submit(page, "/device", user_code=device["user_code"].lower()))
    assert form_to(page.text, "/device").fields["user_code"] == device["user_code"]


def test_d5_code_at_checkout_survives_signing_out(world: OAuthWorld) -> None:
    device, browser = authorize_device(world.bank), world.browser()
    page = open_confirmation(browser, device["user_code"])
    page = sign_in_at(browser, browser.submit(page, "/logout"), "bo")
    assert form_to(page.text, "/device").fields["user_code"] == device["user_code"]


def test_d5_code_at_checkout_survives_another_language(world: OAuthWorld) -> None:
    device, browser = authorize_device(world.bank, SALE, OPTIONAL_TIER | {"duration": "PT15M"}), world.browser()
    page = open_confirmation(browser, device["user_code"])
    chinese = browser.submit(page, "/device", lang="zh", include_1="yes")
    assert '<html lang="zh-Hans">' in chinese.text
    assert entered(chinese, "/device") == {"include_1": "yes"}
    assert form_to(chinese.text, "/device").fields["user_code"] == device["user_code"]


def test_d5_answered_code_is_not_offered_again(world: OAuthWorld) -> None:
    device, browser = authorize_device(world.bank), world.browser()
    browser.submit(open_confirmation(browser, device["user_code"]), "/device", decision="allow")
    assert form_to(browser.get("/device").text, "/device").fields["user_code"] == ""


STATEMENT = "我已经把车还了。\n“Ask” your \\ colleague 🚗"


@pytest.fixture
def contest(world: OAuthWorld) -> str:
    """The address of the form with which Mei disputes a breach."""
    tokens: Any = world.cars.tokens(world.browser(), "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        now = unit.business_time(consent.merchant_id)
        more = {"activated_at": now, "breached_at": now, "breach_kind": BreachKind.DAMAGED}
        return f"/account/decisions/{make_decision(unit, consent, status=Status.BREACHED, **more)}/contest"


@pytest.mark.parametrize("statement", [STATEMENT, "🚗" * 600, "a" * 2000], ids=["any-script", "longest", "ascii"])
def test_d5_statement_of_a_dispute_survives_the_end_of_the_session(
    world: OAuthWorld, clock: MovableClock, contest: str, statement: str
) -> None:
    browser = world.browser()
    page = browser.open("/account", "mei", PASSWORD)
    world.execute(f"UPDATE sessions SET ended_at = '{clock().replace(tzinfo=None)}'")
    page = sign_in_at(browser, browser.submit(page, contest, statement=statement))
    assert f">{escape(statement, quote=False)}</textarea>" in page.text.replace("&#34;", '"').replace("&#39;", "'")
    assert browser.submit(page, contest, statement=statement).status_code == 303
    assert not browser.http.cookies.get("sesame_form")


def test_d5_statement_of_a_dispute_is_not_shown_to_another_person(
    world: OAuthWorld, clock: MovableClock, contest: str
) -> None:
    browser = world.browser()
    page = browser.open("/account", "mei", PASSWORD)
    world.execute(f"UPDATE sessions SET ended_at = '{clock().replace(tzinfo=None)}'")
    page = sign_in_at(browser, browser.submit(page, contest, statement="A secret."), "bo")
    assert page.status_code == 200
    assert "A secret." not in page.text


def test_d5_long_form_is_not_kept(world: OAuthWorld) -> None:
    response = Response()
    KeptForms(world.container).keep(response, "form", None, {"amount_0": "9" * 4000})
    assert "set-cookie" not in response.headers
