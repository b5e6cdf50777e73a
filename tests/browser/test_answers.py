"""Answers in a real browser: a double click, and a client whose redirect URI redirects on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.local_server import LocalServer, http_response
from tests.support.merchant_client import MerchantClient
from tests.support.oauth import PartnerApp, pkce, query_of
from tests.support.operators import Gateway
from tests.support.point_of_sale import SALE, authorize_device, poll
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser


@pytest.fixture
def other_origin() -> Iterator[LocalServer]:
    with LocalServer(lambda _: [http_response(b"<h1>Arrived</h1>", headers=[("Content-Type", "text/html")])]) as server:
        yield server


@pytest.fixture
def app(sqlite_sandbox: Sandbox, partner: MerchantClient, other_origin: LocalServer) -> Iterator[PartnerApp]:
    """A client with a redirect URI at a web server that redirects on to another origin."""
    target = ("Location", other_origin.url("/landed", "localhost"))
    with LocalServer(lambda request: [http_response(b"", 302, [target])]) as hop:
        gateway = Gateway(sqlite_sandbox.database_url, sqlite_sandbox.folder)
        address = hop.url("/hop")
        merchant = partner.graphql(partner.merchant_token, "{ merchant { id } }").data["merchant"]["id"]
        output = gateway.output("clients", "register", merchant, "Hopping app", "--redirect-uri", address)
        client_id, secret = (re.search(pattern, output) for pattern in (r"\bcli_\w+", r"\bsgw_test_cs_[\w-]+"))
        assert client_id is not None
        assert secret is not None
        yield replace(partner.app, client_id=client_id[0], secret=secret[0], redirect_uri=address)


def open_consent(watch: Watch, partner: MerchantClient, app: PartnerApp) -> str:
    """Opens the consent page of a new request as a persona and returns the code_verifier."""
    verifier, challenge = pkce()
    watch.page.goto(f"{watch.issuer}{app.address(app.push(challenge).json()['request_uri'])}")
    watch.sign_in(partner.persona("good"))
    return verifier


def test_d2_person_arrives_over_a_redirecting_callback(
    chromium: Any, partner: MerchantClient, app: PartnerApp, other_origin: LocalServer
) -> None:
    watch = Watch(chromium, partner.credentials["issuer"], 1280, 900)
    open_consent(watch, partner, app)
    watch.page.click("button[name=decision][value=allow]")
    assert watch.page.url == other_origin.url("/landed", "localhost")
    assert watch.page.inner_text("h1") == "Arrived"
    assert watch.console_messages == []


def wait_for_heading(watch: Watch, text: str) -> None:
    """Waits for a page with this heading. The second click aborts the navigation of the first one, and so a wait for an
    address."""
    watch.page.get_by_role("heading", name=text, exact=True).wait_for()


@pytest.mark.parametrize("attempt", range(5))
def test_d1_double_click_reaches_the_client_with_a_code(
    chromium: Any, partner: MerchantClient, app: PartnerApp, other_origin: LocalServer, attempt: int
) -> None:
    watch = Watch(chromium, partner.credentials["issuer"], 1280, 900)
    verifier = open_consent(watch, partner, app)
    codes: list[str] = []
    watch.page.on(
        "request",
        lambda request: codes.append(query_of(request.url)["code"]) if request.url.startswith(app.redirect_uri) else 0,
    )
    watch.page.dblclick("button[name=decision][value=allow]")
    wait_for_heading(watch, "Arrived")
    assert watch.page.url == other_origin.url("/landed", "localhost")
    assert len(set(codes)) == 1
    assert app.redeem(codes[0], verifier).status_code == 200


def test_d1_double_click_at_checkout_shows_the_answer(chromium: Any, partner: MerchantClient) -> None:
    watch = Watch(chromium, partner.credentials["issuer"], 1280, 900)
    device = authorize_device(partner.app, {**SALE, "products": ["DEPOSIT_WAIVER"]})
    watch.page.goto(device["verification_uri_complete"])
    watch.sign_in(partner.persona("good"))
    watch.page.click("main form button[type=submit]")
    watch.page.dblclick("button[name=decision][value=allow]")
    wait_for_heading(watch, "Allowed")
    assert watch.page.url == f"{watch.issuer}/device/done?decision=allow"
    assert poll(partner.app, device["device_code"]).status_code == 200
