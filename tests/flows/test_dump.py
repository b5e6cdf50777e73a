"""A copy of the database contains no usable secret (RFC 9700 section 4.16)."""

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
from tests.support.plain_http import plain_client
from tests.support.point_of_sale import SALE, authorize_device, decide, poll
from tests.support.secrets import PATTERNS
from tests.support.server import Sandbox

FIELDS = {"password", "csrf_token", "user_code", "device_code", "code", "code_verifier", "client_assertion"}
VERIFIER = re.compile(r"[A-Z]{4}-[A-Z]{4}")


class SecretRecorder:
    """Records all secrets in requests and responses."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()

    def client(self, base_url: str) -> httpx2.Client:
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._request], "response": [self._response]}
        return plain_client(base_url, event_hooks=hooks)

    def _request(self, request: httpx2.Request) -> None:
        body = request.read().decode()
        self.secrets |= {value for name, value in parse_qsl(body) if name in FIELDS}
        self._record(body + str(request.headers.multi_items()))

    def _response(self, response: httpx2.Response) -> None:
        response.read()
        self._record(response.text + response.headers.get("location", ""))
        cookies = {cookie.split("=", 1)[1].split(";")[0] for cookie in response.headers.get_list("set-cookie")}
        self.secrets |= cookies - {'""'}  # that deletes a cookie
        self.secrets |= set(VERIFIER.findall(response.text))

    def _record(self, content: str) -> None:
        for kind in ("token, code or client secret", "request_uri"):
            self.secrets |= set(PATTERNS[kind].findall(content))


def dump(url: str) -> str:
    """Returns each value of each row as text. Bytes are in hexadecimal, followed by their decoded text."""
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


def run_flows(sandbox: Sandbox, recorder: SecretRecorder) -> None:
    """Runs the flows of both profiles and of a point of sale, with some errors."""
    issuer, person = sandbox.credentials["issuer"], sandbox.credentials["personas"][0]
    merchant = next(m for m in sandbox.credentials["merchants"] if m["adapter"] == "online_shop")
    baseline, backend = merchant["clients"]
    with recorder.client(issuer) as http, recorder.client(issuer) as web:
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


def test_75_database_dump_contains_no_usable_secret(own_sandbox: Sandbox) -> None:
    recorder = SecretRecorder()
    run_flows(own_sandbox, recorder)
    credentials = own_sandbox.credentials
    known = recorder.secrets | {person["password"] for person in credentials["personas"]}
    known |= {client["private_jwk"]["d"] for m in credentials["merchants"] for client in m["clients"][1:]}
    known |= {client["client_secret"] for m in credentials["merchants"] for client in m["clients"][:1]}
    assert len(known) > 40, "the secrets were recorded"
    dumped = dump(own_sandbox.database_url)
    assert credentials["merchants"][0]["clients"][1]["client_id"] in dumped, "the dump is complete"
    assert not [secret for secret in known if secret in dumped or secret.encode().hex() in dumped]
