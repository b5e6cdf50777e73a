"""Keys in the database: the signing keys, and one log key per person and year, all sealed by the master key."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text
from sqlmodel import Field, UniqueConstraint

from gateway.kit.clock import WallTime
from gateway.kit.crypto import KEY_BYTES, SealBroken, SigningKey, derive, seal, unseal
from gateway.kit.ids import Ids
from gateway.store.base import Record, Row, bytes_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class SigningKeyRow(Record):
    """A signing key of checkpoints and receipts. `kid` is the RFC 7638 thumbprint of `public` (Ed25519, 32 bytes). The
    private key is sealed."""

    kid: str = Field(primary_key=True)
    public: bytes = bytes_column()
    private_sealed: bytes = bytes_column()
    created_at: WallTime = moment_column()
    retired_at: WallTime | None = moment_column(default=None)


class SigningKeyTable(SigningKeyRow, table=True):
    __tablename__ = "signing_keys"


class UserKeyRow(Record):
    """The key that seals a person's log entries of one year, and the texts of disputes about imported records. When it
    is destroyed, the personal parts of these entries and these texts cannot be read any more; the entries stay."""

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
)
_ALL = select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.created_at, SIGNING_KEYS.c.kid)
_RETIRE = SIGNING_KEYS.update().where(SIGNING_KEYS.c.retired_at.is_(None)).values(retired_at=bindparam("now"))
_LOCK_ON_POSTGRESQL = text(f"LOCK TABLE {SIGNING_KEYS.name} IN SHARE ROW EXCLUSIVE MODE")
_USER_KEY = select(USER_KEYS).where(USER_KEYS.c.user_id == bindparam("user_id"), USER_KEYS.c.year == bindparam("year"))
_USER_KEYS = select(USER_KEYS).where(USER_KEYS.c.id.in_(bindparam("ids", expanding=True)))
_NEW_USER_KEY = insert_into(USER_KEYS).on_conflict_do_nothing()


class Keyring:
    """Seals and opens keys with the master key, caches opened signing keys, and creates ids of entries."""

    def __init__(self, master: bytes | None, ids: Ids) -> None:
        self._master, self.ids = master, ids
        self._opened: dict[tuple[str, bytes, bytes], SigningKey] = {}

    def seal(self, plain: bytes, key_id: str) -> bytes:
        """Returns the key, sealed and bound to its id."""
        return seal(self._key(), plain, key_id.encode())

    def open(self, sealed: bytes, key_id: str) -> bytes:
        """Returns the key that was sealed for this id. Raises SealBroken."""
        return unseal(self._key(), sealed, key_id.encode())

    def derive(self, context: str) -> bytes:
        """Returns a key of 32 bytes for this context."""
        return derive(self._key(), context)

    def signing_key(self, row: SigningKeyRow | Row) -> SigningKey:
        """Returns the signing key in a row. Raises SealBroken if its sealed half does not open to its public half: then
        the row was not written by this deployment."""
        cached = row.kid, row.public, row.private_sealed
        if cached not in self._opened:
            key = SigningKey(self.open(row.private_sealed, row.kid))
            if (key.kid, key.public) != (row.kid, row.public):
                raise SealBroken("the sealed half of a signing key belongs to another public half")
            self._opened[cached] = key
        return self._opened[cached]

    def opens(self, row: SigningKeyRow | Row) -> bool:
        """Whether `signing_key` returns the key of this row."""
        try:
            self.signing_key(row)
        except SealBroken:
            return False
        return True

    def _key(self) -> bytes:
        if self._master is None:
            raise RuntimeError("the database was opened without the master key")
        return self._master


NO_KEYRING = Keyring(None, Ids())
"""The keyring for a database that is only checked. It cannot open or seal anything."""


class KeyRepository(Repository):
    """The signing keys and the persons' keys."""

    def __init__(self, connection: Connection, wall: WallTime, keyring: Keyring) -> None:
        super().__init__(connection)
        self._wall, self._keyring = wall, keyring

    @property
    def ids(self) -> Ids:
        """Creates the ids of log entries."""
        return self._keyring.ids

    def ensure_signing_key(self) -> SigningKey:
        """Returns the signing key in force. In a new database it is created. Raises SealBroken."""
        key = self.load_signing_key()
        if key is None:
            self._lock()
            key = self.load_signing_key() or self._keyring.signing_key(self._make())
        return key

    def load_signing_key(self) -> SigningKey | None:
        """Returns the signing key in force, or None in a new database. Rows that do not open are passed over. Raises
        SealBroken if no key in force opens."""
        rows = self._all(SigningKeyRow, _IN_FORCE)
        usable = next(filter(self._keyring.opens, rows), None)
        return None if not rows else self._keyring.signing_key(usable or rows[0])

    def rotate(self) -> str:
        """Creates a new signing key, retires the previous one, and returns the kid of the new one. Public keys are kept
        for ever, so that what retired keys have signed can be verified."""
        self._lock()
        self._execute(_RETIRE, now=self._wall)
        return self._make().kid

    def ensure_user_key(self, user_id: str) -> tuple[str, bytes]:
        """Returns id and bytes of the person's key of this year. A missing key is created, also if two units race.
        It is read each time, because another process may have destroyed it. Raises SealBroken."""
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
            assert row is not None  # this unit or another has just created it
        return row.id, self._keyring.open(row.key_sealed, row.id)

    def open_user_key(self, row: Row) -> bytes:
        """Returns the bytes of the key in a row with `key_sealed` and `key_id`. Raises SealBroken."""
        return self._keyring.open(row.key_sealed, row.key_id)

    def open_user_keys(self, key_ids: Iterable[str]) -> Mapping[str, bytes]:
        """Returns the bytes of persons' keys by id, without destroyed keys. Raises SealBroken."""
        rows = self._all(UserKeyRow, _USER_KEYS, ids=sorted(set(key_ids)))
        return {row.id: self._keyring.open(row.key_sealed, row.id) for row in rows}

    def load_public_keys(self) -> dict[str, bytes]:
        """Returns the public keys of all signing keys by kid, including retired ones."""
        return {row.kid: row.public for row in self.list_signing_keys()}

    def list_signing_keys(self) -> list[SigningKeyRow]:
        """Returns all signing keys, oldest first."""
        return self._all(SigningKeyRow, _ALL)

    def list_published(self, retired_since: datetime) -> list[SigningKeyRow]:
        """Returns the signing keys in force and those retired after `retired_since`, oldest first. Rows that do not
        open are left out."""
        rows = self.list_signing_keys()
        recent = (row for row in rows if row.retired_at is None or row.retired_at > retired_since)
        return [row for row in recent if self._keyring.opens(row)]

    def list_own_public_keys(self) -> list[bytes]:
        """Returns the public keys of this deployment, including retired ones. Rows that do not open are left out."""
        return [row.public for row in self.list_signing_keys() if self._keyring.opens(row)]

    def list_foreign(self) -> list[str]:
        """Returns the ids of the signing keys whose sealed half does not open to them, oldest first. This deployment
        did not write them."""
        return [row.kid for row in self.list_signing_keys() if not self._keyring.opens(row)]

    def _lock(self) -> None:
        """Waits until no other unit can create or retire a signing key. On SQLite only one unit writes at a time."""
        if self._connection.dialect.name == "postgresql":
            self._execute(_LOCK_ON_POSTGRESQL)

    def _make(self) -> SigningKeyRow:
        key = SigningKey()
        sealed = self._keyring.seal(key.private, key.kid)
        row = SigningKeyRow(kid=key.kid, public=key.public, private_sealed=sealed, created_at=self._wall)
        self._insert(SIGNING_KEYS, row)
        return row
