"""A deployment's OAuth endpoints and pages over ASGI, with two partners, three merchants and their customers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from gateway.bootstrap import build
from gateway.domain.identity.client import BASELINE, GRANT_TYPES
from gateway.kit.clock import WallClock
from gateway.kit.crypto import digest
from gateway.oauth.dpop import Nonces
from gateway.oauth.token_check import TokenCheck
from gateway.services.container import Container
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork
from gateway.web.middleware import middleware
from gateway.web.routes import routes
from gateway.web.site.site import build_site
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.fapi import FapiApp, new_key, public
from tests.support.oauth import Browser, PartnerApp
from tests.support.units import writing

PASSWORD = "open sesame, please"
CALLBACK = "https://client.example/callback"
USER_SCOPES = ["score:exact", "decisions:request"]
MERCHANT_SCOPES = [
    "decisions:read",
    "decisions:write",
    "consents:read",
    "grant_management_query",
    "grant_management_revoke",
]


async def probe(scope: Scope, receive: Receive, send: Send) -> None:
    """An API that answers what the token check finds out."""
    principal = await run_in_threadpool(Request(scope).state.authenticate)
    content = {
        "kind": principal.kind,
        "merchant": principal.merchant_id,
        "scopes": principal.scopes,
        "allowed": sorted(principal.allowed),
        "subject": principal.consent and principal.consent.subject,
        "consent": principal.consent and principal.consent.id,
    }
    await JSONResponse(content)(scope, receive, send)


async def _broken(request: Request) -> JSONResponse:
    raise RuntimeError("a secret stands in this text")


@dataclass
class World:
    """`cars` and `shop` are merchants of partner A, where mei and bo are users; `other` and otto are partner B's.
    `bank` is a fapi2 client of the merchant `cars`, `rival` one of `shop`."""

    app: Starlette
    container: Container
    partner_id: str
    cars_id: str
    cars: PartnerApp
    shop: PartnerApp
    other: PartnerApp
    bank: FapiApp
    rival: FapiApp

    @property
    def database(self) -> Database:
        return self.container.database

    @property
    def nonces(self) -> Nonces:
        """The nonces that the deployment makes and accepts."""
        return Nonces(self.container.secrets)

    def close(self) -> None:
        self.container.close()

    def own(self, profile: str) -> PartnerApp:
        """The client of the merchant `cars` with this profile."""
        return self.cars if profile == BASELINE else self.bank

    def foreign(self, profile: str) -> PartnerApp:
        """The client of the merchant `shop` with this profile."""
        return self.shop if profile == BASELINE else self.rival

    def http(self) -> httpx2.Client:
        """A client of its own, without cookies."""
        return TestClient(self.app, base_url=self.container.settings.issuer, follow_redirects=False)

    def browser(self) -> Browser:
        return Browser(self.http())

    def tokens(self, **changed: object) -> dict[str, object]:
        """Mei's tokens for `cars`."""
        return self.cars.tokens(self.browser(), "mei", PASSWORD, **changed)

    def client(self, app: PartnerApp) -> ClientRow:
        """The record of an app's client."""
        return self.container.database.read(lambda unit: _client(unit, app.client_id))

    def change_client(self, app: PartnerApp, **columns: Any) -> None:
        """Changes columns of an app's client."""
        with writing(self.database) as unit:
            unit.clients.update(_client(unit, app.client_id).model_copy(update=columns))

    def change_merchant(self, **columns: Any) -> None:
        """Changes columns of the merchant `cars`."""
        with writing(self.database) as unit:
            merchant = unit.merchants.load(self.cars_id)
            assert merchant is not None
            unit.merchants.update(merchant.model_copy(update=columns))

    def move_partner(self, ahead: timedelta) -> None:
        """Moves partner A's business time."""
        with writing(self.database) as unit:
            unit.partners.move_clock(self.partner_id, int(ahead.total_seconds()))


def build_world(database_url: str, settings: Settings, clock: WallClock) -> World:
    """The world over a migrated, empty database; whoever builds it closes it."""
    settings = settings.model_copy(update={"database_url": database_url})
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    container = build(settings, clock=clock, hasher=hasher)
    site = build_site(container)
    api = [Route("/graphql", TokenCheck(probe, container)), Route("/broken", _broken)]
    app = Starlette(
        routes=routes(site, api),
        middleware=middleware(settings, container.ids, site.errors),
        exception_handlers=site.errors.handlers(),
    )

    def connect() -> httpx2.Client:
        return TestClient(app, base_url=settings.issuer, follow_redirects=False)

    hashed = container.accounts.hash_password(PASSWORD)
    with writing(container.database) as unit:
        partner = make_partner(unit)
        foreign = make_partner(unit)
        cars_id, cars = _merchant(unit, partner, "Green Cars", ("car_rental", "online_shop"), connect)
        shop_id, shop = _merchant(unit, partner, "Moon Shop", ("online_shop",), connect)
        _, other = _merchant(unit, foreign, "Far Away", ("car_rental",), connect)
        bank, rival = (_fapi_app(unit, owner, connect(), settings.issuer, clock) for owner in (cars_id, shop_id))
        for username, display_name, partner_id in (
            ("mei", "Mei Lin", partner),
            ("bo", "Bo Wang", partner),
            ("otto", "Otto Far", foreign),
        ):
            container.accounts.register(
                unit, username=username, password_hash=hashed, display_name=display_name, partner_id=partner_id
            )
    return World(app, container, partner, cars_id, cars, shop, other, bank, rival)


def _client(unit: UnitOfWork, client_id: str) -> ClientRow:
    client = unit.clients.load(client_id)
    assert client is not None
    return client


def _merchant(
    unit: UnitOfWork, partner_id: str, name: str, adapters: tuple[str, ...], connect: Callable[[], httpx2.Client]
) -> tuple[str, PartnerApp]:
    merchant_id = make_merchant(unit, partner_id, name=name)
    for adapter in adapters:
        unit.merchants.enable_adapter(merchant_id, adapter, NOON)
    secret = f"secret of {name}: ä%+ /"
    client_id = make_client(
        unit,
        merchant_id,
        name=f"{name} app",
        secret_digest=digest(secret),
        redirect_uris=[CALLBACK, "http://127.0.0.1:9/cb?shop=1"],
        grant_types=list(GRANT_TYPES),
        scopes=USER_SCOPES + MERCHANT_SCOPES,
    )
    return merchant_id, PartnerApp(connect(), client_id, secret, CALLBACK)


def _fapi_app(unit: UnitOfWork, merchant_id: str, http: httpx2.Client, issuer: str, clock: WallClock) -> FapiApp:
    key = new_key()
    client_id = make_client(
        unit,
        merchant_id,
        name="Backend",
        profile="fapi2",
        jwks={"keys": [public(key)]},
        redirect_uris=[CALLBACK],
        grant_types=list(GRANT_TYPES),
        scopes=USER_SCOPES + MERCHANT_SCOPES,
    )
    return FapiApp(http, client_id, "", CALLBACK, issuer=issuer, key=key, now=lambda: clock().timestamp())
