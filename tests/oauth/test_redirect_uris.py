"""Redirect URIs in requests and responses: kept byte by byte, and in a sandbox with any loopback port."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.domain.environment import LIVE
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.registration import Registrar, metadata

KEPT = [
    *("https://client.example/cb?x=%ff", "https://client.example/cb?flag", "https://client.example/cb?a=1;b=2"),
    *("https://client.example/cb?a=%7e&b=%2F", "https://client.example/cb?", "https://client.example/cb?a=+&&b"),
    *("https://client.example", "https://Client.Example/%2e%2e/cb?a[]=1", "HTTPS://client.example/cb"),
]


def answer(world: OAuthWorld, uri: str, decision: str, challenge: str | None = None) -> str:
    """The Location header of the answer to a request with this redirect URI."""
    pushed = world.bank.push(challenge, redirect_uri=uri)
    assert pushed.status_code == 201, pushed.text
    browser = world.browser()
    page = browser.open(world.bank.address(pushed.json()["request_uri"]), "mei", PASSWORD)
    response = browser.submit(page, "/oauth/authorize", decision=decision)
    assert response.status_code == 303
    return str(response.headers["location"])


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("uri", [pytest.param(uri, id=f"D7-{uri}") for uri in KEPT])
def test_redirect_uri_is_kept_byte_by_byte(world: OAuthWorld, uri: str, decision: str) -> None:
    world.change_client(world.bank, redirect_uris=[uri])
    location = answer(world, uri, decision)
    assert location.startswith(uri)
    added = location[len(uri) :].lstrip("?&")
    names = [name for name, _ in parse_qsl(added, keep_blank_values=True)]
    assert [name for name in names if name != "error_description"] == [
        *(["code"] if decision == "allow" else ["error"]),
        "state",
        "iss",
    ]


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(uri, id=f"D7-{uri}")
        for uri in ("https://client.example/cb?state=mine", "http://[::1]:9000/cb", "https://my_app.example/cb?code=1")
    ],
)
def test_uri_of_an_older_rule_keeps_working(world: OAuthWorld, uri: str) -> None:
    world.change_client(world.bank, redirect_uris=[uri])
    location = answer(world, uri, "allow")
    assert location.startswith(f"{uri}&" if "?" in uri else f"{uri}?")
    code = [value for name, value in parse_qsl(urlsplit(location).query) if name == "code"][-1]
    assert code.startswith("sgw_test_ac_")


def test_d7_client_keeps_an_older_uri_when_it_changes_its_registration(world: OAuthWorld) -> None:
    registrar, old = Registrar(world), "https://client.example/cb?state=mine"
    made = registrar.register()
    world.change_client(registrar.app(made), redirect_uris=[old])
    body = metadata(client_id=made["client_id"], redirect_uris=[old, CALLBACK], client_name="Renamed")
    assert registrar.manage("PUT", made, json=body).json()["redirect_uris"] == [old, CALLBACK]
    body = metadata(client_id=made["client_id"], redirect_uris=["https://client.example/cb?state=new"])
    refused = registrar.manage("PUT", made, json=body)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("port", [":1", ":9000", ":65535", ""])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_f6_sandbox_client_may_use_any_loopback_port(world: OAuthWorld, host: str, port: str) -> None:
    world.change_client(world.bank, redirect_uris=[f"http://{host}:8765/cb?x"])
    uri = f"http://{host}{port}/cb?x"
    location = answer(world, uri, "allow")
    assert location.startswith(f"{uri}&code=")


def test_f6_code_is_redeemed_with_the_port_of_its_request(world: OAuthWorld) -> None:
    world.change_client(world.bank, redirect_uris=["http://127.0.0.1:8765/cb"])
    verifier, challenge = pkce()
    code = query_of(answer(world, "http://127.0.0.1:4000/cb", "allow", challenge))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    other = world.bank.post("/oauth/token", {**form, "redirect_uri": "http://127.0.0.1:8765/cb"})
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert world.bank.post("/oauth/token", {**form, "redirect_uri": "http://127.0.0.1:4000/cb"}).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:9000/cb/",
            "http://127.0.0.1:9000/CB",
        ),
        *(
            "http://127.0.0.1:9000/cb?x",
            "http://localhost:9000/cb",
            "https://127.0.0.1:9000/cb",
            "http://127.0.0.1:x/cb",
        ),
        *("http://127.0.0.1:9000@evil.example/cb", "http://127.0.0.1:9000.evil.example/cb", "http://[::1]:9000/cb"),
        *("http://127.0.0.1:/cb", "http://127.0.0.1:9000/cb#x", "http://127.0.0.2:9000/cb", "http://client.example/cb"),
    ],
)
def test_f6_only_the_port_may_differ(world: OAuthWorld, uri: str) -> None:
    world.change_client(world.bank, redirect_uris=["http://127.0.0.1:8765/cb"])
    refused = world.bank.push(redirect_uri=uri)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_f6_live_compares_the_port(world: OAuthWorld) -> None:
    world.change_client(world.bank, redirect_uris=["http://127.0.0.1:8765/cb"])
    object.__setattr__(world.container, "environment", LIVE)
    assert world.bank.push(redirect_uri="http://127.0.0.1:8765/cb").status_code == 201
    assert world.bank.push(redirect_uri="http://127.0.0.1:8766/cb").status_code == 400


def test_d7_state_returns_unchanged(world: OAuthWorld) -> None:
    state = "a b+c%20&d=e;f#g?h/~'\"\\"
    pushed = world.bank.push(state=state)
    browser = world.browser()
    page = browser.open(world.bank.address(pushed.json()["request_uri"]), "mei", PASSWORD)
    response = browser.submit(page, "/oauth/authorize", decision="allow")
    assert query_of(response.headers["location"])["state"] == state
