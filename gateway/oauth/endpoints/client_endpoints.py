"""The OAuth endpoints that clients call: what is verified before a request's unit of work, and what the unit does."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error, UnsupportedGrantTypeError

from gateway.kit.clock import WallTime
from gateway.oauth.authlib_adapter import Answer, Endpoint, error_answer
from gateway.oauth.clients.authentication import require_one_method
from gateway.oauth.clients.private_key_jwt import AssertionCheck
from gateway.oauth.dpop import NONCE_HEADER, Proof, ProofCheck
from gateway.oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from gateway.oauth.endpoints.introspection import IntrospectionEndpoint
from gateway.oauth.endpoints.par import PushedAuthorizationRequestEndpoint
from gateway.oauth.endpoints.revocation import RevocationEndpoint
from gateway.oauth.grants.authorization_code import AuthorizationCodeGrant
from gateway.oauth.grants.client_credentials import ClientCredentialsGrant
from gateway.oauth.grants.device_code import DeviceCodeGrant
from gateway.oauth.grants.pkce import S256
from gateway.oauth.grants.refresh_token import RefreshTokenGrant
from gateway.oauth.request_parsing import ParsedRequest, parse_request
from gateway.oauth.server import TOKEN, Server, Verified, guarded, refuse
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused
from gateway.store.unit import UnitOfWork

GRANTS: tuple[tuple[Any, list[Any]], ...] = (
    (AuthorizationCodeGrant, [S256()]),
    (RefreshTokenGrant, []),
    (ClientCredentialsGrant, []),
    (DeviceCodeGrant, []),
)
"""Every grant of the token endpoint, with its extensions."""

GRANT_TYPES = [grant.GRANT_TYPE for grant, _ in GRANTS]
_PAR = PushedAuthorizationRequestEndpoint.ENDPOINT_NAME
_ENDPOINTS = (
    PushedAuthorizationRequestEndpoint,
    DeviceAuthorizationEndpoint,
    RevocationEndpoint,
    IntrospectionEndpoint,
)


class ClientEndpoints:
    """PAR, token, device authorization, revocation and introspection as Starlette endpoints."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._assertions = AssertionCheck(container)
        self._proofs = ProofCheck(container.settings.issuer, container.secrets)
        self.par = self._endpoint(_PAR)
        self.token = self._endpoint(TOKEN)
        self.device_authorization = self._endpoint(DeviceAuthorizationEndpoint.ENDPOINT_NAME)
        self.revoke = self._endpoint(RevocationEndpoint.ENDPOINT_NAME)
        self.introspect = self._endpoint(IntrospectionEndpoint.ENDPOINT_NAME)

    def _endpoint(self, name: str) -> Endpoint[ParsedRequest]:
        return Endpoint(partial(self._perform, name), self._container.clock, parse_request)

    def _perform(self, name: str, request: ParsedRequest) -> Answer:
        wall = self._container.clock()
        try:
            assertion = self._assertions.verify(request, wall)
        except KeysRefused:
            return error_answer(401, "invalid_client", "The client's keys could not be fetched from its jwks_uri.")
        try:
            if name == TOKEN:
                _require_grant_type(request.form)
            proof = self._verify_proof(name, request, wall)
            require_one_method(request)
        except OAuth2Error as error:
            answer = refuse(self._container, request.form, error)
        else:
            verified = Verified(wall, proof, assertion)
            answer = self._container.database.write(lambda unit: self._answer(unit, name, request, verified))
        if request.proofs:  # also with a refusal: use_dpop_nonce is answered by sending the nonce back
            answer.headers[NONCE_HEADER] = self._proofs.nonces.current(wall)
        return answer

    def _verify_proof(self, name: str, request: ParsedRequest, wall: WallTime) -> Proof | None:
        """The proof of possession of a request, at the endpoints where it binds what is issued (RFC 9449 sections 5 and
        10.1). A pushed request needs no nonce: its proof only names the key, which is proved when the code is
        redeemed. Raises InvalidDpopProofError, UseDpopNonceError."""
        if not request.proofs or name not in {TOKEN, _PAR}:
            return None
        nonce_required = name == TOKEN
        return self._proofs.check(request.proofs, "POST", request.path, wall, nonce_required=nonce_required)

    def _answer(self, unit: UnitOfWork, name: str, parsed: ParsedRequest, verified: Verified) -> Answer:
        server = Server(self._container, unit, verified)
        for grant, extensions in GRANTS:
            server.register_grant(grant, extensions)
        for endpoint in _ENDPOINTS:
            server.register_endpoint(endpoint)
        request = server.create_oauth2_request(parsed)
        if name == TOKEN:
            return guarded(server, request, lambda: server.create_token_response(request))
        return guarded(server, request, lambda: server.create_endpoint_response(name, request))


def _require_grant_type(form: Mapping[str, str]) -> None:
    """Raises InvalidRequestError where the form names no grant type, UnsupportedGrantTypeError for an unknown one."""
    if "grant_type" not in form:
        raise InvalidRequestError("The grant_type is missing.")
    if form["grant_type"] not in GRANT_TYPES:
        raise UnsupportedGrantTypeError(form["grant_type"])
