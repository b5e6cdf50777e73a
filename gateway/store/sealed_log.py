"""Append-only logs of sealed entries: a public part, a personal part sealed with the person's key of the year, a
hash over both and over the entry before it, and a signature. The database refuses to change or remove rows; what
gets past the database is found by `verify` (gateway.store.log_check), which needs no secret.

One chain per merchant, so that one busy merchant does not hold up another.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, select

from gateway.kit.clock import rfc3339
from gateway.kit.crypto import SealBroken, base64url, seal, unseal
from gateway.kit.ids import Ids
from gateway.kit.json import canonical, decode
from gateway.store.base import Table, insert_into
from gateway.store.database import Session
from gateway.store.keys import Keyring

GENESIS = "0" * 64
SIGNED_AS = b"sesame-gateway log entry v1\n"


class LogHeadRow(Table, table=True):
    """Where each chain stands. Its row lock orders the writers of one chain."""

    __tablename__ = "log_heads"

    log: str = Field(primary_key=True)
    merchant_id: str = Field(primary_key=True)
    sequence: int
    hash: str


class SealedEntry(Table):
    """The columns of every sealed log. `public` is the exact canonical text that was hashed."""

    LOG: ClassVar[str]
    NOUN: ClassVar[str]

    id: str = Field(primary_key=True)
    merchant_id: str
    sequence: int
    public: str
    sealed: bytes
    previous_hash: str
    hash: str
    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be logged: about whom, by which merchant's doing, what anyone may read and what only the key's
    holder may. `columns` are extra columns of the log's table, each repeated from the public part."""

    merchant_id: str
    user_id: str
    subject: str
    public: Mapping[str, Any]
    personal: Mapping[str, Any]
    columns: Mapping[str, Any]


class SealedLog:
    """Appends to and reads from one log table."""

    def __init__(self, table: type[SealedEntry], keyring: Keyring, ids: Ids) -> None:
        self.table, self._keyring, self._ids = table, keyring, ids

    def append(self, session: Session, event: Event, now: datetime) -> str:
        """Adds one entry within the writing unit of `session` and answers its id. `now` is wall time."""
        key_id, key = self._keyring.user_key(session, event.user_id, now)
        signing = self._keyring.signing_key(session, now)
        head = self._head(session, event.merchant_id)
        entry_id = self._ids.new(self.table.NOUN)
        public = canonical(
            {
                "log": self.table.LOG,
                "version": 1,
                "id": entry_id,
                "merchant": event.merchant_id,
                "sequence": head.sequence + 1,
                "subject": event.subject,
                "key": key_id,
                "at": rfc3339(now),
                **event.public,
            }
        )
        sealed = seal(key, canonical(dict(event.personal)), public)
        entry_hash = hash_of(head.hash, public, sealed)
        session.add(
            self.table(
                id=entry_id,
                merchant_id=event.merchant_id,
                sequence=head.sequence + 1,
                public=public.decode(),
                sealed=sealed,
                previous_hash=head.hash,
                hash=entry_hash,
                kid=signing.kid,
                signature=signing.sign(SIGNED_AS + bytes.fromhex(entry_hash)),
                **event.columns,
            )
        )
        head.sequence, head.hash = head.sequence + 1, entry_hash
        session.flush()
        return entry_id

    def personal(self, session: Session, entry: SealedEntry) -> dict[str, Any] | None:
        """The personal part of an entry, None once the person's key has been destroyed. Raises SealBroken for
        bytes that were changed behind the database's back."""
        return self.personals(session, [entry])[0]

    def personals(self, session: Session, entries: Sequence[SealedEntry]) -> list[dict[str, Any] | None]:
        """The personal parts of these entries, in their order. The keys are read in one statement: many entries of one
        person hang from a few keys, one for each year."""
        needed = [decode(entry.public)["key"] for entry in entries]
        keys = self._keyring.open_keys(session, needed)
        return [_opened(keys[key], entry) if key in keys else None for key, entry in zip(needed, entries, strict=True)]

    def _head(self, session: Session, merchant_id: str) -> LogHeadRow:
        query = (
            select(LogHeadRow)
            .where(LogHeadRow.log == self.table.LOG, LogHeadRow.merchant_id == merchant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        head = session.exec(query).first()
        if head is None:
            fresh = {"log": self.table.LOG, "merchant_id": merchant_id, "sequence": 0, "hash": GENESIS}
            session.execute(insert_into(session, LogHeadRow).values(fresh).on_conflict_do_nothing())
            head = session.exec(query).one()
        return head


def _opened(key: bytes, entry: SealedEntry) -> dict[str, Any]:
    document = decode(unseal(key, entry.sealed, entry.public.encode()))
    if not isinstance(document, dict):
        raise SealBroken("a sealed part is not a document")
    return document


def hash_of(previous: str, public: bytes, sealed: bytes) -> str:
    """SHA-256 hex over the canonical JSON of the previous hash, the public text and the ciphertext."""
    form = {"previous": previous, "public": public.decode(), "sealed": base64url(sealed)}
    return hashlib.sha256(canonical(form)).hexdigest()
