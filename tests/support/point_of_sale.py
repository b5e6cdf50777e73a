"""Both sides of the device grant (RFC 8628): a point of sale, and the person in front of it."""

import json
from typing import Any

import httpx2
from sqlalchemy import select

from gateway.domain.identity.client import DEVICE_CODE
from gateway.store.base import read_row
from gateway.store.consents.consents import CONSENTS, ConsentRow
from gateway.store.oauth.device_codes import DEVICE_CODES
from tests.support.merchant_client import MerchantClient
from tests.support.oauth import Browser, PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading

SALE = {
    "type": "decision",
    "products": ["PAY_LATER"],
    "maximum_amount": {"amount": "268.00", "currency": "CNY"},
    "store_id": "Store 17",
    "terminal_id": "T-3",
}
"""A sale at one point of sale."""
TIER = {"type": "score", "level": "tier"}


def request_device_authorization(app: PartnerApp, *details: dict[str, Any], **parameters: str) -> httpx2.Response:
    """Requests a device authorization, for SALE if neither details nor parameters are set; returns the response."""
    data = dict(parameters)
    if details or not parameters:
        data["authorization_details"] = json.dumps(details or (SALE,))
    return app.post("/oauth/device_authorization", data)


def authorize_device(app: PartnerApp, *details: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """Requests a device authorization and returns the body of the successful response."""
    response = request_device_authorization(app, *details, **parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def poll(app: PartnerApp, device_code: str, **more: str) -> httpx2.Response:
    return app.post("/oauth/token", {"grant_type": DEVICE_CODE, "device_code": device_code, **more})


def open_confirmation(
    browser: Browser, user_code: str, username: str = "mei", password: str = PASSWORD
) -> httpx2.Response:
    """Signs in, submits a user code and returns the page that asks for the decision."""
    page = browser.open("/device", username, password)
    assert page.status_code == 200, page.text
    return browser.submit(page, "/device", user_code=user_code)


def decide(
    browser: Browser, user_code: str, decision: str = "allow", *, username: str = "mei", password: str = PASSWORD
) -> httpx2.Response:
    """Submits a person's decision and returns the redirect."""
    page = open_confirmation(browser, user_code, username, password)
    assert page.status_code == 200, page.text
    response = browser.submit(page, "/device", decision=decision)
    assert response.status_code == 303, response.text
    return response


def token_at_point_of_sale(partner: MerchantClient, handle: str) -> str:
    """Returns the access token of a SALE that the persona has allowed."""
    device = authorize_device(partner.app)
    person, browser = partner.persona(handle), partner.browser()
    decide(browser, device["user_code"], username=person["username"], password=person["password"])
    browser.http.close()
    response = poll(partner.app, device["device_code"])
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def error(response: httpx2.Response) -> str:
    """Returns the error of a response, which must not be cached."""
    assert response.status_code in {400, 401}, response.text
    assert response.headers["cache-control"] == "no-store"
    return str(response.json()["error"])


def is_undecided(world: OAuthWorld) -> bool:
    """Whether no device authorization is decided and no consent exists."""
    with reading(world.database) as unit:
        rows = unit.connection.execute(select(DEVICE_CODES)).all()
        no_consents = unit.connection.execute(select(CONSENTS)).all() == []
        return no_consents and all(row.decided_at is None and row.consent_id is None for row in rows)


def only_consent(world: OAuthWorld) -> ConsentRow:
    """Returns the only consent in the database."""
    with reading(world.database) as unit:
        return read_row(ConsentRow, unit.connection.execute(select(CONSENTS)).one())
