"""What clients find out by themselves: the server's metadata (RFC 8414) and the resource's (RFC 9728)."""

from typing import Any

from gateway.domain.authorization_detail import TYPES
from gateway.domain.client import BASELINE
from gateway.domain.realm import Realm
from gateway.kit.jose import ALGORITHMS
from gateway.oauth import client_auth, grant_change, pkce
from gateway.settings import Settings

PAR, AUTHORIZE, TOKEN, REVOKE = "/oauth/par", "/oauth/authorize", "/oauth/token", "/oauth/revoke"
REGISTER, JWKS = "/oauth/register", "/oauth/jwks"
DEVICE_AUTHORIZATION = "/oauth/device_authorization"
DEVICE = "/device"
INTROSPECT, GRANTS = "/oauth/introspect", "/oauth/grants"
GRANT_ACTIONS = (*grant_change.ACTIONS, "query", "revoke")
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
        **_authentication("token", methods),
        "pushed_authorization_request_endpoint": settings.issuer + PAR,
        "require_pushed_authorization_requests": True,
        "device_authorization_endpoint": settings.issuer + DEVICE_AUTHORIZATION,
        "registration_endpoint": settings.issuer + REGISTER,
        "jwks_uri": settings.issuer + JWKS,
        "revocation_endpoint": settings.issuer + REVOKE,
        **_authentication("revocation", methods),
        "introspection_endpoint": settings.issuer + INTROSPECT,
        **_authentication("introspection", methods),
        "grant_management_endpoint": settings.issuer + GRANTS,
        "grant_management_actions_supported": list(GRANT_ACTIONS),
        "grant_management_action_required": False,
        "scopes_supported": list(realm.scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "code_challenge_methods_supported": [pkce.METHOD],
        "authorization_details_types_supported": list(TYPES),
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }


def resource_metadata(settings: Settings, realm: Realm, resource_path: str = "") -> dict[str, Any]:
    """The RFC 9728 document of the API; `resource_path` is what stands behind the well-known part of the address."""
    return {
        "resource": settings.issuer + resource_path,
        "authorization_servers": [settings.issuer],
        "scopes_supported": list(realm.scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Sesame Gateway",
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": BASELINE not in realm.profiles,
        "authorization_details_types_supported": list(TYPES),
    }


def _authentication(endpoint: str, methods: list[str]) -> dict[str, list[str]]:
    """How clients authenticate at an endpoint: the same at each."""
    return {
        f"{endpoint}_endpoint_auth_methods_supported": methods,
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }
