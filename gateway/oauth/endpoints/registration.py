"""Dynamic client registration and its management (RFC 7591, RFC 7592), for clients of the profile fapi2."""

from collections.abc import Callable, Sequence

from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor
from gateway.domain.identity.client import AUTHORIZATION_CODE
from gateway.domain.identity.client_metadata import ClientMetadata
from gateway.oauth import metadata
from gateway.oauth.authlib_adapter import NO_STORE, Endpoint, OAuthResponse, error_response
from gateway.oauth.clients.private_key_jwt import METHOD
from gateway.oauth.endpoints.client_metadata import MetadataRefused, read_metadata
from gateway.oauth.request_parsing import (
    ParsedDocument,
    UnreadableRequest,
    parse_document,
    parse_members,
    split_authorization,
)
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused, fitting_keys
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork

LONGEST_TOKEN = 512
_SERVER_MEMBERS = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret")


class RegistrationEndpoints:
    """`register` registers a client; `manage` returns, replaces or removes one. Neither returns a client secret."""

    def __init__(self, container: Container) -> None:
        self._container, self._issuer = container, container.settings.issuer
        self.register = Endpoint(container, self._register, parse_document)
        self.manage = Endpoint(container, self._manage, parse_document)

    def _register(self, request: ParsedDocument) -> OAuthResponse:
        token, registrations = _token(request), self._container.registrations
        # A reading unit runs first, so that requests without an invitation never wait for the writer.
        if token is None or not self._container.database.read(lambda unit: registrations.is_invited(unit, token)):
            return self._unauthorized(request)

        def perform() -> OAuthResponse:
            client_metadata = self._check_keys(read_metadata(parse_members(request.body)))
            registered = self._container.database.write(
                lambda unit: registrations.register(unit, token, client_metadata)
            )
            return self._unauthorized(request) if registered is None else self._client_information(201, *registered)

        return _catch_refusals(perform)

    def _manage(self, request: ParsedDocument) -> OAuthResponse:
        token, registrations = _token(request), self._container.registrations
        if token is None:
            return self._unauthorized(request)
        row = self._container.database.read(lambda unit: registrations.authenticate(unit, request.client_id, token))
        if row is None:
            return self._unauthorized(request)
        if request.method == "GET":
            return self._client_information(200, row, token)

        def perform() -> OAuthResponse:
            replacement = self._read_replacement(request, row.redirect_uris) if request.method == "PUT" else None
            return self._container.database.write(lambda unit: self._change(unit, request, token, replacement))

        return _catch_refusals(perform)

    def _change(
        self, unit: UnitOfWork, request: ParsedDocument, token: str, replacement: ClientMetadata | None
    ) -> OAuthResponse:
        """Replaces the client's metadata, or removes the client if `replacement` is None. Raises InvalidInput."""
        registrations = self._container.registrations
        row = registrations.authenticate(unit, request.client_id, token, lock=True)
        if row is None:  # removed meanwhile
            return self._unauthorized(request)
        if replacement is None:
            self._container.clients.disable(unit, row.id, actor=Actor.MERCHANT)
            return OAuthResponse(204, None, dict(NO_STORE))
        registrations.replace(unit, row, replacement)
        return self._client_information(200, row, token)

    def _read_replacement(self, request: ParsedDocument, registered_uris: Sequence[str]) -> ClientMetadata:
        """The new metadata of the client (RFC 7592 section 2.2). Raises MetadataRefused, UnreadableRequest."""
        sent = parse_members(request.body)
        if sent.get("client_id") != request.client_id:
            raise MetadataRefused("invalid_client_metadata", "client_id must be that of the client.")
        for name in _SERVER_MEMBERS:
            if name in sent:
                raise MetadataRefused("invalid_client_metadata", f"{name} cannot be changed. Leave it out.")
        return self._check_keys(read_metadata(sent, registered_uris))

    def _check_keys(self, client_metadata: ClientMetadata) -> ClientMetadata:
        """Returns the same metadata after it has checked the keys at the jwks_uri, if there is one. The fetch may take
        seconds, so call this outside a unit of work and after the token check. Raises MetadataRefused."""
        if client_metadata.jwks_uri is not None:
            try:
                fetched = self._container.client_keys.fetch(client_metadata.jwks_uri)
            except KeysRefused as refused:
                raise MetadataRefused("invalid_client_metadata", f"jwks_uri: {refused.message}") from None
            if not fitting_keys(fetched.key_set, client_metadata.signing_alg)["keys"]:
                raise MetadataRefused(
                    "invalid_client_metadata", "token_endpoint_auth_signing_alg does not fit a key at the jwks_uri."
                )
        return client_metadata

    def _client_information(self, status: int, row: ClientRow, token: str) -> OAuthResponse:
        """The client information response (RFC 7591 section 3.2.1): the current metadata, and the rights that await
        approval."""
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
        return OAuthResponse(status, body, dict(NO_STORE))

    def _unauthorized(self, request: ParsedDocument) -> OAuthResponse:
        """The 401 response (RFC 6750 section 3). It is the same for every invalid token, and has no error code without
        a token."""
        challenge = f'Bearer realm="{self._issuer}"'
        if request.authorization is not None:
            challenge += ', error="invalid_token"'
        response = error_response(401, "invalid_token", "A valid registration token is required.")
        response.headers["WWW-Authenticate"] = challenge
        return response


def _token(request: ParsedDocument) -> str | None:
    """The bearer token of the request, None if there is none or it cannot be a registration token."""
    scheme, token = split_authorization(request.authorization or "")
    return token if scheme == "bearer" and len(token) <= LONGEST_TOKEN else None


def _catch_refusals(perform: Callable[[], OAuthResponse]) -> OAuthResponse:
    """The result of `perform`, or its error as a response (RFC 7591 section 3.2.2)."""
    try:
        return perform()
    except UnreadableRequest as refused:
        return error_response(refused.status, "invalid_request", refused.message)
    except MetadataRefused as refused:
        return error_response(400, refused.code, refused.message)
    except InvalidInput as error:
        field = ".".join(error.field or ())
        return error_response(400, "invalid_client_metadata", f"{field}: {error.message}" if field else error.message)
