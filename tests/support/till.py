"""A shop's till and the person who stands at it: both sides of the device grant (RFC 8628)."""

import json
from typing import Any

import httpx2
from sqlalchemy import select

from gateway.domain.identity.client import DEVICE_CODE
from gateway.store.base import read_row
from gateway.store.consents.consents import CONSENTS, ConsentRow
from gateway.store.oauth.device_codes import DEVICE_CODES
from tests.support.oauth import Browser, PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.partner import Partner
from tests.support.units import reading

SALE = {
    "type": "decision",
    "products": ["PAY_LATER"],
    "maximum_amount": {"amount": "268.00", "currency": "CNY"},
    "store_id": "Store 17",
    "terminal_id": "T-3",
}
"""A sale at one till."""
TIER = {"type": "score", "level": "tier"}


def ask(app: PartnerApp, *details: dict[str, Any], **parameters: str) -> httpx2.Response:
    """The answer to a device authorization request, of a sale where nothing else is said."""
    data = dict(parameters)
    if details or not parameters:
        data["authorization_details"] = json.dumps(details or (SALE,))
    return app.post("/oauth/device_authorization", data)


def asked(app: PartnerApp, *details: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """The same, which has to succeed."""
    answer = ask(app, *details, **parameters)
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


def poll(app: PartnerApp, device_code: str, **more: str) -> httpx2.Response:
    return app.post("/oauth/token", {"grant_type": DEVICE_CODE, "device_code": device_code, **more})


def shown(browser: Browser, user_code: str, username: str = "mei", password: str = PASSWORD) -> httpx2.Response:
    """The page behind a user code that was typed, after signing in."""
    page = browser.open("/device", username, password)
    assert page.status_code == 200, page.text
    return browser.submit(page, "/device", user_code=user_code)


def decide(
    browser: Browser, user_code: str, decision: str = "allow", *, username: str = "mei", password: str = PASSWORD
) -> httpx2.Response:
    """The answer to a person's decision."""
    page = shown(browser, user_code, username, password)
    assert page.status_code == 200, page.text
    answer = browser.submit(page, "/device", decision=decision)
    assert answer.status_code == 303, answer.text
    return answer


def at_the_till(partner: Partner, handle: str) -> str:
    """The token after a persona has allowed SALE."""
    told = asked(partner.app)
    person, telephone = partner.persona(handle), partner.browser()
    decide(telephone, told["user_code"], username=person["username"], password=person["password"])
    telephone.http.close()
    answer = poll(partner.app, told["device_code"])
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def error(answer: httpx2.Response) -> str:
    """The error of a refusal, which is never stored."""
    assert answer.status_code in {400, 401}, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["error"])


def undecided(world: OAuthWorld) -> bool:
    """Whether nobody has answered anything yet."""
    with reading(world.database) as unit:
        rows = unit.connection.execute(select(DEVICE_CODES)).all()
        nothing = unit.connection.execute(select(CONSENTS)).all() == []
        return nothing and all(row.decided_at is None and row.consent_id is None for row in rows)


def granted(world: OAuthWorld) -> ConsentRow:
    """The one consent that there is."""
    with reading(world.database) as unit:
        return read_row(ConsentRow, unit.connection.execute(select(CONSENTS)).one())
