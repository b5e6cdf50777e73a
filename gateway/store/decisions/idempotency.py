"""Idempotency records: the input and the decision of each idempotency key, for 24 hours of wall time.

The input can have words about a person, such as the note of a breach. So a record has only a MAC of each value, with a
key that is not in the database. That is enough to compare it with a later input.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlmodel import Field

from gateway.domain.decisions.idempotency import differing
from gateway.domain.errors import FieldPath
from gateway.kit.clock import WallTime
from gateway.kit.crypto import base64url, derive
from gateway.kit.json import canonical
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.logs.keys import Keyring
from gateway.store.repository import Repository, insert_into

_MAC_BYTES = 16
MAC_FORM = "blake2b-128"
"""The form of new records: BLAKE2b with a key (RFC 7693), in hex."""
_Mac = Callable[[bytes, bytes], str]
_MACS: Mapping[str, _Mac] = {
    MAC_FORM: lambda key, content: hashlib.blake2b(content, key=key, digest_size=_MAC_BYTES).hexdigest(),
    "hmac-sha256-128": lambda key, content: base64url(derive(key, content.decode(), _MAC_BYTES)),  # of older records
}


class IdempotencyRow(Record):
    """The first use of a key. `input` is a list of the form of the MACs and the input document with the MAC of each
    value in its place. Records from before this form have the document itself."""

    partner_id: str = Field(foreign_key="partners.id", primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    mutation: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    consent_id: str | None = None
    input: list[Any] | dict[str, Any] = json_column()
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
    """Finds and claims keys, and compares inputs."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        super().__init__(connection)
        self._keyring = keyring

    def mac_input(
        self, client_id: str, mutation: str, key: str, document: Mapping[str, Any], form: str = MAC_FORM
    ) -> list[Any]:
        """Returns the input of a call in the form in which it is stored. Equal values of two calls have different
        MACs."""
        context = canonical(["idempotency record", client_id, mutation, key]).decode()
        return [form, _mac(_MACS[form], self._keyring.derive(context), (), document)]

    def find_differing(self, record: IdempotencyRow, document: Mapping[str, Any]) -> tuple[FieldPath, ...]:
        """Returns the paths at which the input of a call differs from that of the record."""
        if isinstance(record.input, dict):
            return differing(record.input, document)
        form, first = record.input
        _, second = self.mac_input(record.client_id, record.mutation, record.key, document, form)
        return differing(first, second)

    def find(self, partner_id: str, client_id: str, mutation: str, key: str, now: WallTime) -> IdempotencyRow | None:
        """Returns the record of this key, or None if there is none or it has expired."""
        return self._first(
            IdempotencyRow, _FIND, partner_id=partner_id, client_id=client_id, mutation=mutation, key=key, now=now
        )

    def claim(self, record: IdempotencyRow, now: WallTime) -> bool:
        """Records the first use of a key. Returns False if another unit of work has used it; PostgreSQL waits for the
        end of that unit first. An expired record is replaced."""
        values = vars(record)
        if self._changes(_CLAIM, **values):
            return True
        same = {name: values[name] for name in ("partner_id", "client_id", "mutation", "key")}
        return self._execute(_DELETE_EXPIRED, **same, now=now) > 0 and self._changes(_CLAIM, **values)


def _mac(mac: _Mac, key: bytes, path: FieldPath, value: Any) -> Any:
    """Returns the value with the MAC of each leaf in its place. A list is one leaf. Nulls stay, because they equal
    absent members."""
    if isinstance(value, dict):
        return {name: _mac(mac, key, (*path, name), member) for name, member in value.items()}
    if value is None:
        return None
    return mac(key, canonical([path, value]))
