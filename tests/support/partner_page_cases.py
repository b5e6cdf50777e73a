"""The pages for partners of a sandbox in each of their states."""

from datetime import timedelta

import httpx2

from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support.graphiql import PAGE
from tests.support.logged_requests import add_request
from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.partner_pages import (
    SIGN_IN,
    end_attempt,
    make_active_decision,
    make_sign_in_token,
    signed_in_partner,
)


def _confirm_page(world: OAuthWorld) -> httpx2.Response:
    address = f"{SIGN_IN}?token={make_sign_in_token(world.container, world.partner_id)}"
    return world.http().get(address, headers={"Sec-Fetch-Site": "cross-site"})


def _token_page(world: OAuthWorld) -> httpx2.Response:
    partner = signed_in_partner(world)
    return partner.submit(partner.get("/partners/merchants"), f"/partners/merchants/{world.cars_id}/token")


def _personas_page(world: OAuthWorld) -> httpx2.Response:
    world.container.seeding.seed_new("ci-1")
    (row,) = world.rows("SELECT id FROM partners WHERE name = 'ci-1'")
    return signed_in_partner(world, row[0]).get("/partners/personas")


def _secret_page(world: OAuthWorld, url: str = "https://shop.example/hooks") -> httpx2.Response:
    partner, form = signed_in_partner(world), {"merchant": world.cars_id, "url": url, "topics": "all"}
    return partner.submit(partner.get("/partners/webhooks"), "/partners/webhooks", **form)


def _endpoint_page(world: OAuthWorld) -> httpx2.Response:
    """The page of an endpoint with a delivery that has failed once."""
    _secret_page(world)
    partner, ((endpoint_id,),) = signed_in_partner(world), world.rows("SELECT id FROM webhook_endpoints")
    address = f"/partners/webhooks/{endpoint_id}"
    partner.submit(partner.get(address), f"{address}/test", topic="TEST", variant="NORMAL")
    end_attempt(world, endpoint_id, DeliveryStatus.FAILED, response_status=500)
    return partner.get(f"{address}?sent=1")


def _requests_page(world: OAuthWorld, *, one: bool = False) -> httpx2.Response:
    """The list of requests, or the page of one that has made a decision."""
    entry = add_request(
        world.container,
        world.partner_id,
        world.cars_id,
        world.cars.client_id,
        document="query Who { viewer { appName merchant { name decisions { totalCount nodes { id status } } } } }",
        error_codes=" NOT_FOUND PRODUCT_NOT_ENABLED ",
        decision_ids=[make_active_decision(world, timedelta(days=1))],
        dropped_before=3,
    ).id
    return signed_in_partner(world).get(f"/partners/requests/{entry}" if one else "/partners/requests")


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
    PageCase("desk-overview", "/partners", lambda world: signed_in_partner(world).get("/partners")),
    PageCase(
        "desk-merchants", "/partners/merchants", lambda world: signed_in_partner(world).get("/partners/merchants")
    ),
    PageCase("desk-personas-new", "/partners/personas", _personas_page),
    PageCase("desk-endpoint-secret", "/partners/webhooks", _secret_page),
    PageCase("desk-endpoint-refused", "/partners/webhooks", lambda world: _secret_page(world, "http://x")),
    PageCase("desk-endpoint", "/partners/webhooks/{id}", _endpoint_page),
    PageCase("desk-requests", "/partners/requests", _requests_page),
    PageCase("desk-request", "/partners/requests/{id}", lambda world: _requests_page(world, one=True)),
    PageCase("desk-token", "/partners/merchants", _token_page),
    PageCase("desk-clock-moved", "/partners/clock", _moved_clock_page),
)
