"""The requests and responses of docs/oauth.md are those of the endpoints: each parameter that it shows is sent, and
each response has the members that it shows."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qsl

import pytest
from joserfc.util import urlsafe_b64decode

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.executed_page import assert_fits
from tests.support.fapi import FapiApp, ath, new_key, public
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.page_blocks import block
from tests.support.point_of_sale import decide
from tests.support.registration import Registrar

TERMS = {"purpose": "CAR_RENTAL", "duration": "P30D"}
DETAILS = [
    {"type": "score", "level": "tier", **TERMS},
    {
        "type": "decision",
        "products": ["DEPOSIT_WAIVER"],
        "maximum_amount": {"amount": "2000.00", "currency": "CNY"},
        **TERMS,
    },
]


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def app(world: OAuthWorld) -> FapiApp:
    return world.bank


def names(text: str) -> set[str]:
    """The names of the parameters in a part of a block."""
    return set(re.findall(r"(?:^|[\s?&])(\w+)=(?!\s)", text))


def own_prefix(text: str) -> str:
    """The text of a sandbox with the prefixes of a live deployment."""
    return text.replace("_test_", "_")


def test_metadata_is_at_the_stated_addresses(world: OAuthWorld) -> None:
    for line in block("docs/oauth.md", "GET /.well-known/oauth-authorization-server").splitlines():
        method, path, _ = line.split(maxsplit=2)
        assert world.http().request(method, path).status_code == 200


def test_code_flow_has_the_stated_parameters(world: OAuthWorld, app: FapiApp) -> None:
    push, authorize, redeem = block("docs/oauth.md", "POST /oauth/par").split("\n\n")
    verifier, challenge = pkce()
    parameters = app.parameters(challenge, authorization_details=DETAILS, client_id=None)
    assert parameters.keys() == names(push)
    for decision, stated in (("deny", "error=access_denied"), ("allow", "code=")):
        pushed = app.post("/oauth/par", parameters)
        assert (pushed.status_code, pushed.json()["expires_in"]) == (201, 90)
        request = authorize.splitlines()[0].split()[1]
        assert names(request) == {"client_id", "request_uri"}
        browser = world.browser()
        page = browser.open(app.address(pushed.json()["request_uri"]), "mei", PASSWORD)
        back = browser.submit(page, "/oauth/authorize", decision=decision)
        (line,) = (each for each in authorize.splitlines() if stated in each)
        arrow, status, _, *_ = line.split()
        assert (arrow, int(status)) == ("->", back.status_code)
        assert query_of(back.headers["location"]).keys() == names(line)
    code = query_of(back.headers["location"])["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    assert form.keys() == names(redeem)
    tokens = app.post("/oauth/token", form)
    assert_fits(json.loads(own_prefix(tokens.text)), json.loads(block("docs/oauth.md", '{\n  "access_token"')))


def test_token_is_used_refreshed_and_revoked(world: OAuthWorld, app: FapiApp) -> None:
    tokens = app.tokens(world.browser(), "mei", PASSWORD)
    foreign = world.rival.tokens(world.browser(), "bo", PASSWORD)["access_token"]
    claims = re.findall(r"\w+", block("docs/oauth.md", "POST /graphql\n").partition("RFC 9449:")[2])
    app.call(tokens["access_token"])
    proof = app.proof("/graphql", ath=ath(tokens["access_token"]))
    assert set(claims) == json.loads(urlsafe_b64decode(proof.split(".")[1].encode())).keys()
    assert app.call(tokens["access_token"]).status_code == 200

    lines = block("docs/oauth.md", "POST /oauth/token      grant_type=refresh_token").splitlines()
    refresh, merchant, revoke, introspect = (line.split()[1:3] for line in lines)
    refreshed = app.post(refresh[0], filled(refresh[1], tokens["refresh_token"]))
    assert refreshed.status_code == 200
    assert "refresh_token" not in refreshed.json()
    assert app.post(merchant[0], filled(merchant[1], "")).json()["scope"] == "decisions:read"
    assert app.post(introspect[0], filled(introspect[1], refreshed.json()["access_token"])).json()["active"] is True
    assert app.post(introspect[0], filled(introspect[1], foreign)).json() == {"active": False}
    assert '{"active": false}' in lines[3]
    assert app.post(revoke[0], filled(revoke[1], tokens["refresh_token"])).status_code == 200
    assert app.call(refreshed.json()["access_token"]).status_code == 401


def filled(form: str, value: str) -> dict[str, str]:
    """The parameters of a form, with this value for `...`."""
    return {name: value if text == "..." else text for name, text in parse_qsl(form)}


def test_grant_is_read_and_ended(world: OAuthWorld, app: FapiApp) -> None:
    grant_id = app.tokens(world.browser(), "mei", PASSWORD)["grant_id"]
    token = app.merchant_token(scope="grant_management_query grant_management_revoke").json()["access_token"]
    for line in block("docs/oauth.md", "GET    /oauth/grants").splitlines():
        method, path, status, *_ = line.replace("{grant_id}", grant_id).split()
        assert app.call(token, path, method).status_code == int(status.removesuffix(":"))
    assert app.call(token, f"/oauth/grants/{grant_id}", "GET").status_code == 404


def test_device_grant_at_a_point_of_sale(world: OAuthWorld, app: FapiApp, clock: MovableClock) -> None:
    ask, poll = block("docs/oauth.md", "POST /oauth/device_authorization").split("\n\n")
    details, _, stated = ask.partition("authorization_details=")[2].partition("->")
    authorization = app.post("/oauth/device_authorization", {"authorization_details": json.dumps(json.loads(details))})
    assert authorization.json().keys() == set(re.findall(r"[a-z]\w*", stated.partition("(")[0]))
    path, form = poll.split()[1:3]
    parameters = filled(form, authorization.json()["device_code"])
    errors = [app.post(path, parameters).json()["error"] for _ in range(2)]
    decide(world.browser(), authorization.json()["user_code"])
    clock.advance(minutes=1)
    assert app.post(path, parameters).status_code == 200
    clock.advance(minutes=1)
    assert app.post(path, parameters).status_code == 400
    denied, expired = (
        app.post("/oauth/device_authorization", {"authorization_details": json.dumps(json.loads(details))}).json()
        for _ in range(2)
    )
    decide(world.browser(), denied["user_code"], "deny")
    errors.append(app.post(path, filled(form, denied["device_code"])).json()["error"])
    clock.advance(hours=1)
    errors.append(app.post(path, filled(form, expired["device_code"])).json()["error"])
    results = re.sub(r"\(.*?\)", "", poll.partition("->")[2]).split("|")
    assert [*errors, "the token, once"] == [each.strip() for each in results]


def test_client_registers_itself(world: OAuthWorld) -> None:
    request, authorization, body = block("docs/oauth.md", "POST /oauth/register").split("\n", 2)
    registrar = Registrar(world)
    key = public(new_key())
    for member in ("x", "y"):
        body = body.replace(f'"{member}": "..."', f'"{member}": "{key[member]}"')
    token = registrar.invite()
    name, scheme, start = authorization.split()[:3]
    assert token.startswith(start.removesuffix("...").replace("sgw_", "sgw_test_"))
    method, path = request.split()
    headers = {name.removesuffix(":"): f"{scheme} {token}"}
    response = world.http().request(method, path, json=json.loads(body), headers=headers)
    assert response.status_code == 201, response.text
    assert response.json().items() >= json.loads(body).items()
