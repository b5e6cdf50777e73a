"""The metadata documents of the server and the resource (RFC 8414, RFC 9728)."""

import re
from urllib.parse import urlsplit

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from gateway.domain.api_version import PATHS
from gateway.domain.environment import LIVE, SANDBOX, Environment
from gateway.oauth.endpoints.client_endpoints import GRANT_TYPES
from gateway.oauth.metadata import server_metadata
from gateway.oauth.token_check import TokenCheck
from gateway.settings import Settings
from tests.support.oauth import pkce
from tests.support.oauth_world import OAuthWorld, probe

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
REQUIRED = {
    *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "scopes_supported", "grant_types_supported"),
    *("response_types_supported", "token_endpoint_auth_methods_supported", "pushed_authorization_request_endpoint"),
    *("token_endpoint_auth_signing_alg_values_supported", "authorization_response_iss_parameter_supported"),
    *("code_challenge_methods_supported", "dpop_signing_alg_values_supported"),
}


def test_1_server_metadata(world: OAuthWorld) -> None:
    response = world.http().get(SERVER)
    document = response.json()
    assert response.status_code == 200
    assert document["issuer"] == world.container.settings.issuer
    for name in ("authorization", "token", "pushed_authorization_request", "revocation"):
        assert document[f"{name}_endpoint"].startswith(f"{document['issuer']}/oauth/")


def test_1_authlib_accepts_the_document() -> None:
    settings = Settings(issuer="https://gateway.example")
    AuthorizationServerMetadata(server_metadata(settings, SANDBOX, GRANT_TYPES)).validate()


@pytest.mark.parametrize("environment", [SANDBOX, LIVE], ids=["sandbox", "live"])
def test_1_members_have_their_types(environment: Environment) -> None:
    document = server_metadata(Settings(issuer="https://gateway.example"), environment, GRANT_TYPES)
    assert document.keys() >= REQUIRED
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            parts = urlsplit(value)
            assert value.startswith("https://gateway.example/"), name
            assert not parts.query + parts.fragment, name
        elif isinstance(value, list):
            assert value, name  # empty members are omitted (RFC 8414 section 2)
            assert all(isinstance(item, str) for item in value), name
            assert len(set(value)) == len(value), name
        else:
            assert isinstance(value, bool) or name == "issuer", name


def test_1_endpoints_exist(world: OAuthWorld) -> None:
    document = world.http().get(SERVER).json()
    addresses = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) >= 8
    for name, address in addresses.items():
        suffix = "/x" if name == "grant_management_endpoint" else ""
        assert world.http().get(address + suffix).status_code != 404, name


@pytest.mark.parametrize(
    ("environment", "methods"), [(SANDBOX, ["client_secret_basic", "private_key_jwt"]), (LIVE, ["private_key_jwt"])]
)
def test_2_only_supported_features_are_listed(environment: Environment, methods: list[str]) -> None:
    document = server_metadata(Settings(issuer="https://gateway.example"), environment, GRANT_TYPES)
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["require_pushed_authorization_requests"] is True
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["response_types_supported"] == ["code"]
    assert document["response_modes_supported"] == ["query"]
    assert not {"password", "implicit"} & set(document["grant_types_supported"])
    assert set(document["scopes_supported"]) == set(environment.scopes)
    assert ("sandbox" in document["scopes_supported"]) is (environment is SANDBOX)
    for endpoint in ("token", "revocation", "introspection"):
        assert document[f"{endpoint}_endpoint_auth_methods_supported"] == methods
    algorithms = [value for name, value in document.items() if name.endswith("signing_alg_values_supported")]
    assert len(algorithms) == 4
    assert all(value == ["ES256", "PS256", "Ed25519", "EdDSA"] for value in algorithms)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example;proto=https"},
    ],
    ids=str,
)
def test_3_host_header_is_ignored(world: OAuthWorld, headers: dict[str, str]) -> None:
    http, bank = world.http(), world.bank
    for path in (SERVER, RESOURCE):
        assert http.get(path, headers=headers).json() == http.get(path).json()
    http.headers.update(headers)
    pushed = http.post("/oauth/par", data={**bank.parameters(pkce()[1]), **bank.authentication()}).json()
    assert pushed["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    authorization = http.post(
        "/oauth/device_authorization", data={"scope": "score:tier", **bank.authentication()}
    ).json()
    for name in ("verification_uri", "verification_uri_complete"):
        assert authorization[name].startswith(bank.issuer + "/device")
    assert "evil" not in str(authorization)
    login = http.get(bank.address(pushed["request_uri"])).headers["location"]
    assert login.startswith("/login?")
    assert "evil" not in login
    # The htu of a proof is compared with the configured issuer, not with the Host header.
    bank.nonce = world.nonces.current(world.container.clock())
    for htu, status in ((f"{bank.issuer}/oauth/token", 200), ("https://evil.example/oauth/token", 400)):
        form = {"grant_type": "client_credentials", **bank.authentication()}
        proof = {"DPoP": bank.proof("/oauth/token", htu=htu)}
        assert http.post("/oauth/token", data=form, headers=proof).status_code == status


def test_resource_metadata(world: OAuthWorld) -> None:
    issuer = world.container.settings.issuer
    for path in ("", "/graphql", "/graphql/2026-11"):
        document = world.http().get(RESOURCE + path).json()
        assert document["resource"] == issuer + path
        assert document["authorization_servers"] == [issuer]
        assert document["bearer_methods_supported"] == ["header"]


@pytest.mark.parametrize("path", [pytest.param(path, id=f"D4-{path}") for path in PATHS])
@pytest.mark.parametrize("scheme", [None, "Bearer", "DPoP"])
def test_challenge_names_the_metadata_of_the_requested_url(world: OAuthWorld, path: str, scheme: str | None) -> None:
    """RFC 9728 section 3.3: `resource` must be the URL that the client used."""
    issuer = world.container.settings.issuer
    api = Starlette(routes=[Route(path, TokenCheck(probe, world.container))])
    headers = {"Authorization": f"{scheme} sgw_test_at_x"} if scheme else {}
    challenges = TestClient(api).post(path, headers=headers).headers.get_list("www-authenticate")
    assert challenges
    for challenge in challenges:
        (address,) = re.findall(r'resource_metadata="([^"]+)"', challenge)
        document = world.http().get(address)
        assert document.status_code == 200
        assert document.json()["resource"] == issuer + path


def test_d4_server_and_resources_name_each_other(world: OAuthWorld) -> None:
    document = world.http().get(SERVER).json()
    for resource in document["protected_resources"]:
        path = resource.removeprefix(document["issuer"])
        described = world.http().get(RESOURCE + path).json()
        assert described["resource"] == resource
        assert described["authorization_servers"] == [document["issuer"]]


def test_d4_endpoint_that_is_no_resource_names_no_metadata(world: OAuthWorld) -> None:
    response = world.http().get("/oauth/grants/con_test_x")
    assert response.status_code == 401
    assert "resource_metadata" not in response.headers["www-authenticate"]


def test_d4_unknown_resource_has_no_metadata(world: OAuthWorld) -> None:
    for path in ("/graphql/2020-01", "/graphql/", "/oauth/token", "/account"):
        assert world.http().get(RESOURCE + path).status_code == 404
