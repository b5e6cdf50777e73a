"""Keys in the database: each log signing key and each person's log key of a year, all sealed by the master key."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlmodel import Field, UniqueConstraint, col, select

from gateway.kit.crypto import KEY_BYTES, SigningKey, seal, unseal
from gateway.kit.ids import Ids
from gateway.store.base import Table, bytes_column, insert_into
from gateway.store.database import Session


class SigningKeyRow(Table, table=True):
    """`kid` is the RFC 7638 thumbprint of `public` (Ed25519, 32 bytes). The private half is sealed."""

    __tablename__ = "signing_keys"

    kid: str = Field(primary_key=True)
    public: bytes = bytes_column()
    private_sealed: bytes = bytes_column()
    created_at: datetime
    retired_at: datetime | None = None


class UserKeyRow(Table, table=True):
    """The key that seals one person's log entries of one year. Destroying it erases them; the rows stay."""

    __tablename__ = "user_keys"
    __table_args__ = (UniqueConstraint("user_id", "year"),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    year: int
    key_sealed: bytes = bytes_column()
    created_at: datetime


class Keyring:
    """Opens the sealed keys with the master key, and signs log entries."""

    def __init__(self, master: bytes, ids: Ids) -> None:
        self._master, self._ids = master, ids
        self._opened: dict[str, SigningKey] = {}

    def signing_key(self, session: Session, now: datetime) -> SigningKey:
        """The signing key in force, asked of the database each time: another process may have rotated it. The first
        call on a fresh database makes one. `session` is a writing unit, `now` wall time."""
        return self._open(session, _in_force(session) or _in_force(_alone(session)) or self._make(session, now))

    def in_force(self, session: Session) -> SigningKey | None:
        """The signing key in force, None on a fresh database. Any session will do."""
        kid = _in_force(session)
        return self._open(session, kid) if kid else None

    def _open(self, session: Session, kid: str) -> SigningKey:
        if kid not in self._opened:
            row = session.get_one(SigningKeyRow, kid)
            self._opened[kid] = SigningKey(unseal(self._master, row.private_sealed, row.kid.encode()))
        return self._opened[kid]

    def rotate(self, session: Session, now: datetime) -> str:
        """Puts a new signing key in force, retires the one before, and answers the new one's kid. What the old one
        has signed keeps its meaning: public halves are kept for ever. `now` is wall time."""
        retired = update(SigningKeyRow).where(col(SigningKeyRow.retired_at).is_(None)).values(retired_at=now)
        _alone(session).execute(retired)
        return self._make(session, now)

    def _make(self, session: Session, now: datetime) -> str:
        key = SigningKey()
        sealed = seal(self._master, key.private, key.kid.encode())
        session.add(SigningKeyRow(kid=key.kid, public=key.public, private_sealed=sealed, created_at=now))
        session.flush()
        return key.kid

    def user_key(self, session: Session, user_id: str, now: datetime) -> tuple[str, bytes]:
        """Id and bytes of the person's key of this year, made on first use. Safe when two units race."""
        query = select(UserKeyRow).where(UserKeyRow.user_id == user_id, UserKeyRow.year == now.year)
        row = session.exec(query).first()
        if row is None:
            key_id = self._ids.new("key")
            fresh = {
                "id": key_id,
                "user_id": user_id,
                "year": now.year,
                "key_sealed": seal(self._master, secrets.token_bytes(KEY_BYTES), key_id.encode()),
                "created_at": now,
            }
            session.execute(insert_into(session, UserKeyRow).values(fresh).on_conflict_do_nothing())
            row = session.exec(query).one()
        return row.id, unseal(self._master, row.key_sealed, row.id.encode())

    def open_keys(self, session: Session, key_ids: Iterable[str]) -> Mapping[str, bytes]:
        """The bytes of persons' keys by id, without those that have been destroyed."""
        rows = session.exec(select(UserKeyRow).where(col(UserKeyRow.id).in_(set(key_ids))))
        return {row.id: unseal(self._master, row.key_sealed, row.id.encode()) for row in rows}


def _in_force(session: Session) -> str | None:
    newest = select(SigningKeyRow.kid).order_by(col(SigningKeyRow.created_at).desc(), col(SigningKeyRow.kid))
    return session.exec(newest.where(col(SigningKeyRow.retired_at).is_(None)).limit(1)).first()


def _alone(session: Session) -> Session:
    """The session, once no other unit can be making or retiring a signing key. On SQLite a writing unit is alone."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {SigningKeyRow.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))
    return session


def public_keys(session: Session) -> dict[str, bytes]:
    """kid to public key of every signing key, retired ones too."""
    return {row.kid: row.public for row in session.exec(select(SigningKeyRow))}


def listed(session: Session) -> Sequence[SigningKeyRow]:
    """Every signing key, oldest first."""
    return session.exec(select(SigningKeyRow).order_by(col(SigningKeyRow.created_at), col(SigningKeyRow.kid))).all()


def published(session: Session, retired_since: datetime) -> Sequence[SigningKeyRow]:
    """The signing keys in force and those retired after that moment, oldest first."""
    return [row for row in listed(session) if row.retired_at is None or row.retired_at > retired_since]
