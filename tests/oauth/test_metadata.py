"""What clients find out by themselves (RFC 8414, RFC 9728)."""

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from gateway.domain.realm import LIVE, SANDBOX
from gateway.domain.scope import SCOPES
from gateway.oauth.endpoints import GRANT_TYPES
from gateway.oauth.metadata import server_metadata
from gateway.settings import Settings
from tests.support.oauth_world import World

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"


def test_1_the_server_describes_itself(world: World) -> None:
    answer = world.http().get(SERVER)
    document = answer.json()
    assert answer.status_code == 200
    assert document["issuer"] == world.parts.settings.issuer
    for name in ("authorization", "token", "pushed_authorization_request", "revocation"):
        assert document[f"{name}_endpoint"].startswith(f"{document['issuer']}/oauth/")


def test_1_the_document_passes_authlibs_check() -> None:
    settings = Settings(issuer="https://gateway.example")
    AuthorizationServerMetadata(server_metadata(settings, SANDBOX, GRANT_TYPES)).validate()


def test_2_only_what_works_is_listed(world: World) -> None:
    document = world.http().get(SERVER).json()
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["require_pushed_authorization_requests"] is True
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert document["response_types_supported"] == ["code"]
    assert set(document["scopes_supported"]) == set(SCOPES)
    assert not {"introspection_endpoint", "jwks_uri", "registration_endpoint"} & document.keys()


def test_2_live_has_no_client_secrets_and_no_sandbox_scope() -> None:
    document = server_metadata(Settings(issuer="https://gateway.example"), LIVE, GRANT_TYPES)
    assert document["token_endpoint_auth_methods_supported"] == []
    assert "sandbox" not in document["scopes_supported"]


def test_3_the_host_header_changes_nothing(world: World) -> None:
    http = world.http()
    assert http.get(SERVER, headers={"Host": "evil.example"}).json() == http.get(SERVER).json()


def test_the_resource_names_its_server(world: World) -> None:
    issuer = world.parts.settings.issuer
    for path in ("", "/graphql"):
        document = world.http().get(RESOURCE + path).json()
        assert document["resource"] == issuer + path
        assert document["authorization_servers"] == [issuer]
        assert document["bearer_methods_supported"] == ["header"]


def test_33_no_endpoint_opens_itself_to_other_origins(world: World) -> None:
    for path in (SERVER, "/oauth/authorize", "/login"):
        headers = world.http().get(path, headers={"Origin": "https://evil.example"}).headers
        assert "access-control-allow-origin" not in headers
