"""Requests with a foreign Host header: no response repeats it, and no address is redirected to it."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.settings import EnvironmentName, Settings

EVIL = "evil.example"
ISSUERS = {EnvironmentName.SANDBOX: "http://127.0.0.1:8000", EnvironmentName.LIVE: "https://gateway.example"}
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE")


@pytest.fixture(params=[pytest.param(name, id=f"D3-{name.value.lower()}") for name in ISSUERS])
def application(request: pytest.FixtureRequest, settings: Settings, sqlite_url: str) -> Iterator[Starlette]:
    """The whole application of each environment."""
    changed = {"database_url": sqlite_url, "environment": request.param, "issuer": ISSUERS[request.param]}
    with closing(build(settings.model_copy(update=changed))) as container:
        yield create_app(container)


def paths(application: Starlette) -> list[str]:
    """A path for each route."""
    found = [route.path for route in application.routes if isinstance(route, Route | Mount)]
    assert len(found) == len(application.routes) > 30
    return sorted({re.sub(r"\{.*?\}", "x", path) for path in found})


@pytest.fixture
def foreign(application: Starlette) -> Iterator[TestClient]:
    """A client that names a foreign host, and keeps no cookies."""
    with TestClient(application, base_url=f"http://{EVIL}", follow_redirects=False) as http:
        yield http


def assert_no_foreign_address(foreign: TestClient, path: str) -> None:
    for method in METHODS:
        response = foreign.request(method, path)
        foreign.cookies.clear()
        location = response.headers.get("location", "")
        assert EVIL not in location + response.text + str(response.headers), (method, path)
        assert not location.startswith("//"), (method, path)
        assert response.status_code < 500, (method, path)


def test_trailing_slash_never_leads_to_the_host_header(application: Starlette, foreign: TestClient) -> None:
    for path in paths(application):
        assert_no_foreign_address(foreign, path.removesuffix("/") + "/")
        assert_no_foreign_address(foreign, path.removesuffix("/") + "//")


def test_no_route_repeats_the_host_header(application: Starlette, foreign: TestClient) -> None:
    for path in paths(application):
        assert_no_foreign_address(foreign, path)


def test_path_with_a_trailing_slash_is_unknown(application: Starlette) -> None:
    with TestClient(application, follow_redirects=False) as http:
        for method, path in (("GET", "/login/"), ("POST", "/oauth/token/"), ("POST", "/graphql/"), ("GET", "/static")):
            assert http.request(method, path).status_code == 404, path


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(host, id=f"D3-{host.decode('latin-1')}")
        for host in (b"", b"[", b"a b", b"x/oauth/par?", b"x#", b"@x", b"\xff", b"x:99999", b"[::1", b"a,b")
    ],
)
def test_malformed_host_changes_nothing(settings: Settings, sqlite_url: str, host: bytes) -> None:
    with closing(build(settings.model_copy(update={"database_url": sqlite_url}))) as container:
        http = TestClient(create_app(container), follow_redirects=False)
        headers = [(b"Host", host)]
        assert http.get("/login", headers=headers).status_code == 200
        assert http.get("/account", headers=headers).headers["location"] == "/login?return_to=%2Faccount"
        refused = http.post("/oauth/token", data={"grant_type": "x"}, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
        assert http.get("/none", headers=headers).status_code == 404
