"""A deployment's OAuth endpoints and pages over ASGI, with two partners, three merchants and their customers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from gateway.domain.client import BASELINE, GRANT_TYPES
from gateway.domain.realm import SANDBOX
from gateway.domain.step_up import StepUp
from gateway.kit.clock import WallClock
from gateway.kit.crypto import digest
from gateway.kit.http import HttpClient
from gateway.kit.ids import Ids
from gateway.kit.limits import limits
from gateway.kit.replay import LocalReplays
from gateway.oauth.client_keys import ClientKeys
from gateway.oauth.dpop import ProofCheck
from gateway.oauth.server import Parts
from gateway.oauth.token_check import TokenCheck
from gateway.oauth.user_code import UserCodes
from gateway.services.access import AccessService
from gateway.services.accounts import AccountService
from gateway.services.client_keys import KeySource
from gateway.services.consents import ConsentService
from gateway.services.decision_record import DecisionRecorder
from gateway.services.disputes import DisputeService
from gateway.services.logins import LoginService, Marks
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store.clients import ClientRow
from gateway.store.database import Database, Session
from gateway.store.partners import PartnerRow
from gateway.web.routes import build_site, exception_handlers, middleware, routes
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from merchants.registry import AdapterRegistry
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.fapi import FapiApp, new_key, public
from tests.support.logs import Logs
from tests.support.oauth import Browser, PartnerApp

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
    """An API that answers what the token check has found out."""
    principal = Request(scope).state.principal
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
    parts: Parts
    accounts: AccountService
    partner_id: str
    cars_id: str
    cars: PartnerApp
    shop: PartnerApp
    other: PartnerApp
    bank: FapiApp
    rival: FapiApp

    @property
    def database(self) -> Database:
        return self.parts.database

    def own(self, profile: str) -> PartnerApp:
        """The client of the merchant `cars` with this profile."""
        return self.cars if profile == BASELINE else self.bank

    def foreign(self, profile: str) -> PartnerApp:
        """The client of the merchant `shop` with this profile."""
        return self.shop if profile == BASELINE else self.rival

    def http(self) -> httpx2.Client:
        """A client of its own, without cookies."""
        return TestClient(self.app, base_url=self.parts.settings.issuer, follow_redirects=False)

    def browser(self) -> Browser:
        return Browser(self.http())

    def tokens(self, **changed: object) -> dict[str, object]:
        """Mei's tokens for `cars`."""
        return self.cars.tokens(self.browser(), "mei", PASSWORD, **changed)

    def client_row(self, session: Session, app: PartnerApp) -> ClientRow:
        """The row of an app's client."""
        return session.get_one(ClientRow, app.client_id)

    def move_partner(self, ahead: timedelta) -> None:
        """Moves partner A's business time."""
        with self.database.write() as session:
            session.get_one(PartnerRow, self.partner_id).clock_offset_seconds += int(ahead.total_seconds())


def build_world(database: Database, settings: Settings, clock: WallClock) -> World:
    ids = Ids(SANDBOX.mark)
    consents = ConsentService(AdapterRegistry([CarRental, OnlineShop]), ids, SANDBOX)
    parts = Parts(
        database=database,
        settings=settings,
        realm=SANDBOX,
        clock=clock,
        ids=ids,
        consents=consents,
        proofs=ProofCheck(settings.issuer, b"a master key of thirty-two bytes"),
        user_codes=UserCodes(b"a master key of thirty-two bytes"),
        replays=LocalReplays(),
        limits=limits(settings.valkey_url.get_secret_value() if settings.valkey_url else None, clock),
        client_keys=ClientKeys(
            KeySource(HttpClient(settings.outgoing_networks, settings.outgoing_ca_file), settings.jwks_uri_hosts),
            clock,
            places=settings.worker_threads // 2,
        ),
    )
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    accounts = AccountService(
        ids, idle_life=settings.session_idle_life, session_life=settings.session_life, hasher=hasher
    )
    logins = LoginService(
        database,
        accounts,
        parts.limits,
        Marks(b"a key of marks"),
        clock,
        attempts=settings.login_attempts,
        attempts_per_address=settings.login_attempts_per_address,
        window=settings.login_window,
    )
    step_up = StepUp.parse(settings.step_up_amount, settings.step_up_life)
    logs = Logs()
    disputes = DisputeService(database, DecisionRecorder(logs.decisions), logs.decisions, ids, clock)
    site = build_site(parts, accounts, AccessService(logs.accesses), logins, step_up, disputes)
    api = [Route("/graphql", TokenCheck(probe, parts)), Route("/broken", _broken)]
    app = Starlette(
        routes=routes(parts, site, api),
        middleware=middleware(settings, ids, site),
        exception_handlers=exception_handlers(site),
    )

    def connect() -> httpx2.Client:
        return TestClient(app, base_url=settings.issuer, follow_redirects=False)

    with database.write() as session:
        partner = make_partner(session)
        foreign = make_partner(session)
        cars_id, cars = _merchant(session, partner, "Green Cars", ("car_rental", "online_shop"), connect)
        shop_id, shop = _merchant(session, partner, "Moon Shop", ("online_shop",), connect)
        _, other = _merchant(session, foreign, "Far Away", ("car_rental",), connect)
        bank, rival = (_fapi_app(session, owner, connect(), settings.issuer, clock) for owner in (cars_id, shop_id))
        for username, display_name, partner_id in (
            ("mei", "Mei Lin", partner),
            ("bo", "Bo Wang", partner),
            ("otto", "Otto Far", foreign),
        ):
            accounts.register(
                session,
                username=username,
                password=PASSWORD,
                display_name=display_name,
                now=NOON,
                partner_id=partner_id,
            )
    return World(app, parts, accounts, partner, cars_id, cars, shop, other, bank, rival)


def _merchant(
    session: Session, partner_id: str, name: str, adapters: tuple[str, ...], connect: Callable[[], httpx2.Client]
) -> tuple[str, PartnerApp]:
    merchant_id = make_merchant(session, partner_id, name=name)
    for adapter in adapters:
        merchants.enable(session, merchant_id, adapter, NOON)
    secret = f"secret of {name}: ä%+ /"
    client_id = make_client(
        session,
        merchant_id,
        name=f"{name} app",
        secret_digest=digest(secret),
        redirect_uris=[CALLBACK, "http://127.0.0.1:9/cb?shop=1"],
        grant_types=list(GRANT_TYPES),
        scopes=USER_SCOPES + MERCHANT_SCOPES,
    )
    return merchant_id, PartnerApp(connect(), client_id, secret, CALLBACK)


def _fapi_app(session: Session, merchant_id: str, http: httpx2.Client, issuer: str, clock: WallClock) -> FapiApp:
    key = new_key()
    client_id = make_client(
        session,
        merchant_id,
        name="Backend",
        profile="fapi2",
        jwks={"keys": [public(key)]},
        redirect_uris=[CALLBACK],
        grant_types=list(GRANT_TYPES),
        scopes=USER_SCOPES + MERCHANT_SCOPES,
    )
    return FapiApp(http, client_id, "", CALLBACK, issuer=issuer, key=key, now=lambda: clock().timestamp())
