"""Every route during an outage: 503 with Retry-After, in the form that its caller reads, and never 500."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.kit.clock import wall_clock
from gateway.kit.outage import outage_log
from gateway.settings import Settings
from tests.support.fapi import FapiApp
from tests.support.oauth import Browser, PartnerApp, pkce
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.partner_pages import make_sign_in_token, partner_requests, signed_in_partner
from tests.support.people import invite
from tests.support.point_of_sale import authorize_device
from tests.support.postgresql import Cluster
from tests.support.registration import Registrar
from tests.support.valkey import ValkeyServer

WITHOUT_STATE = {
    "/healthz",
    "/schema.graphql",
    "/docs",
    "/docs/{path:path}",
    "/docs/errors",
    "/docs/errors/{code}",
    "/device/done",
    "/partners/callback",
    "/static",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/graphql",
    "/.well-known/oauth-protected-resource/graphql/2026-11",
}
"""Routes that read neither the database nor Valkey."""


@dataclass
class Deployment:
    """The whole application of a world, a signed-in person, and valid credentials of two clients."""

    world: OAuthWorld
    routes: list[BaseRoute] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        app = create_app(world.container)
        self.routes = app.routes

        def http() -> httpx2.Client:
            return TestClient(
                app, base_url=world.container.settings.issuer, follow_redirects=False, raise_server_exceptions=False
            )

        world.http = http  # type: ignore[method-assign]
        for each in (world.cars, world.bank):
            each.http = http()
        self.person = Browser(http())
        self.visitor = Browser(http())
        self.tokens: dict[str, Any] = world.cars.tokens(self.person, "mei", PASSWORD)
        self.bound: dict[str, Any] = world.bank.tokens(self.person, "mei", PASSWORD)
        self.merchant_token = world.cars.merchant_token().json()["access_token"]
        self.registrar = Registrar(world)
        self.registered = self.registrar.register()
        self.invitation = self.registrar.invite()
        self.device = authorize_device(world.bank)
        self.request_uri = world.cars.push(pkce()[1]).json()["request_uri"]
        self.consent_id = world.rows("SELECT id FROM consents")[0][0]
        self.login_page = self.visitor.get("/login")
        self.invitation_page = self.visitor.get(f"/invitation?token={invite(world.container)}")
        self.consent_page = self.person.get(world.cars.address(self.request_uri))
        self.account_page = self.person.get("/account")
        self.partner = signed_in_partner(world)
        self.first_page = self.partner.get("/")
        self.editor_page = self.partner.get("/partners/graphiql")
        self.sign_in_token = make_sign_in_token(world.container, world.partner_id)

    def requests(self) -> dict[str, Callable[[], httpx2.Response]]:
        """A valid request for each route, by method and path of the route."""
        person, cars, bank = self.person, self.world.cars, self.world.bank
        query = {"query": "{ viewer { appName merchant { name } } }"}
        csrf = {"csrf_token": "x"}
        return {
            "POST /graphql": lambda: cars.call(self.merchant_token, json=query),
            "POST /graphql/2026-11": lambda: cars.call(self.merchant_token, "/graphql/2026-11", json=query),
            "GET /webhooks/stream": lambda: cars.call(self.merchant_token, "/webhooks/stream", "GET"),
            "POST /oauth/par": lambda: cars.push(pkce()[1]),
            "POST /oauth/token": cars.merchant_token,
            "POST /oauth/token (refresh)": lambda: cars.refresh(self.tokens["refresh_token"]),
            "POST /oauth/token (assertion)": bank.merchant_token,
            "POST /oauth/device_authorization": lambda: bank.post(
                "/oauth/device_authorization", {"scope": "score:tier"}
            ),
            "POST /oauth/register": lambda: self.registrar.post({"client_name": "x"}, self.invitation),
            "GET /oauth/register/{client_id}": lambda: self.registrar.manage("GET", self.registered),
            "DELETE /oauth/register/{client_id}": lambda: self.registrar.manage("DELETE", self.registered),
            "GET /oauth/jwks": lambda: person.get("/oauth/jwks"),
            "POST /oauth/revoke": lambda: cars.revoke(self.tokens["access_token"]),
            "POST /oauth/introspect": lambda: cars.post("/oauth/introspect", {"token": self.tokens["access_token"]}),
            "GET /oauth/grants/{grant_id}": lambda: cars.call(
                self.merchant_token, f"/oauth/grants/{self.consent_id}", "GET"
            ),
            "GET /oauth/authorize": lambda: person.get(cars.address(self.request_uri)),
            "POST /oauth/authorize": lambda: person.submit(self.consent_page, "/oauth/authorize", decision="allow"),
            "GET /device": lambda: person.get("/device"),
            "POST /device": lambda: person.http.post("/device", data={**csrf, "user_code": "BCDF-GHJK"}),
            "GET /login": lambda: person.get("/login"),
            "POST /login": lambda: self.visitor.submit(self.login_page, "/login", username="mei", password=PASSWORD),
            "GET /invitation": lambda: person.get("/invitation?token=x"),
            "POST /invitation": lambda: self.visitor.submit(self.invitation_page, "/invitation", password=PASSWORD),
            "POST /logout": lambda: person.submit(self.account_page, "/logout"),
            "GET /account": lambda: person.get("/account"),
            "GET /account/accesses": lambda: person.get("/account/accesses"),
            "GET /account/score": lambda: person.get("/account/score"),
            "GET /account/records": lambda: person.get("/account/records"),
            "GET /account/records/{id}": lambda: person.get("/account/records/x"),
            "GET /account/inbox": lambda: person.get("/account/inbox"),
            "GET /account/inbox/settings": lambda: person.get("/account/inbox/settings"),
            "GET /account/decisions": lambda: person.get("/account/decisions"),
            "GET /account/decisions/{id}": lambda: person.get("/account/decisions/x"),
            "POST /account/decisions/{id}/claim": lambda: person.http.post(
                "/account/decisions/x/claim", data={**csrf, "kind": "PAID"}
            ),
            "GET /account/decisions/{id}/claim/withdraw": lambda: person.get("/account/decisions/x/claim/withdraw"),
            "POST /account/sign-out-everywhere": lambda: person.submit(
                self.account_page, "/account/sign-out-everywhere"
            ),
            "GET / (of a partner)": lambda: self.partner.get("/"),
            "GET /partners/sign-in": lambda: person.get(f"/partners/sign-in?token={self.sign_in_token}"),
            "POST /partners/sign-in": lambda: person.http.post("/partners/sign-in", data={"token": self.sign_in_token}),
            **partner_requests(self.partner, self.first_page.text),
            "GET /partners/graphiql": lambda: self.partner.get("/partners/graphiql"),
            "POST /partners/graphiql/token": lambda: self.partner.http.post("/partners/graphiql/token", data=csrf),
            "POST /partners/graphiql/sign-in": lambda: self.partner.submit(
                self.editor_page, "/partners/graphiql/sign-in"
            ),
            **{
                f"POST /account/{path}": lambda path=path: person.http.post(  # type: ignore[misc]
                    f"/account/{path.replace('{id}', 'x')}", data=csrf
                )
                for path in (
                    *("consents/{id}/revoke", "decisions/{id}/contest", "disputes/{id}/withdraw", "score/sharing"),
                    "decisions/{id}/claim/withdraw",
                    *("records/{id}/contest", "record-disputes/{id}/withdraw", "inbox/read", "inbox/settings"),
                )
            },
        }


@pytest.fixture
def on_postgresql(own_postgresql: Cluster, settings: Settings) -> Iterator[Deployment]:
    with closing(OAuthWorld(own_postgresql.url("gateway"), settings, wall_clock)) as world:
        yield Deployment(world)


@pytest.fixture
def on_valkey(own_valkey: ValkeyServer, sqlite_url: str, settings: Settings) -> Iterator[Deployment]:
    shared = settings.model_copy(update={"valkey_url": SecretStr(own_valkey.url)})
    with closing(OAuthWorld(sqlite_url, shared, wall_clock)) as world:
        yield Deployment(world)


def path_of(name: str) -> str:
    """The path in the name of a request: METHOD PATH (remark)."""
    return name.split()[1]


def assert_unavailable(name: str, response: httpx2.Response) -> None:
    assert (response.status_code, response.headers.get("retry-after")) == (503, "5"), f"{name}: {response.text}"
    path, kind = path_of(name), response.headers["content-type"]
    if path.startswith(("/graphql", "/webhooks/")):
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAVAILABLE"], name
    elif path.startswith("/oauth/") and path != "/oauth/authorize":
        assert response.json()["error"] == "temporarily_unavailable", name
    else:
        assert "text/html" in kind, name
        assert "not available right now" in response.text, name


def test_h4_every_route_is_unavailable_while_the_database_is_stopped(
    on_postgresql: Deployment, own_postgresql: Cluster
) -> None:
    requests = on_postgresql.requests()
    paths = {route.path for route in on_postgresql.routes if isinstance(route, Route | Mount)}
    assert paths == {path_of(name) for name in requests} | WITHOUT_STATE | {"/readyz"}
    own_postgresql.kill()
    for name, send in requests.items():
        assert_unavailable(name, send())
    own_postgresql.start()
    before_they_end = [name for name in requests if not name.startswith(("POST", "DELETE"))]
    for name in ["POST /graphql", "POST /oauth/token", *before_they_end]:
        assert requests[name]().status_code < 500, name


def test_h4_routes_without_state_do_not_need_the_database(on_postgresql: Deployment, own_postgresql: Cluster) -> None:
    own_postgresql.kill()
    for path in WITHOUT_STATE - {"/static"}:
        assert on_postgresql.person.get(path).status_code < 500, path


def test_h4_routes_that_need_valkey_are_unavailable_while_it_is_stopped(
    on_valkey: Deployment, own_valkey: ValkeyServer
) -> None:
    requests = on_valkey.requests()
    bank: FapiApp = on_valkey.world.bank
    token, query = on_valkey.bound["access_token"], {"query": "{ viewer { appName } }"}
    requests["POST /graphql (bound)"] = lambda: bank.call(token, json=query)
    requests["GET /oauth/grants/{grant_id} (bound)"] = lambda: bank.call(
        bank.merchant_token().json()["access_token"], f"/oauth/grants/{on_valkey.consent_id}", "GET"
    )
    own_valkey.kill()
    for name, send in requests.items():
        response = send()
        if response.status_code >= 500:
            assert_unavailable(name, response)
    for name in ("POST /graphql (bound)", "GET /oauth/grants/{grant_id} (bound)"):
        assert_unavailable(name, requests[name]())


def test_h4_login_and_user_codes_are_unavailable_without_valkey(
    on_valkey: Deployment, own_valkey: ValkeyServer
) -> None:
    own_valkey.kill()
    assert_unavailable("POST /login", on_valkey.requests()["POST /login"]())
    page = on_valkey.person.get("/device")
    assert_unavailable("POST /device", on_valkey.person.submit(page, "/device", user_code="BCDF-GHJK"))


def test_h5_an_outage_is_logged_with_its_code_and_not_for_each_request(
    on_postgresql: Deployment, own_postgresql: Cluster
) -> None:
    app: PartnerApp = on_postgresql.world.cars
    own_postgresql.kill()
    outage_log.forget()
    with capture_logs() as logs:
        for _ in range(30):
            assert app.merchant_token().status_code == 503
    assert [(entry["event"], entry["service"], entry["cause"], entry["path"]) for entry in logs] == [
        ("unavailable", "database", "NOT_RESPONDING", "/oauth/token")
    ]
