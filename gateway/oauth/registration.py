"""Dynamic client registration and its management (RFC 7591, RFC 7592), of clients of the profile fapi2."""

from collections.abc import Callable

from gateway.domain.client import AUTHORIZATION_CODE
from gateway.domain.client_metadata import ClientMetadata
from gateway.domain.errors import InvalidInput
from gateway.domain.event import Actor
from gateway.oauth import metadata
from gateway.oauth.bridge import NO_STORE, Answer, Endpoint, error_answer
from gateway.oauth.form import FormRefused
from gateway.oauth.json_body import FrozenDocument, freeze_document, members
from gateway.oauth.private_key_jwt import METHOD
from gateway.oauth.registration_metadata import MetadataRefused, read_metadata, require_fitting
from gateway.oauth.server import Parts
from gateway.services.client_keys import KeysRefused
from gateway.services.clients import ClientService
from gateway.services.registration import RegistrationService
from gateway.store.clients import ClientRow

LONGEST_TOKEN = 512
_SERVERS_OWN = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret")


class RegistrationEndpoints:
    """`register` takes new clients, `manage` shows, replaces and removes one. Neither ever gives out a secret."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._issuer = parts, parts.settings.issuer
        self._registrations = RegistrationService(parts.ids, parts.realm)
        self._clients = ClientService(parts.ids, parts.realm, parts.consents)
        self.register = Endpoint(self._register, parts.clock, freeze_document)
        self.manage = Endpoint(self._manage, parts.clock, freeze_document)

    def _register(self, request: FrozenDocument) -> Answer:
        token, wall = _token(request), self._parts.clock()
        # Asked first in a unit that only reads: who has no invitation never holds up who writes.
        with self._parts.database.read() as session:
            if token is None or not self._registrations.invited(session, token, wall):
                return self._unauthorized(request)

        def perform() -> Answer:
            described = self._with_keys(read_metadata(members(request.body)))
            with self._parts.database.write() as session:
                made = self._registrations.register(session, token, described, wall)
                if made is None:
                    return self._unauthorized(request)
                return self._answer(201, *made)

        return _refusing(perform)

    def _manage(self, request: FrozenDocument) -> Answer:
        token = _token(request)
        with self._parts.database.read() as session:
            row = self._registrations.authenticated(session, request.client_id, token) if token else None
            if token is None or row is None:
                return self._unauthorized(request)
            if request.method == "GET":
                return self._answer(200, row, token)

        def perform() -> Answer:
            replacing = self._replacement(request) if request.method == "PUT" else None
            with self._parts.database.write() as session:
                row = self._registrations.authenticated(session, request.client_id, token, lock=True)
                if row is None:  # removed meanwhile
                    return self._unauthorized(request)
                if replacing is None:
                    self._clients.disable(session, row.id, self._parts.clock(), actor=Actor.MERCHANT)
                    return Answer(204, None, dict(NO_STORE))
                self._registrations.replace(session, row, replacing)
                return self._answer(200, row, token)

        return _refusing(perform)

    def _replacement(self, request: FrozenDocument) -> ClientMetadata:
        """What is to be put in place of the client's metadata. Raises MetadataRefused, FormRefused (RFC 7592 section
        2.2)."""
        sent = members(request.body)
        if sent.get("client_id") != request.client_id:
            raise MetadataRefused("invalid_client_metadata", "client_id must be that of the client.")
        for name in _SERVERS_OWN:
            if name in sent:
                raise MetadataRefused("invalid_client_metadata", f"{name} cannot be changed. Leave it out.")
        return self._with_keys(read_metadata(sent))

    def _with_keys(self, described: ClientMetadata) -> ClientMetadata:
        """The same, once the keys at its jwks_uri, if it has one, have been seen to be usable. It may take seconds: no
        unit of work is open here, and who asks has a good token. Raises MetadataRefused."""
        if described.jwks_uri is not None:
            try:
                fetched = self._parts.client_keys.fetch(described.jwks_uri)
            except KeysRefused as refused:
                raise MetadataRefused("invalid_client_metadata", f"jwks_uri: {refused.message}") from None
            require_fitting(fetched.key_set, described.signing_alg)
        return described

    def _answer(self, status: int, row: ClientRow, token: str) -> Answer:
        """The client information response (RFC 7591 section 3.2.1): what holds now, and what awaits approval."""
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

    def _unauthorized(self, request: FrozenDocument) -> Answer:
        """401 (RFC 6750 section 3): the same for every token that is not good, no error code where there was none."""
        challenge = f'Bearer realm="{self._issuer}"'
        if request.authorization is not None:
            challenge += ', error="invalid_token"'
        answer = error_answer(
            401, "invalid_token", "A registration token is required, and this request has no good one."
        )
        answer.headers["WWW-Authenticate"] = challenge
        return answer


def _token(request: FrozenDocument) -> str | None:
    """The bearer token of the request, None where there is none that could be one of ours."""
    scheme, _, token = (request.authorization or "").partition(" ")
    token = token.strip()
    usable = scheme.lower() == "bearer" and token.isascii() and 0 < len(token) <= LONGEST_TOKEN
    return token if usable else None


def _refusing(perform: Callable[[], Answer]) -> Answer:
    """What `perform` answers, or why not, as RFC 7591 section 3.2.2 has it."""
    try:
        return perform()
    except FormRefused as refused:
        return error_answer(refused.status, "invalid_request", refused.message)
    except MetadataRefused as refused:
        return error_answer(400, refused.code, refused.message)
    except InvalidInput as error:
        place = ".".join(error.field or ())
        return error_answer(400, "invalid_client_metadata", f"{place}: {error.message}" if place else error.message)
