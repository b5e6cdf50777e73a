"""The OAuth endpoints that clients call: the verification before the unit of work of a request, and that unit."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error, UnsupportedGrantTypeError

from gateway.kit.clock import WallTime
from gateway.oauth.authlib_adapter import Endpoint, OAuthResponse, error_response
from gateway.oauth.clients.authentication import require_one_method
from gateway.oauth.clients.private_key_jwt import AssertionCheck, ClientChanged
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
from gateway.oauth.server import TOKEN, Server, Verified, build_error_response, catch_errors, challenge_client
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused
from gateway.store.unit import UnitOfWork

GRANTS: tuple[tuple[Any, list[Any]], ...] = (
    (AuthorizationCodeGrant, [S256()]),
    (RefreshTokenGrant, []),
    (ClientCredentialsGrant, []),
    (DeviceCodeGrant, []),
)
"""The grants of the token endpoint, with their Authlib extensions."""

GRANT_TYPES = [grant.GRANT_TYPE for grant, _ in GRANTS]
_PAR = PushedAuthorizationRequestEndpoint.ENDPOINT_NAME
_GRANTS = {grant.GRANT_TYPE: (grant, extensions) for grant, extensions in GRANTS}
_ENDPOINTS: Mapping[str, Any] = {
    endpoint.ENDPOINT_NAME: endpoint
    for endpoint in (
        PushedAuthorizationRequestEndpoint,
        DeviceAuthorizationEndpoint,
        RevocationEndpoint,
        IntrospectionEndpoint,
    )
}


class ClientEndpoints:
    """PAR, token, device authorization, revocation and introspection as Starlette endpoints."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._assertions = AssertionCheck(container)
        self._proofs = ProofCheck(container.settings.issuer, container.secrets, lambda: container.replays.epoch)
        self.par = self._endpoint(_PAR)
        self.token = self._endpoint(TOKEN)
        self.device_authorization = self._endpoint(DeviceAuthorizationEndpoint.ENDPOINT_NAME)
        self.revoke = self._endpoint(RevocationEndpoint.ENDPOINT_NAME)
        self.introspect = self._endpoint(IntrospectionEndpoint.ENDPOINT_NAME)

    def _endpoint(self, name: str) -> Endpoint[ParsedRequest]:
        return Endpoint(self._container, partial(self.perform, name), parse_request)

    def perform(self, name: str, request: ParsedRequest) -> OAuthResponse:
        """The response to a request at the endpoint of this name."""
        try:
            return self._respond(name, request, read_client=False)
        except ClientChanged:  # nothing was written
            return self._respond(name, request, read_client=True)

    def _respond(self, name: str, request: ParsedRequest, *, read_client: bool) -> OAuthResponse:
        """The response. Raises ClientChanged, unless `read_client`."""
        wall = self._container.clock()
        try:
            assertion = self._assertions.verify(request, wall, read_client=read_client)
        except KeysRefused:
            text = "The client's keys could not be fetched from its jwks_uri."
            return challenge_client(self._container, request, error_response(401, "invalid_client", text))
        try:
            if name == TOKEN:
                _require_grant_type(request.form)
            verified = Verified(wall, self._verify_proof(name, request, wall), assertion)
            require_one_method(request)
            if assertion is None:  # a reading unit runs first, so that strangers never wait for the writer
                self._container.database.read(lambda unit: self._identify(unit, request, verified))
        except OAuth2Error as error:
            response = build_error_response(self._container, request, error)
        else:
            response = self._container.database.write(lambda unit: self._run(unit, name, request, verified))
        if request.proofs:  # also with an error: after use_dpop_nonce the client needs a nonce
            response.headers[NONCE_HEADER] = self._proofs.nonces.current(wall)
        return response

    def _verify_proof(self, name: str, request: ParsedRequest, wall: WallTime) -> Proof | None:
        """The proof of possession of a request, at the endpoints where it binds a code or token to its key (RFC 9449
        sections 5 and 10.1). A pushed request needs no nonce: the key is proved again when the code is redeemed. Raises
        InvalidDpopProofError, UseDpopNonceError."""
        if not request.proofs or name not in {TOKEN, _PAR}:
            return None
        nonce_required = name == TOKEN
        return self._proofs.check(request.proofs, "POST", request.path, wall, nonce_required=nonce_required)

    def _identify(self, unit: UnitOfWork, parsed: ParsedRequest, verified: Verified) -> None:
        server = Server(self._container, unit, verified)
        server.identify_client(server.create_oauth2_request(parsed))

    def _run(self, unit: UnitOfWork, name: str, parsed: ParsedRequest, verified: Verified) -> OAuthResponse:
        server = Server(self._container, unit, verified)
        request = server.create_oauth2_request(parsed)
        if name == TOKEN:
            server.register_grant(*_GRANTS[parsed.form["grant_type"]])
            return catch_errors(server, request, lambda: server.create_token_response(request))
        server.register_endpoint(_ENDPOINTS[name])
        return catch_errors(server, request, lambda: server.create_endpoint_response(name, request))


def _require_grant_type(form: Mapping[str, str]) -> None:
    """Raises InvalidRequestError if the form has no grant type, UnsupportedGrantTypeError for an unknown one."""
    if "grant_type" not in form:
        raise InvalidRequestError("The grant_type is missing.")
    if form["grant_type"] not in GRANT_TYPES:
        raise UnsupportedGrantTypeError(form["grant_type"])
