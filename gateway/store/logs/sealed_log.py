"""Logs of sealed entries. An entry has a public part, and a personal part sealed with the person's key of the year.

Entries from before the trees have a chain per merchant: a sequence, a hash over both parts and the previous hash, and a
signature. These columns stay as they were, and the leaf hash covers them. They are null in newer entries.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.crypto import SealBroken, base64url, seal, unseal, verifies
from gateway.kit.json import canonical, decode
from gateway.kit.merkle import hash_leaf
from gateway.store.logs.keys import KeyRepository
from gateway.store.logs.tree_log import LogEntry, TreeLog
from gateway.store.logs.trees import LogTrees

SIGNED_AS = b"sesame-gateway log entry v1\n"


class SealedEntry(LogEntry):
    """The columns of all sealed logs."""

    merchant_id: str
    sealed: bytes
    sequence: int | None = None
    previous_hash: str | None = None
    hash: str | None = None
    kid: str | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoggedPerson:
    """A person, as the sealed logs know them. `subject` is the random id in the logs. `key` seals the entries of this
    year, and `key_id` names it."""

    user_id: str
    subject: str
    key_id: str
    key: bytes


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be logged about a person. Anyone may read `public`; `personal` can be read only with the person's
    key. `columns` are further columns of the table, each repeated from the public part."""

    merchant_id: str
    person: LoggedPerson
    public: Mapping[str, Any]
    personal: Mapping[str, Any]
    columns: Mapping[str, Any] = field(default_factory=dict)


class SealedLog(TreeLog):
    """Appends to and reads from one log."""

    def __init__(self, connection: Connection, wall: WallTime, trees: LogTrees, keys: KeyRepository) -> None:
        super().__init__(connection, wall, trees)
        self._keys = keys

    def append(self, entry: NewEntry) -> str:
        """Adds one entry and returns its id."""
        entry_id = self._keys.ids.new(self.NOUN)
        public = canonical(
            {
                "log": self.LOG,
                "version": 2,
                "id": entry_id,
                "merchant": entry.merchant_id,
                "subject": entry.person.subject,
                "key": entry.person.key_id,
                "at": rfc3339(self._wall),
                **entry.public,
            }
        )
        sealed = seal(entry.person.key, canonical(dict(entry.personal)), public)
        columns = {
            "id": entry_id,
            "merchant_id": entry.merchant_id,
            "public": public.decode(),
            "sealed": sealed,
            **entry.columns,
        }
        self._hand_over(columns, b"%b\n%b" % (public, base64url(sealed).encode()))
        return entry_id

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


def _opened(key: bytes, entry: SealedEntry) -> dict[str, Any]:
    document = decode(unseal(key, entry.sealed, entry.public.encode()))
    if not isinstance(document, dict):
        raise SealBroken("a sealed part is not a document")
    return document


def hash_sealed_entry(row: Any) -> bytes:
    """Returns the leaf hash of an entry: over the public text and the ciphertext in base64url, each on its own line,
    and for an entry of a chain also over sequence, previous hash, hash, key id and signature."""
    lines = [row.public, base64url(row.sealed)]
    if row.signature is not None:
        lines += [str(row.sequence), row.previous_hash, row.hash, row.kid, base64url(row.signature)]
    return hash_leaf("\n".join(lines).encode())


def hash_chained_entry(previous: str, public: bytes, sealed: bytes) -> str:
    """Returns the hash of an entry of a chain: SHA-256 hex over the canonical JSON of the previous hash, the public
    text and the ciphertext."""
    form = {"previous": previous, "public": public.decode(), "sealed": base64url(sealed)}
    return hashlib.sha256(canonical(form)).hexdigest()


def has_valid_signature(row: Any, public_key: bytes) -> bool:
    """Whether an entry of a chain has the hash of its content, and this key has signed it. An entry without a signature
    has none to check."""
    content = hash_chained_entry(row.previous_hash, row.public.encode(), row.sealed)
    return content == row.hash and verifies(public_key, SIGNED_AS + bytes.fromhex(row.hash), row.signature)
