"""Browser sessions under attack: what a cookie is, what survives a login, and what a sensitive decision asks for."""

from collections.abc import Iterator
from contextlib import closing
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from gateway.kit.crypto import digest
from gateway.settings import Settings
from gateway.store.consents import ConsentRow
from gateway.store.database import Database
from gateway.store.oauth_requests import AuthorizationCodeRow
from gateway.store.sessions import SessionRow
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, form_to, query_of
from tests.support.oauth_world import PASSWORD, World, build_world


@pytest.fixture
def both_world(database: Database, settings: Settings, clock: MovableClock) -> World:
    """The world on both databases, where consents above 1,000 yuan need a fresh login."""
    return build_world(database, settings.model_copy(update={"step_up_amount": "1000.00 CNY"}), clock)


@pytest.fixture
def https_world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    with closing(Database(sqlite_url)) as database:
        yield build_world(database, settings.model_copy(update={"issuer": "https://gateway.example"}), clock)


def cookies(answer: httpx2.Response) -> dict[str, Morsel[str]]:
    """The cookies that an answer sets, with their attributes."""
    found: dict[str, Morsel[str]] = {}
    for header in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(header))
    return found


def decision(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currency": "CNY"}
    return {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": money}


def consent_address(world: World, *details: dict[str, Any], **changed: str) -> str:
    pushed = world.cars.push(scope=None, authorization_details=list(details), **changed).json()
    return world.cars.address(str(pushed["request_uri"]))


def issued(world: World) -> int:
    with world.database.read() as session:
        return len(session.exec(select(AuthorizationCodeRow)).all()) + len(session.exec(select(ConsentRow)).all())


def is_step_up(answer: httpx2.Response, address: str) -> bool:
    """Whether the answer leads to the login, and from there back to the consent page at `address`."""
    assert answer.status_code == 303, answer.text
    query = query_of(answer.headers["location"])
    came_back = query_of(query.get("return_to", "")) == query_of(address)
    return answer.headers["location"].startswith("/login?") and came_back and query.get("again") == "1"


def test_35_cookies_over_http(world: World) -> None:
    found = cookies(world.browser().sign_in("mei", PASSWORD))
    assert set(found) == {"sesame_session", "sesame_device"}
    for cookie in found.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
        assert (cookie["secure"], cookie["domain"]) == ("", "")
    assert found["sesame_session"]["max-age"] == ""  # ends with the browser
    assert int(found["sesame_device"]["max-age"]) >= 180 * 86400


def test_35_cookies_over_https(https_world: World) -> None:
    found = cookies(https_world.browser().sign_in("mei", PASSWORD))
    assert set(found) == {"__Host-sesame_session", "__Host-sesame_device"}
    for cookie in found.values():  # what a browser requires of the prefix (RFC 6265bis section 4.1.3.2)
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert (cookie["httponly"], cookie["samesite"]) == (True, "lax")


def test_35_over_https_a_cookie_without_the_prefix_is_not_read(https_world: World) -> None:
    browser = https_world.browser()
    browser.sign_in("mei", PASSWORD)
    assert browser.get("/account").status_code == 200
    secret = browser.http.cookies["__Host-sesame_session"]
    other = https_world.http()
    assert other.get("/account", headers={"Cookie": f"sesame_session={secret}"}).status_code == 303


def test_35_no_cookie_names_the_person(world: World) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    with world.database.read() as session:
        user_id = session.exec(select(SessionRow.user_id).where(SessionRow.user_id != None)).one()  # noqa: E711
    for value in browser.http.cookies.values():
        assert "mei" not in value.lower()
        assert str(user_id) not in value


def test_35_a_session_that_was_planted_before_the_login_is_worth_nothing_after_it(both_world: World) -> None:
    attacker, victim = both_world.browser(), both_world.browser()
    attacker.get("/login")
    planted = attacker.http.cookies["sesame_session"]
    victim.http.cookies.set("sesame_session", planted, domain="127.0.0.1", path="/")
    page = victim.get("/login")
    assert victim.http.cookies["sesame_session"] == planted
    victim.submit(page, "/login", username="mei", password=PASSWORD)
    assert victim.http.cookies["sesame_session"] != planted
    assert victim.get("/account").status_code == 200
    assert attacker.get("/account").status_code == 303


def test_35_a_session_that_nobody_started_is_not_taken_over(both_world: World) -> None:
    browser = both_world.browser()
    browser.http.cookies.set("sesame_session", "chosen-by-an-attacker", domain="127.0.0.1", path="/")
    browser.sign_in("mei", PASSWORD)
    assert browser.http.cookies["sesame_session"] != "chosen-by-an-attacker"
    with both_world.database.read() as session:
        assert session.get(SessionRow, digest("chosen-by-an-attacker")) is None


def test_35_form_tokens_change_at_each_login_and_die_with_their_session(both_world: World) -> None:
    browser = both_world.browser()
    tokens = [form_to(browser.get("/login").text, "/login").fields["csrf_token"]]
    for _ in range(2):
        browser.sign_in("mei", PASSWORD)
        tokens.append(form_to(browser.get("/account").text, "/logout").fields["csrf_token"])
    assert len(set(tokens)) == 3
    for old in tokens[:2]:
        assert browser.http.post("/logout", data={"csrf_token": old}).status_code == 403
    assert browser.get("/account").status_code == 200
    assert browser.http.post("/logout", data={"csrf_token": tokens[2]}).status_code == 303


def test_35_idle_and_absolute_limits(both_world: World, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=29, seconds=59)
    assert browser.get("/account").status_code == 200
    clock.advance(minutes=29, seconds=59)
    assert browser.get("/account").status_code == 200  # the limit moved with the visit
    for _ in range(22):
        clock.advance(minutes=29, seconds=59)
        assert browser.get("/account").status_code == 200
    clock.advance(seconds=23)  # 11:59:59 after the login
    assert browser.get("/account").status_code == 200
    clock.advance(seconds=1)
    assert browser.get("/account").status_code == 303


def test_35_an_idle_session_ends(both_world: World, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=30)
    assert browser.get("/account").status_code == 303


def test_35_a_sensitive_consent_asks_for_a_fresh_login(both_world: World, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=5)
    address = consent_address(both_world, decision("1000.01"))
    answer = browser.get(address)
    assert is_step_up(answer, address)
    login = browser.get(answer.headers["location"])
    assert "a large amount" in login.text
    assert form_to(login.text, "/login").fields["username"] == "mei"
    wrong = browser.submit(login, "/login", password="wrong")
    assert (wrong.status_code, "a large amount" in wrong.text) == (400, True)
    back = browser.submit(wrong, "/login", username="mei", password=PASSWORD)
    page = browser.get(back.headers["location"])
    assert page.status_code == 200
    done = browser.submit(page, "/oauth/authorize", decision="allow")
    assert "code" in query_of(done.headers["location"])


def test_35_the_login_must_be_fresh_when_the_decision_is_made(both_world: World, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    assert page.status_code == 200
    clock.advance(minutes=4, seconds=59)
    assert browser.get(address).status_code == 200
    clock.advance(seconds=1)
    answer = browser.submit(page, "/oauth/authorize", decision="allow")
    assert is_step_up(answer, address)
    assert issued(both_world) == 0
    page = browser.open(answer.headers["location"], "mei", PASSWORD)
    back = browser.submit(page, "/login", password=PASSWORD)
    page = browser.get(back.headers["location"])
    done = browser.submit(page, "/oauth/authorize", decision="allow")
    assert "code" in query_of(done.headers["location"])


def test_35_using_the_session_does_not_make_its_login_fresh(both_world: World, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    for _ in range(5):
        clock.advance(minutes=1)
        browser.get("/account")
    assert is_step_up(browser.submit(page, "/oauth/authorize", decision="allow"), address)


@pytest.mark.parametrize(("amount", "asks"), [("1000.00", False), ("1000.01", True)])
def test_35_what_is_granted_counts_not_what_was_asked(
    both_world: World, clock: MovableClock, amount: str, asks: bool
) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("3000.00"))
    page = browser.open(address, "mei", PASSWORD)
    clock.advance(minutes=9)
    answer = browser.submit(page, "/oauth/authorize", decision="allow", amount_0=amount)
    assert ("code" in query_of(answer.headers["location"])) is not asks
    if asks:
        assert is_step_up(answer, address)
        assert issued(both_world) == 0


@pytest.mark.parametrize(("action", "asks"), [("merge", True), ("replace", False)])
def test_35_what_a_change_comes_to_counts(both_world: World, clock: MovableClock, action: str, asks: bool) -> None:
    browser = both_world.browser()
    details = [decision("800.00")]
    grant_id = both_world.cars.tokens(browser, "mei", PASSWORD, scope=None, authorization_details=details)["grant_id"]
    clock.advance(minutes=9)
    more = {**decision("300.00"), "products": ["PAY_LATER"]}
    address = consent_address(both_world, more, grant_management_action=action, grant_id=grant_id)
    answer = browser.get(address)
    assert (answer.status_code == 303) is asks
    if asks:
        assert is_step_up(answer, address)


def test_35_to_refuse_needs_no_fresh_login(both_world: World, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    clock.advance(minutes=9)
    answer = browser.submit(page, "/oauth/authorize", decision="deny")
    assert query_of(answer.headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize(
    ("details", "asks"),
    [
        pytest.param([decision("1000.00")], False, id="exactly-the-amount"),
        pytest.param([decision("600.00"), decision("400.01")], True, id="more-when-added-up"),
        pytest.param([{"type": "score", "level": "exact"}], False, id="a-score"),
    ],
)
def test_35_which_consents_are_sensitive(
    both_world: World, clock: MovableClock, details: list[dict[str, Any]], asks: bool
) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=9)
    address = consent_address(both_world, *details)
    answer = browser.get(address)
    assert (answer.status_code == 200) is not asks
    if asks:
        assert is_step_up(answer, address)


def test_35_another_accounts_login_becomes_that_person(both_world: World, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=5)
    address = consent_address(both_world, decision("1000.01"))
    login = browser.get(browser.get(address).headers["location"])
    back = browser.submit(login, "/login", username="bo", password=PASSWORD)
    assert "Bo Wang" in browser.get(back.headers["location"]).text


def test_35_signing_out_everywhere_ends_the_sessions_of_all_browsers(both_world: World, clock: MovableClock) -> None:
    idle, other, own, strangers = (both_world.browser() for _ in range(4))
    idle.sign_in("mei", PASSWORD)
    clock.advance(minutes=30)
    for browser, username in ((other, "mei"), (own, "mei"), (strangers, "bo")):
        browser.sign_in(username, PASSWORD)
    page = own.get("/account")
    answer = own.submit(page, "/account/sign-out-everywhere")
    assert answer.status_code == 303
    assert own.get(answer.headers["location"]).text.count("Sessions that were ended: 2.") == 1
    assert [browser.get("/account").status_code for browser in (own, other, strangers)] == [303, 303, 200]
    assert own.http.post("/account/sign-out-everywhere", data={"csrf_token": "x"}).status_code == 403
    assert own.sign_in("mei", PASSWORD).status_code == 303
    assert own.get("/account").status_code == 200


def test_35_signing_out_everywhere_needs_the_form_of_ones_own_page(world: World) -> None:
    browser: Browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    assert browser.http.post("/account/sign-out-everywhere", data={"csrf_token": ""}).status_code == 403
    assert browser.get("/account").status_code == 200
    visitor = world.browser()
    token = form_to(visitor.get("/login").text, "/login").fields["csrf_token"]
    assert visitor.http.post("/account/sign-out-everywhere", data={"csrf_token": token}).status_code == 403


@pytest.mark.parametrize("ended", ["x", "-1", "1" * 30, "<b>"])
def test_a_count_of_ended_sessions_that_is_none(world: World, ended: str) -> None:
    page = world.http().get("/login", params={"ended": ended})
    assert page.status_code == 200
    assert "Sessions that were ended" not in page.text
