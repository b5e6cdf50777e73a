"""The OAuth endpoints that clients call: what is registered with the server, and how each request reaches it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gateway.kit.jose import JoseRefused
from gateway.oauth.authorization_code import AuthorizationCodeGrant
from gateway.oauth.bridge import Answer, AuthlibRequest, Endpoint, error_answer
from gateway.oauth.client_credentials import ClientCredentialsGrant
from gateway.oauth.device_authorization import DeviceAuthorizationEndpoint
from gateway.oauth.device_code import DeviceCodeGrant
from gateway.oauth.dpop import NONCE_HEADER
from gateway.oauth.form import FrozenRequest, freeze
from gateway.oauth.introspection import IntrospectionEndpoint
from gateway.oauth.par import PushedAuthorizationRequestEndpoint
from gateway.oauth.pkce import S256
from gateway.oauth.private_key_jwt import ASSERTION_TYPE, KeysAtHand, PrivateKeyJwt
from gateway.oauth.refresh_token import RefreshTokenGrant
from gateway.oauth.revocation import RevocationEndpoint
from gateway.oauth.server import Parts, Server, guarded
from gateway.services.client_keys import KeysRefused
from gateway.store import clients

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
            wall = self._parts.clock()
            try:
                at_hand = self._keys_at_hand(frozen, wall)
            except KeysRefused:
                return error_answer(401, "invalid_client", "The client's keys could not be fetched from its jwks_uri.")
            with self._parts.database.write() as session:
                server = Server(self._parts, session, self._parts.clock(), at_hand)
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

    def _keys_at_hand(self, frozen: FrozenRequest, wall: datetime) -> KeysAtHand | None:
        """The keys of a client that has them at a jwks_uri, None for any other. They are fetched for an assertion that
        lacks nothing but a look at its signature, and outside of any unit of work. Raises KeysRefused."""
        token = frozen.form.get("client_assertion")
        if token is None or frozen.form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        if frozen.authorization is not None:  # one method too many, which is refused later
            return None
        try:
            client_id, kid = PrivateKeyJwt(self._parts.settings.issuer, wall).named(token)
        except JoseRefused:
            return None
        with self._parts.database.read() as session:
            row = clients.load(session, client_id)
            uri = row.jwks_uri if row is not None and row.profile in self._parts.realm.profiles else None
        if uri is None:
            return None
        return KeysAtHand(client_id, uri, self._parts.client_keys.at_hand(client_id, uri, kid))
