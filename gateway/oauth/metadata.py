"""What clients find out by themselves: the server's metadata (RFC 8414) and the resource's (RFC 9728)."""

from typing import Any

from gateway.domain.authorization_detail import TYPES
from gateway.domain.realm import Realm
from gateway.oauth import client_auth, pkce
from gateway.settings import Settings

PAR, AUTHORIZE, TOKEN, REVOKE = "/oauth/par", "/oauth/authorize", "/oauth/token", "/oauth/revoke"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
GRAPHQL = "/graphql"


def server_metadata(settings: Settings, realm: Realm, grant_types: list[str]) -> dict[str, Any]:
    """The RFC 8414 document. Every address begins with the configured issuer; only what works is listed."""
    methods = client_auth.supported(realm)
    return {
        "issuer": settings.issuer,
        "authorization_endpoint": settings.issuer + AUTHORIZE,
        "token_endpoint": settings.issuer + TOKEN,
        "token_endpoint_auth_methods_supported": methods,
        "pushed_authorization_request_endpoint": settings.issuer + PAR,
        "require_pushed_authorization_requests": True,
        "revocation_endpoint": settings.issuer + REVOKE,
        "revocation_endpoint_auth_methods_supported": methods,
        "scopes_supported": list(realm.scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "code_challenge_methods_supported": [pkce.METHOD],
        "authorization_details_types_supported": list(TYPES),
        "authorization_response_iss_parameter_supported": True,
    }


def resource_metadata(settings: Settings, realm: Realm, resource_path: str = "") -> dict[str, Any]:
    """The RFC 9728 document of the API; `resource_path` is what stands behind the well-known part of the address."""
    return {
        "resource": settings.issuer + resource_path,
        "authorization_servers": [settings.issuer],
        "scopes_supported": list(realm.scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Sesame Gateway",
        "authorization_details_types_supported": list(TYPES),
    }
