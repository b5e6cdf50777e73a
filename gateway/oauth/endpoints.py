"""The OAuth endpoints that clients call: what is registered with the server, and how each request reaches it."""

from collections.abc import Callable
from typing import Any

from gateway.oauth.authorization_code import AuthorizationCodeGrant
from gateway.oauth.bridge import Answer, AuthlibRequest, Endpoint
from gateway.oauth.client_credentials import ClientCredentialsGrant
from gateway.oauth.device_authorization import DeviceAuthorizationEndpoint
from gateway.oauth.device_code import DeviceCodeGrant
from gateway.oauth.dpop import NONCE_HEADER
from gateway.oauth.form import FrozenRequest, freeze
from gateway.oauth.introspection import IntrospectionEndpoint
from gateway.oauth.par import PushedAuthorizationRequestEndpoint
from gateway.oauth.pkce import S256
from gateway.oauth.refresh_token import RefreshTokenGrant
from gateway.oauth.revocation import RevocationEndpoint
from gateway.oauth.server import Parts, Server, guarded

GRANTS: tuple[tuple[Any, list[Any]], ...] = (
    (AuthorizationCodeGrant, [S256()]),
    (RefreshTokenGrant, []),
    (ClientCredentialsGrant, []),
    (DeviceCodeGrant, []),
)
"""Every grant of the token endpoint, with its extensions."""

GRANT_TYPES = [grant.GRANT_TYPE for grant, _ in GRANTS]


class ClientEndpoints:
    """PAR, token, device authorization, revocation and introspection as Starlette endpoints."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.par = self._endpoint(
            lambda server, request: server.create_endpoint_response(
                PushedAuthorizationRequestEndpoint.ENDPOINT_NAME, request
            )
        )
        self.token = self._endpoint(lambda server, request: server.create_token_response(request))
        self.device_authorization = self._endpoint(
            lambda server, request: server.create_endpoint_response(DeviceAuthorizationEndpoint.ENDPOINT_NAME, request)
        )
        self.revoke = self._endpoint(
            lambda server, request: server.create_endpoint_response(RevocationEndpoint.ENDPOINT_NAME, request)
        )
        self.introspect = self._endpoint(
            lambda server, request: server.create_endpoint_response(IntrospectionEndpoint.ENDPOINT_NAME, request)
        )

    def _endpoint(self, answer: Callable[[Server, AuthlibRequest], Any]) -> Endpoint[FrozenRequest]:
        def perform(frozen: FrozenRequest) -> Answer:
            with self._parts.database.write() as session:
                server = Server(self._parts, session, self._parts.clock())
                for grant, extensions in GRANTS:
                    server.register_grant(grant, extensions)
                server.register_endpoint(PushedAuthorizationRequestEndpoint)
                server.register_endpoint(DeviceAuthorizationEndpoint)
                server.register_endpoint(RevocationEndpoint)
                server.register_endpoint(IntrospectionEndpoint)
                request = server.create_oauth2_request(frozen)
                done = guarded(server, request, lambda: answer(server, request))
            if frozen.proofs:  # also with a refusal: use_dpop_nonce is answered by sending it back
                done.headers[NONCE_HEADER] = self._parts.proofs.nonces.current(server.wall)
            return done

        return Endpoint(perform, self._parts.clock, freeze)
