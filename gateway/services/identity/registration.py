"""Clients that register themselves with an initial access token (RFC 7591). Rights beyond the token wait for the
operator."""

import hmac
from collections.abc import Sequence
from datetime import timedelta

from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.environment import Environment
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.client import FAPI2
from gateway.domain.identity.client_metadata import ClientMetadata
from gateway.domain.identity.client_rights import Rights
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.kit.ids import Ids
from gateway.services.merchants import require_display_name
from gateway.store.identity.clients import ClientRow
from gateway.store.oauth.initial_access_tokens import InitialAccessTokenRow
from gateway.store.unit import UnitOfWork

INVITED = Rights.of(("score:tier", "decisions:request", "decisions:read"), TYPES)
"""The default rights of an invitation: to ask users for their tier and for decisions, and to read these decisions.
Exact scores, transitions of decisions and the merchant's consents need the operator's approval."""


class RegistrationService:
    """Creates invitations, registers clients, and approves the rights that they wait for, in the caller's unit of
    work."""

    def __init__(self, ids: Ids, environment: Environment) -> None:
        self._ids, self._environment = ids, environment

    def invite(
        self,
        unit: UnitOfWork,
        merchant_id: str,
        lifetime: timedelta,
        *,
        scopes: Sequence[str] = (),
        types: Sequence[str] = (),
    ) -> str:
        """Creates an initial access token for one client of the merchant. It is stored as a digest only. Raises
        NotFound for an unknown merchant, InvalidInput for all else."""
        if unit.merchants.load(merchant_id) is None:
            raise NotFound(f"There is no merchant {merchant_id}.")
        if lifetime <= timedelta(0):
            raise InvalidInput("INVALID", "The lifetime of an invitation must be longer than zero.", ("expires_in",))
        self._require_known("scope", scopes, self._environment.scopes)
        self._require_known("authorization_details_types", types, TYPES)
        text = random_token(self._environment.token_prefix("ia"))
        row = InitialAccessTokenRow(
            digest=digest(text),
            merchant_id=merchant_id,
            scopes=list(Rights.of(scopes or INVITED.scopes, ()).scopes),
            authorization_details_types=list(Rights.of((), types or INVITED.types).types),
            created_at=unit.wall,
            expires_at=WallTime(unit.wall + lifetime),
        )
        unit.initial_access_tokens.insert(row)
        return text

    def is_invited(self, unit: UnitOfWork, token: str) -> bool:
        """Whether the initial access token can be used now."""
        return unit.initial_access_tokens.is_usable(digest(token), unit.wall)

    def register(self, unit: UnitOfWork, token: str, metadata: ClientMetadata) -> tuple[ClientRow, str] | None:
        """Registers a client. Returns it with its registration access token, which is stored as a digest only. None if
        the initial access token is unknown, expired or used. Raises InvalidInput for an unknown scope or type."""
        invitation = unit.initial_access_tokens.use(digest(token), unit.wall)
        if invitation is None:
            return None
        invited = Rights.of(invitation.scopes, invitation.authorization_details_types)
        text = random_token(self._environment.token_prefix("ra"))
        client_id = self._ids.new("cli")
        row = ClientRow(
            id=client_id,
            merchant_id=invitation.merchant_id,
            name=client_id,
            profile=FAPI2,
            redirect_uris=[],
            grant_types=[],
            scopes=[],
            registration_digest=digest(text),
            created_at=unit.wall,
        )
        self._write_metadata(unit, row, metadata, invited)
        unit.clients.insert(row)
        return row, text

    def authenticate(self, unit: UnitOfWork, client_id: str, token: str, *, lock: bool = False) -> ClientRow | None:
        """The enabled client with this registration access token, None for a wrong token. With `lock` its row is locked
        until the unit of work ends."""
        load = unit.clients.lock if lock else unit.clients.load
        row = load(client_id) if client_id.isprintable() else None  # PostgreSQL rejects a NUL in a query
        expected = row.registration_digest if row else None
        matches = hmac.compare_digest(digest(token), expected or digest(client_id))
        return row if expected and matches else None

    def replace(self, unit: UnitOfWork, row: ClientRow, metadata: ClientMetadata) -> None:
        """Replaces all metadata of the client (RFC 7592 section 2.2). New rights wait for the operator, removed rights
        end at once. Raises InvalidInput for an unknown scope or type."""
        self._write_metadata(unit, row, metadata, Rights.of(row.scopes, row.authorization_details_types or ()))
        unit.clients.update(row)

    def load_awaiting(self, unit: UnitOfWork, client_id: str) -> Rights:
        """The rights that the client waits for. Raises NotFound for an unknown or disabled client, InvalidInput if it
        waits for none."""
        return self._require_awaiting(unit.clients.load(client_id), client_id)[1]

    def approve(self, unit: UnitOfWork, client_id: str, shown: Rights) -> ClientRow:
        """Gives the client the rights that it waits for. Raises NotFound, and InvalidInput if these are no longer the
        rights that the operator was `shown`."""
        row = self._take_awaiting(unit, client_id, shown)
        held = Rights.of(row.scopes, row.authorization_details_types or ()) | shown
        row.scopes, row.authorization_details_types = list(held.scopes), list(held.types)
        unit.clients.update(row)
        return row

    def refuse(self, unit: UnitOfWork, client_id: str, shown: Rights) -> ClientRow:
        """Refuses the rights that the client waits for. It keeps the rights that it has. Raises as `approve` does."""
        row = self._take_awaiting(unit, client_id, shown)
        unit.clients.update(row)
        return row

    def _take_awaiting(self, unit: UnitOfWork, client_id: str, shown: Rights) -> ClientRow:
        """The locked row of the client, without the rights that it waited for. Raises as `approve` does."""
        row, waiting = self._require_awaiting(unit.clients.lock(client_id), client_id)
        if waiting != shown:
            raise InvalidInput("INVALID", f"{client_id} has asked for other rights in the meantime. Review them again.")
        row.awaiting = None
        return row

    def _require_awaiting(self, row: ClientRow | None, client_id: str) -> tuple[ClientRow, Rights]:
        if row is None:
            raise NotFound(f"There is no client {client_id}, or it is disabled.")
        if row.awaiting is None:
            raise InvalidInput("INVALID", f"{client_id} does not wait for any rights.")
        return row, Rights.from_document(row.awaiting)

    def _write_metadata(self, unit: UnitOfWork, row: ClientRow, metadata: ClientMetadata, allowed: Rights) -> None:
        """Writes the metadata and the allowed part of its rights into the row. If the metadata has no scopes or types,
        those in `allowed` apply."""
        if metadata.name is not None and metadata.name != row.name:
            try:
                require_display_name(unit, metadata.name, "client", row.merchant_id)
            except InvalidInput as refused:
                raise InvalidInput(refused.code, refused.message, ("client_name",)) from None
        self._require_known("scope", metadata.scopes or (), self._environment.scopes)
        self._require_known("authorization_details_types", metadata.types or (), TYPES)
        asked = Rights.of(
            allowed.scopes if metadata.scopes is None else metadata.scopes,
            allowed.types if metadata.types is None else metadata.types,
        )
        held, beyond = asked.split(allowed)
        row.name = metadata.name or row.id
        row.redirect_uris, row.grant_types = list(metadata.redirect_uris), list(metadata.grant_types)
        row.jwks, row.jwks_uri = None if metadata.jwks is None else dict(metadata.jwks), metadata.jwks_uri
        row.token_endpoint_auth_signing_alg = metadata.signing_alg
        row.scopes, row.authorization_details_types = list(held.scopes), list(held.types)
        row.awaiting = beyond.document() if beyond else None

    def _require_known(self, field: str, names: Sequence[str], known: Sequence[str]) -> None:
        if not set(names) <= set(known):
            raise InvalidInput("INVALID", f"Known: {' '.join(known)}.", (field,))
