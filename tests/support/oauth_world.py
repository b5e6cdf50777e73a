"""A deployment's OAuth endpoints and pages over ASGI, with two partners, three merchants and their customers."""

from contextlib import ExitStack
from typing import Any

import httpx2
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from gateway.domain.identity.client import BASELINE, GRANT_TYPES
from gateway.kit.clock import WallClock
from gateway.kit.crypto import digest
from gateway.oauth.dpop import Nonces
from gateway.oauth.token_check import TokenCheck
from gateway.services.container import Container
from gateway.settings import Settings
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork
from gateway.web.application import build_application
from gateway.web.pages.partner_callback import page as partner_callback
from gateway.web.pages.partners import page as partners
from gateway.web.site.site import build_site
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.fapi import FapiApp, new_key, public
from tests.support.oauth import Browser, PartnerApp
from tests.support.units import writing
from tests.support.world import World

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
    """An API that returns the principal of the token check."""
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
    raise RuntimeError("this text has a secret")


def app_of(container: Container) -> Starlette:
    """The OAuth endpoints and pages of a container, with `probe` as its API."""
    site = build_site(container)
    api = [
        Route("/graphql", TokenCheck(probe, container)),
        Route("/broken", _broken),
        *partners.routes(site),
        *partner_callback.routes(site),
    ]
    return build_application(site, api)


class OAuthWorld(World):
    """The OAuth endpoints and pages of a deployment. `cars` and `shop` are merchants of partner A, where mei and bo are
    users; `other` and otto are partner B's. `bank` is a fapi2 client of the merchant `cars`, `rival` one of `shop`."""

    def __init__(self, database_url: str, settings: Settings, clock: WallClock) -> None:
        settings = settings.model_copy(update={"database_url": database_url})
        super().__init__(settings, clock)
        self.app = app_of(self.container)
        self._loops = ExitStack()
        # One event loop for all requests, as in a server. Starting one for each takes longer than most requests.
        self._loop = self._loops.enter_context(start_blocking_portal())
        with writing(self.database) as unit:
            self.partner_id = make_partner(unit)
            self.cars_id, self.cars = self._merchant(unit, self.partner_id, "Green Cars", "car_rental", "online_shop")
            shop_id, self.shop = self._merchant(unit, self.partner_id, "Moon Shop", "online_shop")
            foreign = make_partner(unit)
            _, self.other = self._merchant(unit, foreign, "Far Away", "car_rental")
            self.bank, self.rival = (self._fapi_app(unit, merchant) for merchant in (self.cars_id, shop_id))
            accounts = self.container.accounts
            password_hash = accounts.hash_password(PASSWORD)
            for username, display_name, partner_id in (
                ("mei", "Mei Lin", self.partner_id),
                ("bo", "Bo Wang", self.partner_id),
                ("otto", "Otto Far", foreign),
            ):
                accounts.register(
                    unit,
                    username=username,
                    password_hash=password_hash,
                    display_name=display_name,
                    partner_id=partner_id,
                )

    def close(self) -> None:
        """Ends the event loop and closes the connections."""
        self._loops.close()
        super().close()

    @property
    def nonces(self) -> Nonces:
        """The nonces that the deployment makes and accepts."""
        return Nonces(self.container.secrets, lambda: self.container.replays.epoch)

    def own_app(self, profile: str) -> PartnerApp:
        """The client of the merchant `cars` with this profile."""
        return self.cars if profile == BASELINE else self.bank

    def foreign_app(self, profile: str) -> PartnerApp:
        """The client of the merchant `shop` with this profile."""
        return self.shop if profile == BASELINE else self.rival

    def http(self) -> httpx2.Client:
        """A new HTTP client, without cookies."""
        client = TestClient(self.app, base_url=self.container.settings.issuer, follow_redirects=False)
        client.portal = self._loop
        return client

    def browser(self) -> Browser:
        return Browser(self.http())

    def tokens(self, **changed: object) -> dict[str, object]:
        """Mei's tokens for `cars`."""
        return self.cars.tokens(self.browser(), "mei", PASSWORD, **changed)

    def client(self, app: PartnerApp) -> ClientRow:
        """The record of an app's client."""
        return self.database.read(lambda unit: _client(unit, app.client_id))

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

    def _merchant(self, unit: UnitOfWork, partner_id: str, name: str, *adapters: str) -> tuple[str, PartnerApp]:
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
        return merchant_id, PartnerApp(self.http(), client_id, secret, CALLBACK)

    def _fapi_app(self, unit: UnitOfWork, merchant_id: str) -> FapiApp:
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
        issuer = self.container.settings.issuer
        return FapiApp(
            self.http(), client_id, "", CALLBACK, issuer=issuer, key=key, now=lambda: self.clock().timestamp()
        )


def _client(unit: UnitOfWork, client_id: str) -> ClientRow:
    client = unit.clients.load(client_id)
    assert client is not None
    return client
