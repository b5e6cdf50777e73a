"""The pages for partners of a sandbox in each of their states."""

import httpx2

from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.partner_pages import SIGN_IN, make_sign_in_token, signed_in_partner


def _confirm_page(world: OAuthWorld) -> httpx2.Response:
    address = f"{SIGN_IN}?token={make_sign_in_token(world.container, world.partner_id)}"
    return world.http().get(address, headers={"Sec-Fetch-Site": "cross-site"})


PARTNER_CASES = (
    PageCase("first-page", "/", lambda world: world.http().get("/")),
    PageCase("first-page-of-partner", "/", lambda world: signed_in_partner(world).get("/")),
    PageCase("partner-sign-in", SIGN_IN, lambda world: world.http().get(SIGN_IN)),
    PageCase("partner-sign-in-again", SIGN_IN, lambda world: signed_in_partner(world).get(SIGN_IN)),
    PageCase("partner-link-unknown", SIGN_IN, lambda world: world.http().get(f"{SIGN_IN}?token=x")),
    PageCase("partner-link-confirm", SIGN_IN, _confirm_page),
)
