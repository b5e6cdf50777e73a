"""Webhook endpoints: the URLs to which merchants' messages are sent."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Index, and_, bindparam, false, or_, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, bytes_column, json_column, moment_column, table_of
from gateway.store.logs.keys import Keyring
from gateway.store.repository import Repository


class DisabledReason(StrEnum):
    """Why the gateway disabled an endpoint. FAILING: it failed for too long. GONE: it answered 410."""

    FAILING = "FAILING"
    GONE = "GONE"


class WebhookEndpointRow(Record):
    """An endpoint. `topics` are the topics that it gets. The secrets are sealed for the endpoint's id; the old one is
    valid until `old_secret_until`. `failures` counts the failed attempts since the last success, `failing_since` is the
    time of the first of them. It gets nothing until `paused_until`. Times are wall time."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    url: str
    topics: list[str] = json_column()
    enabled: bool = Field(default=True, sa_column_kwargs={"server_default": false()})
    secret_sealed: bytes = bytes_column()
    old_secret_sealed: bytes | None = bytes_column(optional=True, default=None)
    old_secret_until: WallTime | None = moment_column(default=None)
    created_at: WallTime = moment_column()
    disabled_at: WallTime | None = moment_column(default=None)
    deleted_at: WallTime | None = moment_column(default=None)
    disabled_reason: str | None = None
    failures: int = 0
    failing_since: WallTime | None = moment_column(default=None)
    warned_at: WallTime | None = moment_column(default=None)
    paused_until: WallTime | None = moment_column(default=None)


class WebhookEndpointTable(WebhookEndpointRow, table=True):
    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_merchant_id_created_at_id", "merchant_id", "created_at", "id"),)


ENDPOINTS = table_of(WebhookEndpointTable)
_E = ENDPOINTS.c
_EXISTS = _E.deleted_at.is_(None)
IS_OPEN = and_(
    _EXISTS, _E.enabled, or_(_E.paused_until.is_(None), _E.paused_until <= bindparam("now", type_=_E.paused_until.type))
)
"""Whether an endpoint gets messages at `now`."""
_BY_ID = select(ENDPOINTS).where(_E.id == bindparam("endpoint_id"), _EXISTS)
_LOCKED = _BY_ID.with_for_update()
_OF_MERCHANT = (
    select(ENDPOINTS).where(_E.merchant_id == bindparam("merchant_id"), _EXISTS).order_by(_E.created_at, _E.id)
)
_ENABLED_OF = select(ENDPOINTS).where(
    _E.merchant_id.in_(bindparam("merchant_ids", expanding=True)), _EXISTS, _E.enabled
)
_STATE = (
    *(
        "url",
        "topics",
        "enabled",
        "secret_sealed",
        "old_secret_sealed",
        "old_secret_until",
        "disabled_at",
        "deleted_at",
    ),
    *("disabled_reason", "failures", "failing_since", "warned_at", "paused_until"),
)
_UPDATE = (
    ENDPOINTS.update().where(_E.id == bindparam("of_id")).values({name: bindparam(f"new_{name}") for name in _STATE})
)


class WebhookEndpointRepository(Repository):
    """Reads and writes endpoints, and seals their secrets."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        super().__init__(connection)
        self._keyring = keyring

    def insert(self, endpoint: WebhookEndpointRow) -> None:
        """Writes a new endpoint."""
        self._insert(ENDPOINTS, endpoint)

    def load(self, endpoint_id: str) -> WebhookEndpointRow | None:
        """Returns the endpoint, or None if it is unknown or was deleted."""
        return self._first(WebhookEndpointRow, _BY_ID, endpoint_id=endpoint_id)

    def lock(self, endpoint_id: str) -> WebhookEndpointRow | None:
        """Returns the endpoint as `load` does. Its row stays locked until the unit of work ends."""
        return self._first(WebhookEndpointRow, _LOCKED, endpoint_id=endpoint_id)

    def list_of_merchant(self, merchant_id: str) -> list[WebhookEndpointRow]:
        """Returns the endpoints of a merchant, oldest first."""
        return self._all(WebhookEndpointRow, _OF_MERCHANT, merchant_id=merchant_id)

    def list_enabled(self, merchant_ids: Iterable[str]) -> list[WebhookEndpointRow]:
        """Returns the enabled endpoints of these merchants."""
        return self._all(WebhookEndpointRow, _ENABLED_OF, merchant_ids=sorted(set(merchant_ids)))

    def update(self, endpoint: WebhookEndpointRow) -> None:
        """Writes the changed columns of an endpoint that `lock` returned."""
        values: dict[str, Any] = {f"new_{name}": getattr(endpoint, name) for name in _STATE}
        self._execute(_UPDATE, of_id=endpoint.id, **values)

    def delete(self, endpoint: WebhookEndpointRow, now: WallTime) -> None:
        """Deletes an endpoint that `lock` returned, and its secrets."""
        endpoint.enabled, endpoint.deleted_at = False, now
        endpoint.secret_sealed, endpoint.old_secret_sealed = b"", None
        self.update(endpoint)

    def seal_secret(self, secret: str, endpoint_id: str) -> bytes:
        """Returns the secret, sealed for this endpoint."""
        return self._keyring.seal(secret.encode(), endpoint_id)

    def open_secrets(self, endpoint: WebhookEndpointRow, now: WallTime) -> list[str]:
        """Returns the secrets that are valid at `now`, the newest first. Raises SealBroken."""
        sealed = [endpoint.secret_sealed]
        until = endpoint.old_secret_until
        if endpoint.old_secret_sealed is not None and until is not None and now < until:
            sealed.append(endpoint.old_secret_sealed)
        return [self._keyring.open(each, endpoint.id).decode() for each in sealed]
