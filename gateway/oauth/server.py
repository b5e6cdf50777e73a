"""The authorization server of one request: Authlib's core around one unit of work (RFC 6749)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc9207 import IssuerParameter

from gateway.kit.clock import WallTime
from gateway.oauth.authlib_adapter import AuthlibRequest, OAuthResponse
from gateway.oauth.clients import authentication, private_key_jwt
from gateway.oauth.clients.client import Client
from gateway.oauth.clients.private_key_jwt import Assertion
from gateway.oauth.dpop import REMEMBERED, InvalidDpopProofError, Proof
from gateway.oauth.request_parsing import ParsedRequest, split_authorization
from gateway.services.container import Container
from gateway.store.unit import UnitOfWork

TOKEN = "token"  # noqa: S105  # Authlib's name of the token endpoint
LONGEST_WAIT = timedelta(minutes=1)
"""The longest time between the verification of a request and the begin of its unit of work. Used proofs and assertions
are remembered for this much longer."""

_FAILED = "Client authentication failed."


@dataclass(frozen=True, slots=True)
class Verified:
    """The results of the verification at `at`, before the unit of work of a request: its proof of possession and its
    client assertion."""

    at: WallTime
    proof: Proof | None = None
    assertion: Assertion | None = None


class ResponseIssuer(IssuerParameter):  # type: ignore[misc]  # Authlib has no types
    """Adds `iss` to every authorization response (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """The server of one unit of work. It can authenticate a client only if it has `verified`. `proof` is the proof of
    possession of the request, None until the client is authenticated."""

    proof: Proof | None = None

    def __init__(self, container: Container, unit: UnitOfWork, verified: Verified | None = None) -> None:
        super().__init__()
        self.container, self.unit, self._verified = container, unit, verified
        for name, method in authentication.methods(verified.assertion if verified else None).items():
            self.register_client_auth_method(name, method)
        self.register_extension(ResponseIssuer(container.settings.issuer))

    def query_client(self, client_id: str) -> Client | None:
        """The client. None if it is unknown or disabled, or its profile does not exist in this environment."""
        row, environment = self.unit.clients.load(client_id), self.container.environment
        if row is None or row.profile not in environment.profiles:
            return None
        return Client(row, any_loopback_port=environment.any_loopback_port)

    def identify_client(self, request: Any, endpoint: str = TOKEN) -> Client:
        """The client of a secret or assertion. Only reads. Raises InvalidClientError, which is the same for an unknown
        client, a wrong secret and an invalid assertion."""
        methods = authentication.supported(self.container.environment)
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
            authentication.require_same_client(client, request)
        except InvalidClientError:
            raise InvalidClientError(_FAILED) from None
        return client

    def authenticate_client(self, request: Any, methods: Any = None, endpoint: str = TOKEN) -> Client:
        """The authenticated client. Records the use of its assertion and proof. Raises InvalidDpopProofError, and
        InvalidClientError as `identify_client` does, also for a used assertion."""
        verified = self._verified
        assert verified is not None
        if self.unit.wall > verified.at + LONGEST_WAIT:
            raise TimeoutError("the request was verified too long ago")
        client = self.identify_client(request, endpoint)
        self._use_assertion(verified.assertion)
        proof = verified.proof
        usable_until = WallTime(self.unit.wall + REMEMBERED)
        if proof is not None and not self._first_use(proof.replay_key, proof.made_at, usable_until):
            raise InvalidDpopProofError("The proof has been used before.")
        if proof is None and endpoint == TOKEN and client.must_prove:
            raise InvalidDpopProofError("A DPoP proof is required.")
        self.proof = proof
        return client

    def _use_assertion(self, assertion: Assertion | None) -> None:
        if assertion is not None and not self._first_use(
            assertion.replay_key, assertion.made_at, assertion.usable_until
        ):
            raise InvalidClientError(_FAILED)

    def _first_use(self, key: str, made_at: WallTime, usable_until: WallTime) -> bool:
        return self.unit.replays.record_use(key, made_at, WallTime(usable_until + LONGEST_WAIT))

    def create_oauth2_request(self, request: Any) -> AuthlibRequest:
        if isinstance(request, ParsedRequest):
            return AuthlibRequest(request, self.container.settings.issuer)
        assert isinstance(request, AuthlibRequest)
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> OAuthResponse:
        return OAuthResponse.build(status, body, headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> OAuthResponse:
        return build_error_response(self.container, request.parsed, error)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Does nothing: no signal is used."""


def build_error_response(container: Container, request: ParsedRequest, error: OAuth2Error) -> OAuthResponse:
    """The error response to a request. It contains nothing that the client sent. invalid_client is 401
    with a challenge (RFC 6749 section 5.2)."""
    status, body, headers = error(None)
    response = OAuthResponse.build(status, body, headers)
    if isinstance(error, InvalidClientError):
        return challenge_client(container, request, response)
    return response


def challenge_client(container: Container, request: ParsedRequest, response: OAuthResponse) -> OAuthResponse:
    """The response with status 401 and a challenge (RFC 9110 section 15.5.2). It is Basic if the client used Basic (RFC
    6749 section 5.2), and if the environment supports Basic and the client sent no assertion. Else the scheme is the
    name of the method that signs assertions, which no browser knows. Some client libraries read only the challenge of
    such a response, so this one repeats the error code."""
    used = split_authorization(request.authorization or "")[0] == "basic"
    supported = "client_secret_basic" in authentication.supported(container.environment)
    basic = used or (supported and "client_assertion" not in request.form)
    scheme, more = ("Basic", 'charset="UTF-8"') if basic else (private_key_jwt.METHOD, 'error="invalid_client"')
    response.status = 401
    response.headers["WWW-Authenticate"] = f'{scheme} realm="{container.settings.issuer}", {more}'
    return response


def catch_errors(server: Server, request: AuthlibRequest, respond: Callable[[], Any]) -> OAuthResponse:
    """The result of `respond`, or its error as a response: an OAuth error of a grant, which Authlib does not catch, or
    invalid_request for the ValueError that Authlib raises for characters that RFC 6749 does not allow."""
    try:
        response: OAuthResponse = respond()
    except OAuth2Error as error:
        return server.handle_error_response(request, error)
    except ValueError as error:
        if "forbidden characters" not in str(error):
            raise
        return server.handle_error_response(
            request, InvalidRequestError("A parameter contains characters that are not allowed there.")
        )
    return response
