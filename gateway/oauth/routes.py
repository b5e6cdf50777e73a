"""The routes that clients call. Persons open the authorization endpoint and the device page; those routes are in
`gateway.web.routes`."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.oauth import metadata
from gateway.oauth.challenges import oauth_body
from gateway.oauth.endpoints.client_endpoints import GRANT_TYPES, ClientEndpoints
from gateway.oauth.endpoints.grant_management import GrantManagement
from gateway.oauth.endpoints.jwks import KeySetEndpoint
from gateway.oauth.endpoints.registration import RegistrationEndpoints
from gateway.oauth.token_check import TokenCheck
from gateway.services.container import Container


def oauth_routes(container: Container) -> list[BaseRoute]:
    """Metadata, the endpoints of the authorization server, registration and grant management."""
    endpoints, registration = ClientEndpoints(container), RegistrationEndpoints(container)
    server = metadata.server_metadata(container.settings, container.environment, GRANT_TYPES)
    return [
        Route(metadata.TOKEN, endpoints.token.respond, methods=["POST"]),  # the most used one first
        Route(metadata.SERVER_METADATA, _document(server)),
        *(_resource_route(container, path) for path in metadata.RESOURCES),
        Route(metadata.PAR, endpoints.par.respond, methods=["POST"]),
        Route(metadata.DEVICE_AUTHORIZATION, endpoints.device_authorization.respond, methods=["POST"]),
        Route(metadata.REGISTER, registration.register.respond, methods=["POST"]),
        Route(metadata.REGISTER + "/{client_id}", registration.manage.respond, methods=["GET", "PUT", "DELETE"]),
        Route(metadata.JWKS, KeySetEndpoint(container).show),
        Route(metadata.REVOKE, endpoints.revoke.respond, methods=["POST"]),
        Route(metadata.INTROSPECT, endpoints.introspect.respond, methods=["POST"]),
        Route(metadata.GRANTS + "/{grant_id}", TokenCheck(GrantManagement(container), container, oauth_body)),
    ]


def _resource_route(container: Container, path: str) -> Route:
    document = metadata.resource_metadata(container.settings, container.environment, path)
    return Route(metadata.RESOURCE_METADATA + path, _document(document))


def _document(content: dict[str, Any]) -> Callable[[Request], Any]:
    async def show(_: Request) -> Response:
        return JSONResponse(content, headers={"Cache-Control": "public, max-age=300"})

    return show
