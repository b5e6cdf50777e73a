"""The metadata of the authorization server (RFC 8414) and of the resource (RFC 9728)."""

from typing import Any

from gateway.domain import api_version
from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.environment import Environment
from gateway.domain.identity.client import BASELINE
from gateway.kit.jose import ALGORITHMS
from gateway.oauth.clients import authentication
from gateway.oauth.grants import grant_change, pkce
from gateway.settings import Settings

PAR, AUTHORIZE, TOKEN, REVOKE = "/oauth/par", "/oauth/authorize", "/oauth/token", "/oauth/revoke"
REGISTER, JWKS = "/oauth/register", "/oauth/jwks"
DEVICE_AUTHORIZATION = "/oauth/device_authorization"
DEVICE = "/device"
INTROSPECT, GRANTS = "/oauth/introspect", "/oauth/grants"
GRANT_ACTIONS = (*grant_change.ACTIONS, "query", "revoke")
SERVER_METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
RESOURCES = ("", *api_version.PATHS)
"""The paths of the resources. Each has a document of its own. All are the same API, and every token is for it. The
first is for clients that know only the issuer."""


def server_metadata(settings: Settings, environment: Environment, grant_types: list[str]) -> dict[str, Any]:
    """The RFC 8414 document. Every URL begins with the configured issuer. Only supported features are listed."""
    methods = authentication.supported(environment)
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
        "scopes_supported": list(environment.scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "code_challenge_methods_supported": [pkce.METHOD],
        "authorization_details_types_supported": list(TYPES),
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "protected_resources": [settings.issuer + path for path in RESOURCES],
    }


def resource_metadata(settings: Settings, environment: Environment, path: str) -> dict[str, Any]:
    """The RFC 9728 document of the resource at this path, which is one of RESOURCES and follows the well-known part of
    the document's URL."""
    return {
        "resource": settings.issuer + path,
        "authorization_servers": [settings.issuer],
        "scopes_supported": list(environment.scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Sesame Gateway",
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": BASELINE not in environment.profiles,
        "authorization_details_types_supported": list(TYPES),
    }


def _authentication(endpoint: str, methods: list[str]) -> dict[str, list[str]]:
    """The client authentication members of an endpoint. They are the same for each endpoint."""
    return {
        f"{endpoint}_endpoint_auth_methods_supported": methods,
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }
