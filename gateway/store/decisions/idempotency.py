"""Idempotency records: the input and the decision of each idempotency key, for 24 hours of wall time."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class IdempotencyRow(Record):
    """The first use of a key. `input` is its whole input, so that a later use can be compared with it."""

    partner_id: str = Field(foreign_key="partners.id", primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    mutation: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    consent_id: str | None = None
    input: dict[str, Any] = json_column()
    decision_id: str = Field(index=True)
    expires_at: WallTime = moment_column(index=True)


class IdempotencyTable(IdempotencyRow, table=True):
    __tablename__ = "idempotency_records"


IDEMPOTENCY_RECORDS = table_of(IdempotencyTable)
_SAME_KEY = tuple(
    IDEMPOTENCY_RECORDS.c[name] == bindparam(name) for name in ("partner_id", "client_id", "mutation", "key")
)
_FIND = select(IDEMPOTENCY_RECORDS).where(*_SAME_KEY, IDEMPOTENCY_RECORDS.c.expires_at > bindparam("now"))
_DELETE_EXPIRED = IDEMPOTENCY_RECORDS.delete().where(*_SAME_KEY, IDEMPOTENCY_RECORDS.c.expires_at <= bindparam("now"))
_CLAIM = insert_into(IDEMPOTENCY_RECORDS).on_conflict_do_nothing().returning(IDEMPOTENCY_RECORDS.c.key)


class IdempotencyRepository(Repository):
    """Finds and claims keys."""

    def find(self, partner_id: str, client_id: str, mutation: str, key: str, now: WallTime) -> IdempotencyRow | None:
        """Returns the record of this key, or None if there is none or it has expired."""
        return self._first(
            IdempotencyRow, _FIND, partner_id=partner_id, client_id=client_id, mutation=mutation, key=key, now=now
        )

    def claim(self, record: IdempotencyRow, now: WallTime) -> bool:
        """Records the first use of a key. Returns False if another unit of work has used it; PostgreSQL waits for the
        end of that unit first. An expired record is replaced."""
        values = dict(record)
        if self._changes(_CLAIM, **values):
            return True
        same = {name: values[name] for name in ("partner_id", "client_id", "mutation", "key")}
        return self._execute(_DELETE_EXPIRED, **same, now=now) > 0 and self._changes(_CLAIM, **values)
