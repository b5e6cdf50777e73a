"""OAuth clients that the operator registers."""

from collections.abc import Sequence
from typing import Any

from gateway.domain.environment import Environment
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor
from gateway.domain.identity import redirect_uri
from gateway.domain.identity.client import BASELINE, FAPI2, GRANT_TYPES, WITHOUT_BROWSER
from gateway.kit.crypto import digest, random_token
from gateway.kit.ids import Ids
from gateway.kit.jose import JoseRefused, public_key_set
from gateway.services.consents.service import ConsentService
from gateway.services.merchants import require_display_name
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork


class ClientService:
    """Registers and disables clients of the environment's profiles, in the caller's unit of work."""

    def __init__(self, ids: Ids, environment: Environment, consents: ConsentService) -> None:
        self._ids, self._environment, self._consents = ids, environment, consents

    @property
    def secret_prefix(self) -> str:
        """The prefix of client secrets."""
        return self._environment.token_prefix("cs")

    @property
    def default_profile(self) -> str:
        """The profile of a client that is registered without one: the simplest profile of the environment."""
        return BASELINE if BASELINE in self._environment.profiles else FAPI2

    def register(
        self,
        unit: UnitOfWork,
        merchant_id: str,
        name: str,
        redirect_uris: Sequence[str],
        *,
        profile: str = BASELINE,
        scopes: Sequence[str] | None = None,
        jwks: object = None,
        jwks_uri: str | None = None,
        secret: str | None = None,
        client_id: str | None = None,
    ) -> tuple[ClientRow, str | None]:
        """Registers a client. Returns it with its secret, None if it has none.

        A baseline client has a secret, which is stored as a digest only. A fapi2 client has public keys instead:
        `jwks`, or `jwks_uri`, from which the caller has fetched them once (RFC 7591 section 2). Without `scopes` the
        client may use all scopes. Raises NotFound for an unknown merchant, InvalidInput for all else.
        """
        if profile not in self._environment.profiles:
            known = " ".join(sorted(self._environment.profiles))
            raise InvalidInput("INVALID", f"Profiles of this deployment: {known}.", ("profile",))
        if unit.merchants.load(merchant_id) is None:
            raise NotFound(f"There is no merchant {merchant_id}.")
        for uri in redirect_uris:
            if not redirect_uri.is_redirect_uri(uri):
                raise InvalidInput("INVALID", redirect_uri.RULE, ("redirect_uris",))
        if profile == FAPI2 and secret is not None:
            raise InvalidInput("INVALID", "A client of the profile fapi2 has no secret.", ("secret",))
        keys = _keys(profile, jwks, jwks_uri)
        if profile == BASELINE:
            secret = secret or random_token(self.secret_prefix)
        row = ClientRow(
            id=client_id or self._ids.new("cli"),
            merchant_id=merchant_id,
            name=require_display_name(unit, name, "client", merchant_id),
            profile=profile,
            secret_digest=digest(secret) if secret else None,
            jwks=keys,
            jwks_uri=jwks_uri,
            redirect_uris=list(dict.fromkeys(redirect_uris)),
            grant_types=list(GRANT_TYPES if redirect_uris else WITHOUT_BROWSER),
            scopes=self._scopes(scopes),
            created_at=unit.wall,
        )
        unit.clients.insert(row)
        return row, secret

    def disable(self, unit: UnitOfWork, client_id: str, *, actor: Actor = Actor.OPERATOR) -> None:
        """Disables the client, ends all consents to it, its tokens, codes and waiting requests, and removes its trusted
        documents. Decisions under these consents do not change. Raises NotFound."""
        row = unit.clients.lock(client_id)
        if row is None:
            raise NotFound(f"There is no client {client_id}, or it is disabled.")
        row.disabled_at, row.awaiting = unit.wall, None
        unit.clients.update(row)
        documents = [each.id for each in unit.documents.list_of_client(client_id)]
        if documents:
            unit.documents.change(client_id, [], documents)
        self._consents.revoke_of_client(unit, client_id, actor)
        unit.endings.end_client(client_id, unit.wall)

    def _scopes(self, wanted: Sequence[str] | None) -> list[str]:
        known = self._environment.scopes
        unknown = [name for name in wanted or () if name not in known]
        if unknown:
            raise InvalidInput("INVALID", f"Unknown scope {unknown[0]}. Known: {' '.join(known)}.", ("scopes",))
        return [name for name in known if wanted is None or name in wanted]


def _keys(profile: str, jwks: object, jwks_uri: str | None) -> dict[str, Any] | None:
    """The key set as it is stored. None for a profile without keys, and for keys at a `jwks_uri`."""
    if profile != FAPI2:
        if jwks is not None or jwks_uri is not None:
            raise InvalidInput("INVALID", f"A client of the profile {profile} has no keys.", ("jwks",))
        return None
    if jwks_uri is not None:
        if jwks is not None:
            raise InvalidInput("INVALID", "A client has jwks or jwks_uri, not both.", ("jwks_uri",))
        return None
    try:
        return public_key_set(jwks)
    except JoseRefused as refused:
        raise InvalidInput("INVALID", str(refused), ("jwks",)) from None
