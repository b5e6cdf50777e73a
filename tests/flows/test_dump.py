"""Whoever gets hold of the database gets hold of no secret that works (RFC 9700 section 4.16)."""

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from joserfc.jwk import ECKey
from sqlalchemy import text

from gateway.store.database import Database
from gateway.store.tables import metadata
from tests.support.fapi import FapiApp
from tests.support.oauth import Browser, PartnerApp
from tests.support.point_of_sale import SALE, authorize_device, decide, poll
from tests.support.secrets import PATTERNS
from tests.support.server import Sandbox

FIELDS = {"password", "csrf_token", "user_code", "device_code", "code", "code_verifier", "client_assertion"}
VERIFIER = re.compile(r"[A-Z]{4}-[A-Z]{4}")


class Listener:
    """Hears all secrets that go over the wire."""

    def __init__(self) -> None:
        self.heard: set[str] = set()

    def client(self, base_url: str) -> httpx2.Client:
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._request], "response": [self._response]}
        return httpx2.Client(base_url=base_url, timeout=30, event_hooks=hooks)

    def _request(self, request: httpx2.Request) -> None:
        body = request.read().decode()
        self.heard |= {value for name, value in parse_qsl(body) if name in FIELDS}
        self._hear(body + str(request.headers.multi_items()))

    def _response(self, response: httpx2.Response) -> None:
        response.read()
        self._hear(response.text + response.headers.get("location", ""))
        self.heard |= {cookie.split("=", 1)[1].split(";")[0] for cookie in response.headers.get_list("set-cookie")}
        self.heard |= set(VERIFIER.findall(response.text))

    def _hear(self, said: str) -> None:
        for kind in ("token, code or client secret", "request_uri"):
            self.heard |= set(PATTERNS[kind].findall(said))


def dump(url: str) -> str:
    """Every value of every row, bytes in hexadecimal and as the text they may be."""
    with closing(Database(url)) as database, database.engine.connect() as connection:
        values = (
            value
            for table in metadata.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))
            for value in row
        )
        return "\n".join(
            f"{bytes(v).hex()} {bytes(v).decode(errors='replace')}" if isinstance(v, bytes | memoryview) else str(v)
            for v in values
        )


def use(sandbox: Sandbox, listener: Listener) -> None:
    """Both profiles' journeys and the till's, with an error here and there."""
    issuer, person = sandbox.credentials["issuer"], sandbox.credentials["personas"][0]
    merchant = next(m for m in sandbox.credentials["merchants"] if m["adapter"] == "online_shop")
    baseline, backend = merchant["clients"]
    with listener.client(issuer) as http, listener.client(issuer) as web:
        apps: list[Any] = [
            PartnerApp(http, baseline["client_id"], baseline["client_secret"], baseline["redirect_uri"]),
            FapiApp(
                http,
                backend["client_id"],
                "",
                backend["redirect_uri"],
                issuer=issuer,
                key=ECKey.import_key(backend["private_jwk"]),
            ),
        ]
        browser = Browser(web)
        for app in apps:
            tokens = app.tokens(browser, person["username"], person["password"])
            app.refresh(tokens["refresh_token"])
            app.merchant_token()
            device = authorize_device(app, SALE)
            decide(browser, device["user_code"], "allow", username=person["username"], password=person["password"])
            assert poll(app, device["device_code"]).status_code == 200
            app.redeem("no such code", "no such verifier")
        browser.sign_in(person["username"], "a wrong password")


def test_75_a_dump_holds_no_usable_secret(own_sandbox: Sandbox) -> None:
    listener = Listener()
    use(own_sandbox, listener)
    credentials = own_sandbox.credentials
    known = listener.heard | {person["password"] for person in credentials["personas"]}
    known |= {client["private_jwk"]["d"] for m in credentials["merchants"] for client in m["clients"][1:]}
    known |= {client["client_secret"] for m in credentials["merchants"] for client in m["clients"][:1]}
    assert len(known) > 40, "the journeys have been listened to"
    held = dump(own_sandbox.database_url)
    assert credentials["merchants"][0]["clients"][1]["client_id"] in held, "the dump is whole"
    assert not [secret for secret in known if secret in held or secret.encode().hex() in held]
