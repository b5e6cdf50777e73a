"""Keys in the database: each log signing key and each person's log key of a year, all sealed by the master key."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text
from sqlmodel import Field, UniqueConstraint

from gateway.kit.clock import WallTime
from gateway.kit.crypto import KEY_BYTES, SigningKey, seal, unseal
from gateway.kit.ids import Ids
from gateway.store.base import Record, Row, bytes_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class SigningKeyRow(Record):
    """`kid` is the RFC 7638 thumbprint of `public` (Ed25519, 32 bytes). The private half is sealed."""

    kid: str = Field(primary_key=True)
    public: bytes = bytes_column()
    private_sealed: bytes = bytes_column()
    created_at: WallTime = moment_column()
    retired_at: WallTime | None = moment_column(default=None)


class SigningKeyTable(SigningKeyRow, table=True):
    __tablename__ = "signing_keys"


class UserKeyRow(Record):
    """The key that seals one person's log entries of one year. Destroying it erases them; the rows stay."""

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    year: int
    key_sealed: bytes = bytes_column()
    created_at: WallTime = moment_column()


class UserKeyTable(UserKeyRow, table=True):
    __tablename__ = "user_keys"
    __table_args__ = (UniqueConstraint("user_id", "year"),)


SIGNING_KEYS, USER_KEYS = table_of(SigningKeyTable), table_of(UserKeyTable)
_IN_FORCE = (
    select(SIGNING_KEYS)
    .where(SIGNING_KEYS.c.retired_at.is_(None))
    .order_by(SIGNING_KEYS.c.created_at.desc(), SIGNING_KEYS.c.kid)
    .limit(1)
)
_ALL = select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.created_at, SIGNING_KEYS.c.kid)
_RETIRE = SIGNING_KEYS.update().where(SIGNING_KEYS.c.retired_at.is_(None)).values(retired_at=bindparam("now"))
_LOCK_ON_POSTGRESQL = text(f"LOCK TABLE {SIGNING_KEYS.name} IN SHARE ROW EXCLUSIVE MODE")
_USER_KEY = select(USER_KEYS).where(USER_KEYS.c.user_id == bindparam("user_id"), USER_KEYS.c.year == bindparam("year"))
_KEYS_OF_ENTRY = (
    select(USER_KEYS.c.id, USER_KEYS.c.key_sealed, SIGNING_KEYS)
    .select_from(USER_KEYS.join(SIGNING_KEYS, SIGNING_KEYS.c.retired_at.is_(None)))
    .where(USER_KEYS.c.user_id == bindparam("user_id"), USER_KEYS.c.year == bindparam("year"))
    .order_by(SIGNING_KEYS.c.created_at.desc(), SIGNING_KEYS.c.kid)
    .limit(1)
)
_USER_KEYS = select(USER_KEYS).where(USER_KEYS.c.id.in_(bindparam("ids", expanding=True)))
_NEW_USER_KEY = insert_into(USER_KEYS).on_conflict_do_nothing()


class Keyring:
    """Seals and opens keys with the master key, remembers the signing keys it has opened, and mints ids of entries."""

    def __init__(self, master: bytes | None, ids: Ids) -> None:
        self._master, self.ids = master, ids
        self._opened: dict[str, SigningKey] = {}

    def seal(self, plain: bytes, key_id: str) -> bytes:
        """The key, sealed for its id."""
        return seal(self._key(), plain, key_id.encode())

    def open(self, sealed: bytes, key_id: str) -> bytes:
        """The key that was sealed for this id. Raises SealBroken."""
        return unseal(self._key(), sealed, key_id.encode())

    def signing_key(self, row: SigningKeyRow | Row) -> SigningKey:
        """The signing key in a row. Raises SealBroken."""
        if row.kid not in self._opened:
            self._opened[row.kid] = SigningKey(self.open(row.private_sealed, row.kid))
        return self._opened[row.kid]

    def _key(self) -> bytes:
        if self._master is None:
            raise RuntimeError("this database was opened without the master key")
        return self._master


NO_KEYRING = Keyring(None, Ids())
"""For a database that is only checked: it opens and seals nothing."""


