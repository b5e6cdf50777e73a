"""The sign-in button of the GraphiQL page: the code flow with a persona, back to the page with a token."""

import pytest
from structlog.testing import capture_logs

from gateway.services.seeding import Seed
from tests.support.graphiql import PAGE, SIGN_IN, GraphiqlPage, principal_of
from tests.support.oauth import Browser, query_of
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import make_sign_in_token, signed_in_partner


def consent(browser: Browser, page: GraphiqlPage, seed: Seed, decision: str = "allow", handle: str = "good") -> str:
    """Presses the sign-in button, signs in as a persona and decides. Returns the address to which the browser goes."""
    persona = next(each for each in seed.personas if each.handle == handle)
    begun = browser.submit(page.response, SIGN_IN)
    assert begun.status_code == 303, begun.text
    shown = browser.open(begun.headers["location"], persona.username, persona.password)
    return str(browser.submit(shown, "/oauth/authorize", decision=decision).headers["location"])


def test_sign_in_button_runs_the_code_flow(world: OAuthWorld, browser: Browser, page: GraphiqlPage, seed: Seed) -> None:
    with capture_logs() as logs:
        back = consent(browser, page, seed)
        assert back.startswith(f"{world.container.settings.issuer}/partners/callback?code=")
        returned = browser.get(back)
        assert returned.headers["location"] == f"{PAGE}?merchant={page.configuration['merchant']}"
        signed = GraphiqlPage(browser.http, page.configuration["merchant"])
        assert signed.configuration["signIn"]
        token = signed.token("sign_in")
    assert (token["username"], token["persona"]) == ("good@demo", "good")
    principal = principal_of(world, token["accessToken"])
    assert (principal["kind"], principal["consent"]) == ("user", token["consent"])
    assert signed.token("consent", persona="good")["consent"] == token["consent"]
    assert query_of(back)["code"] not in str(logs)
    assert token["accessToken"] not in str(logs)


def test_code_of_the_sign_in_is_redeemed_once(browser: Browser, page: GraphiqlPage, seed: Seed) -> None:
    browser.get(consent(browser, page, seed))
    kept = dict(browser.http.cookies)
    page.token("sign_in")
    assert page.post("sign_in").status_code == 404
    browser.http.cookies.update(kept)
    again = page.post("sign_in")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "invalid_grant")


def test_denied_sign_in_is_told_once(browser: Browser, page: GraphiqlPage, seed: Seed) -> None:
    returned = browser.get(consent(browser, page, seed, "deny"))
    assert "access_denied" in browser.get(returned.headers["location"]).text
    assert "access_denied" not in browser.get(returned.headers["location"]).text
    assert page.post("sign_in").status_code == 404


@pytest.mark.parametrize("change", ["state", "iss", "session"])
def test_callback_of_another_flow_shows_the_code(
    world: OAuthWorld, browser: Browser, page: GraphiqlPage, seed: Seed, change: str
) -> None:
    back = consent(browser, page, seed)
    if change == "session":
        browser.http.cookies.delete("sesame_partner")
        browser.get(f"/partners/sign-in?token={make_sign_in_token(world.container, world.partner_id)}")
    else:
        back = back.replace(f"{change}=", f"{change}=x")
    shown = browser.get(back)
    assert shown.status_code == 200
    assert query_of(back)["code"] in shown.text


def test_sign_in_needs_a_client_whose_secret_is_known(world: OAuthWorld) -> None:
    browser = signed_in_partner(world)
    page = GraphiqlPage(browser.http)
    assert browser.submit(page.response, SIGN_IN).status_code == 400
    assert browser.submit(page.response, SIGN_IN, merchant="unknown").status_code == 400
    assert browser.submit(page.response, SIGN_IN, csrf_token="x").status_code == 403
