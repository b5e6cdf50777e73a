"""The merchants of one partner, with their adapters and clients, for the pages of a sandbox."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.domain.environment import Environment
from gateway.domain.errors import NotFound
from gateway.domain.identity.client import BASELINE
from gateway.domain.merchants import Product
from gateway.domain.scope import TokenKind
from gateway.services.identity.access_tokens import AccessToken, issue_access_token, token_policy
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class EnabledAdapter:
    """An adapter that a merchant has enabled, with the version of its policy in force. `product` and `policy_version`
    are None if the deployment does not load it."""

    key: str
    product: Product | None
    policy_version: str | None


@dataclass(frozen=True, slots=True)
class PartnerClient:
    """A client without its secret. `key_ids` are the ids of its public keys, `token_life` is the lifetime of its access
    tokens."""

    id: str
    name: str
    profile: str
    is_enabled: bool
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    key_ids: tuple[str, ...]
    jwks_uri: str | None
    token_life: timedelta


@dataclass(frozen=True, slots=True)
class PartnerMerchant:
    """A merchant of the partner. `has_tokens`: it has a client for which `issue_token` makes tokens."""

    id: str
    name: str
    adapters: tuple[EnabledAdapter, ...]
    clients: tuple[PartnerClient, ...]
    has_tokens: bool


@dataclass(frozen=True, slots=True)
class MerchantToken:
    """A new merchant token, which is shown once, and the name of its merchant."""

    merchant_name: str
    token: AccessToken


class PartnerMerchantService:
    """Reads the merchants of a partner, and issues merchant tokens of their clients."""

    def __init__(
        self, database: Database, registry: AdapterRegistry, environment: Environment, settings: Settings
    ) -> None:
        self._database, self._registry = database, registry
        self._environment, self._settings = environment, settings

    def list_merchants(self, unit: UnitOfWork, partner_id: str) -> list[PartnerMerchant]:
        """Returns the partner's merchants, oldest first."""
        return [self._describe(unit, each) for each in unit.merchants.list_merchants(partner_id)]

    def issue_token(self, partner_id: str, merchant_id: str) -> MerchantToken:
        """Makes a bearer token with all scopes for merchants of the merchant's first enabled baseline client. Raises
        NotFound for the merchant of another partner, and without such a client: tokens of the other profile are bound
        to a key."""

        def issue(unit: UnitOfWork) -> MerchantToken:
            merchant = unit.merchants.load(merchant_id)
            if merchant is None or merchant.partner_id != partner_id:
                raise NotFound("There is no such merchant.")
            client = next(filter(_has_bearer_tokens, unit.clients.list_clients(merchant_id)), None)
            if client is None or not unit.clients.hold(client.id):
                raise NotFound("The merchant has no client with bearer tokens.")
            offered = self._environment.offered(TokenKind.MERCHANT)
            scopes = tuple(name for name in offered if name in client.scopes)
            token = issue_access_token(
                unit, self._environment, self._settings, client, scopes, consent=None, family=None, jkt=None
            )
            return MerchantToken(merchant.name, token)

        return self._database.write(issue)

    def _describe(self, unit: UnitOfWork, merchant: MerchantRow) -> PartnerMerchant:
        clients = unit.clients.list_clients(merchant.id)
        enabled = unit.merchants.list_enabled_adapters(merchant.id)
        return PartnerMerchant(
            id=merchant.id,
            name=merchant.name,
            adapters=tuple(self._adapter(unit, merchant.id, key) for key in enabled),
            clients=tuple(self._client(each) for each in clients),
            has_tokens=any(map(_has_bearer_tokens, clients)),
        )

    def _adapter(self, unit: UnitOfWork, merchant_id: str, key: str) -> EnabledAdapter:
        adapter = self._registry.get(key)
        if adapter is None:
            return EnabledAdapter(key, None, None)
        return EnabledAdapter(key, adapter.product, adapter.policies.at(unit.business_time(merchant_id)).version)

    def _client(self, client: ClientRow) -> PartnerClient:
        return PartnerClient(
            id=client.id,
            name=client.name,
            profile=client.profile,
            is_enabled=client.disabled_at is None,
            scopes=tuple(client.scopes),
            redirect_uris=tuple(client.redirect_uris),
            key_ids=tuple(_key_id(key) for key in (client.jwks or {}).get("keys", ())),
            jwks_uri=client.jwks_uri,
            token_life=token_policy(client.profile, self._settings).access_token_life,
        )


def _has_bearer_tokens(client: ClientRow) -> bool:
    return client.profile == BASELINE and client.disabled_at is None


def _key_id(key: dict[str, Any]) -> str:
    return str(key.get("kid", ""))