class KeyRepository(Repository):
    """The signing keys and the persons' keys."""

    def __init__(self, connection: Connection, wall: WallTime, keyring: Keyring) -> None:
        super().__init__(connection)
        self._wall, self._keyring = wall, keyring

    @property
    def ids(self) -> Ids:
        """Mints the ids of log entries."""
        return self._keyring.ids

    def ensure_entry_keys(self, user_id: str) -> tuple[str, bytes, SigningKey]:
        """What a new log entry needs: id and bytes of the person's key of this year, and the signing key in force. Each
        is made on first use. They are read each time: another process may have destroyed or rotated them."""
        row = self._row(_KEYS_OF_ENTRY, user_id=user_id, year=self._wall.year)
        if row is None:
            return *self.ensure_user_key(user_id), self.ensure_signing_key()
        return row.id, self._keyring.open(row.key_sealed, row.id), self._keyring.signing_key(row)

    def ensure_signing_key(self) -> SigningKey:
        """The signing key in force, made on a fresh database."""
        row = self._first(SigningKeyRow, _IN_FORCE)
        if row is None:
            self._lock()
            row = self._first(SigningKeyRow, _IN_FORCE) or self._make()
        return self._keyring.signing_key(row)

    def load_signing_key(self) -> SigningKey | None:
        """The signing key in force, None on a fresh database."""
        row = self._first(SigningKeyRow, _IN_FORCE)
        return None if row is None else self._keyring.signing_key(row)

    def rotate(self) -> str:
        """Puts a new signing key in force, retires the one before, and returns the new one's kid. Public halves are
        kept for ever, so that what a retired key has signed can be verified."""
        self._lock()
        self._execute(_RETIRE, now=self._wall)
        return self._make().kid

    def ensure_user_key(self, user_id: str) -> tuple[str, bytes]:
        """Id and bytes of the person's key of this year, made on first use. Safe when two units race."""
        year = self._wall.year
        row = self._first(UserKeyRow, _USER_KEY, user_id=user_id, year=year)
        if row is None:
            key_id = self.ids.new("key")
            fresh = UserKeyRow(
                id=key_id,
                user_id=user_id,
                year=year,
                key_sealed=self._keyring.seal(secrets.token_bytes(KEY_BYTES), key_id),
                created_at=self._wall,
            )
            self._run(_NEW_USER_KEY, dict(fresh))
            row = self._first(UserKeyRow, _USER_KEY, user_id=user_id, year=year)
            assert row is not None  # it has just been made, by this unit or another
        return row.id, self._keyring.open(row.key_sealed, row.id)

    def open_user_keys(self, key_ids: Iterable[str]) -> Mapping[str, bytes]:
        """The bytes of persons' keys by id, without those that have been destroyed."""
        rows = self._all(UserKeyRow, _USER_KEYS, ids=sorted(set(key_ids)))
        return {row.id: self._keyring.open(row.key_sealed, row.id) for row in rows}

    def load_public_keys(self) -> dict[str, bytes]:
        """The public key of every signing key by kid, retired ones too."""
        return {row.kid: row.public for row in self.list_signing_keys()}

    def list_signing_keys(self) -> list[SigningKeyRow]:
        """Every signing key, oldest first."""
        return self._all(SigningKeyRow, _ALL)

    def list_published(self, retired_since: datetime) -> list[SigningKeyRow]:
        """The signing keys in force and those retired after that moment, oldest first."""
        rows = self.list_signing_keys()
        return [row for row in rows if row.retired_at is None or row.retired_at > retired_since]

    def _lock(self) -> None:
        """Waits until no other unit can be making or retiring a signing key. On SQLite a writing unit is alone."""
        if self._connection.dialect.name == "postgresql":
            self._execute(_LOCK_ON_POSTGRESQL)

    def _make(self) -> SigningKeyRow:
        key = SigningKey()
        sealed = self._keyring.seal(key.private, key.kid)
        row = SigningKeyRow(kid=key.kid, public=key.public, private_sealed=sealed, created_at=self._wall)
        self._insert(SIGNING_KEYS, row)
        return row
