"""A merchant's back end at a live sandbox: its fapi2 client, and the browsers of its customers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from joserfc.jwk import ECKey

from tests.support.fapi import FapiApp
from tests.support.oauth import Browser
from tests.support.plain_http import plain_client
from tests.support.server import HasCredentials


@contextmanager
def connected_app(sandbox: HasCredentials, address: str | None = None) -> Iterator[FapiApp]:
    """The car rental's fapi2 client, with connections to `address`, by default the issuer."""
    merchant = next(m for m in sandbox.credentials["merchants"] if m["adapter"] == "car_rental")
    client = next(c for c in merchant["clients"] if c["profile"] == "fapi2")
    issuer, key = sandbox.credentials["issuer"], ECKey.import_key(client["private_jwk"])
    # No keep-alive: a restart of the server would break the connections.
    limits = httpx2.Limits(max_keepalive_connections=0)
    with plain_client(address or issuer, limits=limits) as http:
        yield FapiApp(http, client["client_id"], "", client["redirect_uri"], issuer=issuer, key=key)


def persona(sandbox: HasCredentials, handle: str = "excellent") -> dict[str, Any]:
    """Returns a persona of the credentials file, with username and password."""
    entry: dict[str, Any] = next(p for p in sandbox.credentials["personas"] if p["handle"] == handle)
    return entry


@contextmanager
def customer_browser(app: FapiApp) -> Iterator[Browser]:
    """A customer's browser, connected to the same process as `app`."""
    with plain_client(str(app.http.base_url)) as http:
        yield Browser(http)
