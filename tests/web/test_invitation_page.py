"""The invitation page: the form, what consumes the token, unusable links, headers, limits and languages."""

import httpx2
import pytest

from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import OAuthWorld
from tests.support.people import MAIL, invite, person

PASSWORD = "open sesame, please"


def opened(world: OAuthWorld, token: str, **headers: str) -> tuple[Browser, httpx2.Response]:
    browser = world.browser()
    return browser, browser.get(f"/invitation?token={token}", headers=headers)


def test_form_sets_the_password_and_signs_in(world: OAuthWorld) -> None:
    browser, page = opened(world, invite(world.container, name="Mei Lin"))
    assert form_to(page.text, "/invitation").fields["username"] == MAIL.lower()
    response = browser.submit(page, "/invitation", password=PASSWORD)
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    assert "Mei Lin" in browser.get("/account").text
    assert world.browser().sign_in(MAIL.lower(), PASSWORD).status_code == 303


def test_opening_the_link_consumes_nothing(world: OAuthWorld) -> None:
    token = invite(world.container)
    before = world.contents()
    for method in ("GET", "HEAD", "GET"):
        assert world.http().request(method, f"/invitation?token={token}").status_code == 200
    assert world.contents() == before


def test_second_use_is_refused(world: OAuthWorld) -> None:
    browser, page = opened(world, invite(world.container))
    browser.submit(page, "/invitation", password=PASSWORD)
    again = world.browser().http.post("/invitation", data={**form_to(page.text, "/invitation").fields, "password": "x"})
    assert again.status_code == 410
    second = browser.submit(page, "/invitation", password="another password")
    assert second.status_code == 410
    assert "works only once" in second.text
    assert world.browser().sign_in(MAIL, PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ("DELETE FROM invitations", 404, "incomplete"),
        ("UPDATE invitations SET used_at = created_at", 410, "works only once"),
        ("UPDATE invitations SET expires_at = created_at", 410, "has expired"),
        ("UPDATE users SET disabled_at = created_at", 410, "disabled"),
    ],
)
def test_unusable_link_says_why_and_what_to_do(world: OAuthWorld, change: str, status: int, sentence: str) -> None:
    browser, form = opened(world, invite(world.container))
    world.execute(change)
    shown = browser.get(f"/invitation?token={form_to(form.text, '/invitation').fields['token']}")
    for page in (shown, browser.submit(form, "/invitation", password=PASSWORD)):
        assert page.status_code == status
        assert sentence in page.text
        assert "operator of this service" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
    assert person(world.container).password_hash is None


@pytest.mark.parametrize("address", ["/invitation", "/invitation?token=", "/invitation?token=%ff%00&token=b"])
def test_address_without_a_token_is_not_found(world: OAuthWorld, address: str) -> None:
    assert world.http().get(address).status_code == 404


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_password_of_another_length_is_refused_with_the_rule(world: OAuthWorld, password: str) -> None:
    browser, page = opened(world, invite(world.container))
    refused = browser.submit(page, "/invitation", password=password)
    assert refused.status_code == 400
    assert "too short or too long" in refused.text
    assert "8 to 256 characters" in refused.text
    assert not password or f'value="{password}"' not in refused.text
    assert browser.submit(refused, "/invitation", password=PASSWORD).status_code == 303


def test_page_sends_no_referrer_and_is_not_kept(world: OAuthWorld) -> None:
    _, page = opened(world, invite(world.container))
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303, id="browser without referrer"),
        pytest.param({"Origin": "null"}, 303, id="old browser without referrer"),
        pytest.param({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403, id="sandboxed frame"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="other site"),
    ],
)
def test_form_of_another_site_is_refused(world: OAuthWorld, headers: dict[str, str], status: int) -> None:
    browser, page = opened(world, invite(world.container))
    data = {**form_to(page.text, "/invitation").fields, "password": PASSWORD}
    assert browser.http.post("/invitation", data=data, headers=headers).status_code == status


def test_form_without_the_session_is_shown_again(world: OAuthWorld) -> None:
    """Another site could sign a person in to an account of its own."""
    _, page = opened(world, invite(world.container))
    data = {**form_to(page.text, "/invitation").fields, "password": PASSWORD}
    browser = world.browser()
    refused = browser.http.post("/invitation", data=data, headers={"Origin": "null"})
    assert refused.status_code == 403
    assert "out of date" in refused.text
    assert browser.submit(refused, "/invitation", password=PASSWORD).status_code == 303


def test_unknown_tokens_are_limited_like_logins(world: OAuthWorld) -> None:
    statuses = [world.http().get("/invitation?token=x").status_code for _ in range(101)]
    assert statuses == [404] * 100 + [429]


def test_token_is_not_logged(world: OAuthWorld, capfd: pytest.CaptureFixture[str]) -> None:
    token = invite(world.container)
    browser, page = opened(world, token)
    browser.submit(page, "/invitation", password=PASSWORD)
    browser.submit(page, "/invitation", password=PASSWORD)
    output = capfd.readouterr()
    assert token not in output.out + output.err
    assert MAIL.lower() not in (output.out + output.err).lower()


def test_page_of_a_reset_has_its_own_title(world: OAuthWorld) -> None:
    world.container.invitations.accept(None, invite(world.container), PASSWORD, "192.0.2.1")
    assert "Set a new password" in opened(world, invite(world.container))[1].text


def test_pages_have_the_language_of_the_person_until_another_one_is_chosen(world: OAuthWorld) -> None:
    browser, page = opened(world, invite(world.container, language="zh"), **{"Accept-Language": "en"})
    assert '<html lang="zh-Hans">' in page.text
    browser.submit(page, "/invitation", password=PASSWORD)
    assert '<html lang="zh-Hans">' in browser.get("/account", headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in browser.get("/account?lang=en").text
    assert '<html lang="en">' in browser.get("/account").text


def test_language_link_keeps_the_token(world: OAuthWorld) -> None:
    token = invite(world.container)
    browser, page = opened(world, token)
    assert f"/invitation?token={token}&amp;lang=zh" in page.text
    refused = browser.submit(page, "/invitation", password="short")
    assert f"/invitation?token={token}&amp;lang=zh" in refused.text
