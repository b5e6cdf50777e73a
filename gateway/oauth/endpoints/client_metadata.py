"""Reads and validates client metadata (RFC 7591 section 2, RFC 9396 section 10, RFC 9449 section 5.2,
RFC 9126 section 6). Unknown members are ignored. They are not stored and not returned."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.domain import scope
from gateway.domain.identity import redirect_uri
from gateway.domain.identity.client import AUTHORIZATION_CODE, GRANT_TYPES, REFRESH_TOKEN
from gateway.domain.identity.client_metadata import ClientMetadata
from gateway.kit.jose import ALGORITHMS, JoseRefused, public_key_set
from gateway.kit.text import is_blank, refused_character
from gateway.oauth.clients.private_key_jwt import METHOD
from gateway.services.identity.client_keys import fitting_keys

LONGEST_NAME = 64
MOST = 20
"""The greatest number of redirect URIs, and of entries in any other list."""

_Text = Annotated[str, Field(max_length=2048)]
_Texts = Annotated[list[_Text], Field(max_length=MOST)]


class MetadataRefused(Exception):
    """The metadata cannot be registered. `code` is an error code of RFC 7591 section 3.2.2. The message contains
    nothing of the input."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class _Metadata(BaseModel):
    """The known members, checked by type only."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    redirect_uris: _Texts = []
    grant_types: _Texts = [AUTHORIZATION_CODE]
    response_types: _Texts | None = None
    token_endpoint_auth_method: _Text = METHOD
    token_endpoint_auth_signing_alg: _Text | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: _Text | None = None
    client_name: _Text | None = None
    scope: _Text | None = None
    authorization_details_types: _Texts | None = None
    dpop_bound_access_tokens: bool = True
    require_pushed_authorization_requests: bool = True


def read_metadata(members: Mapping[str, Any], registered_uris: Sequence[str] = ()) -> ClientMetadata:
    """The metadata of a client of the profile fapi2. Absent members have the defaults of RFC 7591, except for the
    authentication method, which is always private_key_jwt. `registered_uris` are redirect URIs that the client has
    already and may keep, although the rule for them may be stricter now. Raises MetadataRefused."""
    if "software_statement" in members:
        raise MetadataRefused("unapproved_software_statement", "Software statements are not accepted here.")
    try:
        sent = _Metadata.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        _refuse(f"{first['loc'][0]}: {first['msg']}.")
    _check_flow(sent, registered_uris)
    _check_name(sent.client_name)
    for name in ("dpop_bound_access_tokens", "require_pushed_authorization_requests"):
        if not getattr(sent, name):
            _refuse(f"{name} can only be true.")
    return ClientMetadata(
        name=sent.client_name,
        redirect_uris=tuple(dict.fromkeys(sent.redirect_uris)),
        grant_types=tuple(name for name in GRANT_TYPES if name in sent.grant_types),
        jwks=_keys(sent),
        jwks_uri=sent.jwks_uri,
        signing_alg=sent.token_endpoint_auth_signing_alg,
        scopes=_scopes(sent.scope),
        types=None if sent.authorization_details_types is None else tuple(sent.authorization_details_types),
    )


def _check_flow(sent: _Metadata, registered_uris: Sequence[str]) -> None:
    """Raises MetadataRefused unless grants, response types and redirect URIs fit together (RFC 7591 section 2.1)."""
    if not all(uri in registered_uris or redirect_uri.is_redirect_uri(uri) for uri in sent.redirect_uris):
        raise MetadataRefused("invalid_redirect_uri", redirect_uri.RULE)
    if not sent.grant_types or not set(sent.grant_types) <= set(GRANT_TYPES):
        _refuse(f"grant_types can only have: {' '.join(GRANT_TYPES)}.")
    code = AUTHORIZATION_CODE in sent.grant_types
    if code and not sent.redirect_uris:
        raise MetadataRefused("invalid_redirect_uri", "The grant authorization_code needs redirect_uris.")
    if REFRESH_TOKEN in sent.grant_types and not code:
        _refuse("grant_types: refresh_token needs authorization_code.")
    if sent.response_types is not None and sent.response_types != (["code"] if code else []):
        _refuse("response_types must be ['code'] with the grant authorization_code, and empty without it.")


def _check_name(name: str | None) -> None:
    if name is None:
        return
    if not 1 <= len(name) <= LONGEST_NAME or is_blank(name) or refused_character(name) or name != name.strip():
        _refuse(f"client_name must have 1 to {LONGEST_NAME} printable characters.")


def _keys(sent: _Metadata) -> dict[str, Any] | None:
    """The client's public keys, None if they are at its jwks_uri. Raises MetadataRefused."""
    if sent.token_endpoint_auth_method != METHOD:
        _refuse(f"token_endpoint_auth_method can only be {METHOD}.")
    algorithm = sent.token_endpoint_auth_signing_alg
    if algorithm is not None and algorithm not in ALGORITHMS:
        _refuse(f"token_endpoint_auth_signing_alg can only be one of: {' '.join(ALGORITHMS)}.")
    if (sent.jwks is None) == (sent.jwks_uri is None):
        _refuse("Send either jwks or jwks_uri, not both.")
    if sent.jwks is None:
        return None
    try:
        keys = public_key_set(sent.jwks)
    except JoseRefused as refused:
        _refuse(f"jwks: {refused}")
    if fitting_keys(keys, algorithm) != keys:
        _refuse("token_endpoint_auth_signing_alg does not fit every key of the client.")
    return keys


def _scopes(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = scope.parse(text)
    if not names:
        _refuse("scope is empty. Leave it out to register for all scopes of your invitation.")
    return names


def _refuse(message: str) -> NoReturn:
    raise MetadataRefused("invalid_client_metadata", message)
