"""Append-only logs of sealed entries. An entry has a public part, a personal part sealed with the person's key of the
year, a hash over both and the previous hash, and a signature. Triggers in the database prevent changes and deletions;
`gateway.audit.log_verification` detects changes that bypass them, and needs no secret.

There is one chain per merchant, so that a busy merchant does not delay others.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import Connection, Table, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.crypto import SealBroken, base64url, seal, unseal, verifies
from gateway.kit.json import canonical, decode
from gateway.store.base import Record, table_of
from gateway.store.logs.keys import KeyRepository
from gateway.store.repository import Insert, Repository, insert_into

GENESIS = "0" * 64
SIGNED_AS = b"sesame-gateway log entry v1\n"


class LogHeadRow(Record):
    """The newest entry of a chain. Writers of the chain lock its row."""

    log: str = Field(primary_key=True)
    merchant_id: str = Field(primary_key=True)
    sequence: int
    hash: str


class LogHeadTable(LogHeadRow, table=True):
    __tablename__ = "log_heads"


class SealedEntry(Record):
    """The columns of all sealed logs. `public` is the exact canonical text that was hashed."""

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
class NewEntry:
    """An entry to be logged. `user_id` and `subject` identify the person. Anyone may read `public`; `personal` can be
    read only with the person's key. `columns` are further columns of the table, each repeated from the public part."""

    merchant_id: str
    user_id: str
    subject: str
    public: Mapping[str, Any]
    personal: Mapping[str, Any]
    columns: Mapping[str, Any] = field(default_factory=dict)


HEADS = table_of(LogHeadTable)
_HEAD = (
    select(HEADS)
    .where(HEADS.c.log == bindparam("log"), HEADS.c.merchant_id == bindparam("merchant_id"))
    .with_for_update()
)
_NEW_HEAD = insert_into(HEADS).on_conflict_do_nothing()
_MOVE_HEAD = (
    HEADS.update()
    .where(HEADS.c.log == bindparam("of_log"), HEADS.c.merchant_id == bindparam("of_merchant"))
    .values(sequence=bindparam("new_sequence"), hash=bindparam("new_hash"))
)


class SealedLog(Repository):
    """Appends to and reads from one log."""

    LOG: ClassVar[str]
    NOUN: ClassVar[str]
    TABLE: ClassVar[Table]
    INSERT: ClassVar[Insert]

    def __init__(self, connection: Connection, wall: WallTime, keys: KeyRepository) -> None:
        super().__init__(connection)
        self._wall, self._keys = wall, keys

    def append(self, entry: NewEntry) -> str:
        """Adds one entry and returns its id."""
        key_id, key, signing = self._keys.ensure_entry_keys(entry.user_id)
        head = self._lock_head(entry.merchant_id)
        entry_id, sequence = self._keys.ids.new(self.NOUN), head.sequence + 1
        public = canonical(
            {
                "log": self.LOG,
                "version": 1,
                "id": entry_id,
                "merchant": entry.merchant_id,
                "sequence": sequence,
                "subject": entry.subject,
                "key": key_id,
                "at": rfc3339(self._wall),
                **entry.public,
            }
        )
        sealed = seal(key, canonical(dict(entry.personal)), public)
        entry_hash = hash_entry(head.hash, public, sealed)
        columns = {
            "id": entry_id,
            "merchant_id": entry.merchant_id,
            "sequence": sequence,
            "public": public.decode(),
            "sealed": sealed,
            "previous_hash": head.hash,
            "hash": entry_hash,
            "kid": signing.kid,
            "signature": signing.sign(SIGNED_AS + bytes.fromhex(entry_hash)),
            **entry.columns,
        }
        self._run(self.INSERT, columns)
        self._execute(
            _MOVE_HEAD, of_log=self.LOG, of_merchant=entry.merchant_id, new_sequence=sequence, new_hash=entry_hash
        )
        return entry_id

    def is_authentic(self, entry: SealedEntry) -> bool:
        """Whether the entry has the hash of its content, and the signature of a key of this deployment."""
        if hash_entry(entry.previous_hash, entry.public.encode(), entry.sealed) != entry.hash:
            return False
        key = self._keys.load_key(entry.kid)
        return key is not None and verifies(key.public, SIGNED_AS + bytes.fromhex(entry.hash), entry.signature)

    def open_personal(self, entry: SealedEntry) -> dict[str, Any] | None:
        """Returns the personal part of an entry, or None if the person's key has been destroyed. Raises SealBroken if
        the entry was tampered with."""
        return self.open_all([entry])[0]

    def open_all(self, entries: Sequence[SealedEntry]) -> list[dict[str, Any] | None]:
        """Returns the personal parts of these entries in their order, None for a destroyed key. One statement loads all
        keys. Raises SealBroken if an entry was tampered with."""
        if not entries:
            return []
        key_ids = [decode(entry.public)["key"] for entry in entries]
        keys = self._keys.open_user_keys(key_ids)
        return [_opened(keys[key], entry) if key in keys else None for key, entry in zip(key_ids, entries, strict=True)]

    def _lock_head(self, merchant_id: str) -> LogHeadRow:
        head = self._first(LogHeadRow, _HEAD, log=self.LOG, merchant_id=merchant_id)
        if head is None:
            fresh = LogHeadRow(log=self.LOG, merchant_id=merchant_id, sequence=0, hash=GENESIS)
            self._run(_NEW_HEAD, dict(fresh))
            head = self._first(LogHeadRow, _HEAD, log=self.LOG, merchant_id=merchant_id)
            assert head is not None  # this unit or another has just created it
        return head


def _opened(key: bytes, entry: SealedEntry) -> dict[str, Any]:
    document = decode(unseal(key, entry.sealed, entry.public.encode()))
    if not isinstance(document, dict):
        raise SealBroken("a sealed part is not a document")
    return document


def hash_entry(previous: str, public: bytes, sealed: bytes) -> str:
    """Returns SHA-256 hex over the canonical JSON of the previous hash, the public text and the ciphertext."""
    form = {"previous": previous, "public": public.decode(), "sealed": base64url(sealed)}
    return hashlib.sha256(canonical(form)).hexdigest()
