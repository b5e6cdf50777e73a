"""A partner's browser on the pages of a sandbox."""

from gateway.services.container import Container
from tests.support.oauth import Browser
from tests.support.oauth_world import OAuthWorld
from tests.support.units import writing

SIGN_IN = "/partners/sign-in"


def make_sign_in_token(container: Container, partner_id: str) -> str:
    """Returns the token of a new sign-in link."""
    with writing(container.database) as unit:
        return container.sandbox.partner_sessions.make_link(unit, partner_id).token


def signed_in_partner(world: OAuthWorld, partner_id: str | None = None) -> Browser:
    """Returns a browser with a session of the partner, by default of partner A."""
    browser = world.browser()
    token = make_sign_in_token(world.container, partner_id or world.partner_id)
    response = browser.get(f"{SIGN_IN}?token={token}")
    assert (response.status_code, response.headers["location"]) == (303, "/"), response.text
    return browser
