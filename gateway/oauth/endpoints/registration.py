"""Dynamic client registration and its management (RFC 7591, RFC 7592), of clients of the profile fapi2."""

from collections.abc import Callable

from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor
from gateway.domain.identity.client import AUTHORIZATION_CODE
from gateway.domain.identity.client_metadata import ClientMetadata
from gateway.oauth import metadata
from gateway.oauth.authlib_adapter import NO_STORE, Answer, Endpoint, error_answer
from gateway.oauth.clients.private_key_jwt import METHOD
from gateway.oauth.endpoints.client_metadata import MetadataRefused, read_metadata, require_fitting
from gateway.oauth.request_parsing import ParsedDocument, UnreadableRequest, parse_document, parse_members
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork

LONGEST_TOKEN = 512
_SERVERS_OWN = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret")


class RegistrationEndpoints:
    """`register` takes new clients; `manage` shows, replaces and removes one. Neither returns a client secret."""

    def __init__(self, container: Container) -> None:
        self._container, self._issuer = container, container.settings.issuer
        self.register = Endpoint(self._register, container.clock, parse_document)
        self.manage = Endpoint(self._manage, container.clock, parse_document)

    def _register(self, request: ParsedDocument) -> Answer:
        token, registrations = _token(request), self._container.registrations
        # A unit that only reads comes first: requests without an invitation never wait for the writer.
        if token is None or not self._container.database.read(lambda unit: registrations.invited(unit, token)):
            return self._unauthorized(request)

        def perform() -> Answer:
            described = self._with_keys(read_metadata(parse_members(request.body)))
            made = self._container.database.write(lambda unit: registrations.register(unit, token, described))
            return self._unauthorized(request) if made is None else self._answer(201, *made)

        return _refusing(perform)

    def _manage(self, request: ParsedDocument) -> Answer:
        token, registrations = _token(request), self._container.registrations
        if token is None:
            return self._unauthorized(request)
        row = self._container.database.read(lambda unit: registrations.authenticated(unit, request.client_id, token))
        if row is None:
            return self._unauthorized(request)
        if request.method == "GET":
            return self._answer(200, row, token)

        def perform() -> Answer:
            replacing = self._replacement(request) if request.method == "PUT" else None
            return self._container.database.write(lambda unit: self._change(unit, request, token, replacing))

        return _refusing(perform)

    def _change(
        self, unit: UnitOfWork, request: ParsedDocument, token: str, replacing: ClientMetadata | None
    ) -> Answer:
        """Replaces the client's metadata, or removes the client. Raises InvalidInput."""
        registrations = self._container.registrations
        row = registrations.authenticated(unit, request.client_id, token, lock=True)
        if row is None:  # removed meanwhile
            return self._unauthorized(request)
        if replacing is None:
            self._container.clients.disable(unit, row.id, actor=Actor.MERCHANT)
            return Answer(204, None, dict(NO_STORE))
        registrations.replace(unit, row, replacing)
        return self._answer(200, row, token)

    def _replacement(self, request: ParsedDocument) -> ClientMetadata:
        """The metadata that replaces that of the client. Raises MetadataRefused, UnreadableRequest (RFC 7592 section
        2.2)."""
        sent = parse_members(request.body)
        if sent.get("client_id") != request.client_id:
            raise MetadataRefused("invalid_client_metadata", "client_id must be that of the client.")
        for name in _SERVERS_OWN:
            if name in sent:
                raise MetadataRefused("invalid_client_metadata", f"{name} cannot be changed. Leave it out.")
        return self._with_keys(read_metadata(sent))

    def _with_keys(self, described: ClientMetadata) -> ClientMetadata:
        """The same metadata, once the keys at its jwks_uri, if it has one, have been fetched and can be used. This may
        take seconds: no unit of work has begun, and the request has a good token. Raises MetadataRefused."""
        if described.jwks_uri is not None:
            try:
                fetched = self._container.client_keys.fetch(described.jwks_uri)
            except KeysRefused as refused:
                raise MetadataRefused("invalid_client_metadata", f"jwks_uri: {refused.message}") from None
            require_fitting(fetched.key_set, described.signing_alg)
        return described

    def _answer(self, status: int, row: ClientRow, token: str) -> Answer:
        """The client information response (RFC 7591 section 3.2.1): the metadata in force, and what awaits approval."""
        body = {
            "client_id": row.id,
            "client_id_issued_at": int(row.created_at.timestamp()),
            "registration_access_token": token,
            "registration_client_uri": f"{self._issuer}{metadata.REGISTER}/{row.id}",
            "client_name": row.name,
            "redirect_uris": row.redirect_uris,
            "grant_types": row.grant_types,
            "response_types": ["code"] if AUTHORIZATION_CODE in row.grant_types else [],
            "token_endpoint_auth_method": METHOD,
            **({"jwks": row.jwks} if row.jwks_uri is None else {"jwks_uri": row.jwks_uri}),
            "scope": " ".join(row.scopes),
            "authorization_details_types": row.authorization_details_types,
            "dpop_bound_access_tokens": True,
            "require_pushed_authorization_requests": True,
        }
        if row.token_endpoint_auth_signing_alg is not None:
            body["token_endpoint_auth_signing_alg"] = row.token_endpoint_auth_signing_alg
        if row.awaiting is not None:
            body["awaiting_approval"] = row.awaiting
        return Answer(status, body, dict(NO_STORE))

    def _unauthorized(self, request: ParsedDocument) -> Answer:
        """401 (RFC 6750 section 3): the same for every token that is not good, no error code where there was none."""
        challenge = f'Bearer realm="{self._issuer}"'
        if request.authorization is not None:
            challenge += ', error="invalid_token"'
        answer = error_answer(
            401, "invalid_token", "A registration token is required, and this request has no good one."
        )
        answer.headers["WWW-Authenticate"] = challenge
        return answer


def _token(request: ParsedDocument) -> str | None:
    """The bearer token of the request, or None if it sends no token that this deployment could have issued."""
    scheme, _, token = (request.authorization or "").partition(" ")
    token = token.strip()
    usable = scheme.lower() == "bearer" and token.isascii() and 0 < len(token) <= LONGEST_TOKEN
    return token if usable else None


def _refusing(perform: Callable[[], Answer]) -> Answer:
    """The result of `perform`, or its error as an answer (RFC 7591 section 3.2.2)."""
    try:
        return perform()
    except UnreadableRequest as refused:
        return error_answer(refused.status, "invalid_request", refused.message)
    except MetadataRefused as refused:
        return error_answer(400, refused.code, refused.message)
    except InvalidInput as error:
        field = ".".join(error.field or ())
        return error_answer(400, "invalid_client_metadata", f"{field}: {error.message}" if field else error.message)
