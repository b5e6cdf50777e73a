"""The pages for partners of a sandbox in each of their states."""

from datetime import timedelta

import httpx2

from tests.support.graphiql import PAGE
from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.partner_pages import SIGN_IN, make_active_decision, make_sign_in_token, signed_in_partner


def _confirm_page(world: OAuthWorld) -> httpx2.Response:
    address = f"{SIGN_IN}?token={make_sign_in_token(world.container, world.partner_id)}"
    return world.http().get(address, headers={"Sec-Fetch-Site": "cross-site"})


def _token_page(world: OAuthWorld) -> httpx2.Response:
    partner = signed_in_partner(world)
    return partner.submit(partner.get("/partners/merchants"), f"/partners/merchants/{world.cars_id}/token")


def _moved_clock_page(world: OAuthWorld) -> httpx2.Response:
    """The page after a move in which an agreement of Mei became overdue."""
    make_active_decision(world, timedelta(hours=2))
    partner = signed_in_partner(world)
    moved = partner.submit(partner.get("/partners/clock"), "/partners/clock", move="P7D")
    return partner.get(moved.headers["location"])


def _editor_without_merchant(world: OAuthWorld) -> httpx2.Response:
    world.execute("UPDATE oauth_clients SET disabled_at = created_at")
    return signed_in_partner(world).get(PAGE)


PARTNER_CASES = (
    PageCase("graphiql", PAGE, lambda world: signed_in_partner(world).get(PAGE)),
    PageCase("graphiql-no-merchant", PAGE, _editor_without_merchant),
    PageCase("first-page", "/", lambda world: world.http().get("/")),
    PageCase("first-page-of-partner", "/", lambda world: signed_in_partner(world).get("/")),
    PageCase("partner-sign-in", SIGN_IN, lambda world: world.http().get(SIGN_IN)),
    PageCase("partner-sign-in-again", SIGN_IN, lambda world: signed_in_partner(world).get(SIGN_IN)),
    PageCase("partner-link-unknown", SIGN_IN, lambda world: world.http().get(f"{SIGN_IN}?token=x")),
    PageCase("partner-link-confirm", SIGN_IN, _confirm_page),
    PageCase("partner-overview", "/partners", lambda world: signed_in_partner(world).get("/partners")),
    PageCase(
        "partner-merchants", "/partners/merchants", lambda world: signed_in_partner(world).get("/partners/merchants")
    ),
    PageCase("desk-token", "/partners/merchants", _token_page),
    PageCase("desk-clock-moved", "/partners/clock", _moved_clock_page),
)
