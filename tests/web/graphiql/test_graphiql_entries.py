"""Requests of the request log on the GraphiQL page."""

from typing import Any

from gateway.services.sandbox.request_log import CUT
from gateway.services.seeding import Seed
from gateway.store.sandbox.request_log import RequestLogRow
from tests.support.graphiql import PAGE, GraphiqlPage
from tests.support.oauth import Browser
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import signed_in_partner
from tests.support.units import writing


def add_entry(world: OAuthWorld, seed: Seed, **changed: Any) -> str:
    """Writes an entry of the request log of the demo partner's hotel; returns its id."""
    merchant = next(each for each in seed.merchants if each.adapter == "hotel")
    with writing(world.database) as unit:
        values: dict[str, Any] = {
            "id": "rle_test_1",
            "partner_id": unit.merchants.load_partner_id(merchant.id),
            "merchant_id": merchant.id,
            "client_id": merchant.client.client_id,
            "received_at": unit.wall,
            "request_id": "req_test_1",
            "operation_name": "Who",
            "document": "query Who($minimum: Tier!) { consentedUser { meetsTier(minimum: $minimum) } }",
            "variables": '{"minimum":"GOOD"}',
            "scheme": "bearer",
            "http_status": 200,
            "error_codes": "",
            "cost": 1,
            "duration_ms": 7,
            "response": "{}",
            "decision_ids": [],
            "references": [],
            "dropped_before": 0,
        }
        row = RequestLogRow(**{**values, **changed})
        unit.request_log.insert([row])
    return row.id


def open_entry(browser: Browser, entry_id: str) -> GraphiqlPage:
    return GraphiqlPage(browser.http, entry=entry_id)


def test_entry_of_the_request_log_opens_with_its_merchant(world: OAuthWorld, browser: Browser, seed: Seed) -> None:
    page = open_entry(browser, add_entry(world, seed))
    assert page.configuration["logged"] == {
        "name": "Who",
        "token": "consent",
        "document": "query Who($minimum: Tier!) { consentedUser { meetsTier(minimum: $minimum) } }",
        "variables": {"minimum": "GOOD"},
    }
    assert "selected>Demo Hotel</option>" in page.response.text


def test_entry_of_a_merchant_opens_with_its_token(world: OAuthWorld, browser: Browser, seed: Seed) -> None:
    page = open_entry(browser, add_entry(world, seed, document="{ merchant { name } }", operation_name=None))
    assert (page.configuration["logged"]["token"], page.configuration["logged"]["name"]) == ("merchant", "")


def test_entry_that_was_cut_says_so(world: OAuthWorld, browser: Browser, seed: Seed) -> None:
    page = open_entry(browser, add_entry(world, seed, variables='{"minimum":"GO' + CUT))
    assert page.configuration["logged"]["variables"] == {}
    assert "only the beginning" in page.response.text


def test_entry_of_another_partner_does_not_exist(world: OAuthWorld, browser: Browser, seed: Seed) -> None:
    foreign = signed_in_partner(world)
    assert foreign.get(f"{PAGE}?entry={add_entry(world, seed)}").status_code == 404
    for entry_id in ("unknown", "", "%00"):
        assert browser.get(f"{PAGE}?entry={entry_id}").status_code == 404
