"""Access and refresh tokens: opaque, stored as digests, each hanging from a consent or from a client alone."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Field, col, select

from gateway.domain.consent import Consent
from gateway.store import consents
from gateway.store.base import Table, json_column
from gateway.store.clients import ClientRow
from gateway.store.consents import ConsentRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from gateway.store.partners import PartnerRow
from gateway.store.users import UserRow


class AccessTokenRow(Table, table=True):
    """`consent_id` is None for a merchant token. `family` is the refresh token family that issued it, if any. With
    `jkt`, the thumbprint of a key, the token works only beside that key's proof (RFC 9449 section 6)."""

    __tablename__ = "oauth_access_tokens"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", index=True)
    consent_id: str | None = Field(default=None, foreign_key="consents.id", index=True)
    family: str | None = Field(default=None, index=True)
    scopes: list[str] = json_column()
    jkt: str | None = None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class RefreshTokenRow(Table, table=True):
    """One link of a rotating family: `successor` is the digest of the token that replaced it."""

    __tablename__ = "oauth_refresh_tokens"

    digest: str = Field(primary_key=True)
    family: str = Field(index=True)
    client_id: str = Field(foreign_key="oauth_clients.id", index=True)
    consent_id: str = Field(foreign_key="consents.id", index=True)
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    successor: str | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """All that a presented access token stands for, read in one statement."""

    token: AccessTokenRow
    client: ClientRow
    partner: PartnerRow
    consent: Consent | None


def bearer(session: Session, digest: str) -> Bearer | None:
    """The token with its client, partner and consent, dead or alive; None for an unknown token and for one of a user
    who has been locked out."""
    row = session.exec(
        select(AccessTokenRow, ClientRow, PartnerRow, ConsentRow)
        .join(ClientRow, col(ClientRow.id) == col(AccessTokenRow.client_id))
        .join(MerchantRow, col(MerchantRow.id) == col(ClientRow.merchant_id))
        .join(PartnerRow, col(PartnerRow.id) == col(MerchantRow.partner_id))
        .outerjoin(ConsentRow, col(ConsentRow.id) == col(AccessTokenRow.consent_id))
        .outerjoin(UserRow, col(UserRow.id) == col(ConsentRow.user_id))
        .where(AccessTokenRow.digest == digest, col(UserRow.disabled_at).is_(None))
    ).first()
    if row is None:
        return None
    token, client, partner = row[:3]
    consent: ConsentRow | None = row[3]
    return Bearer(token, client, partner, consents.value(consent) if consent is not None else None)


def refresh_token(session: Session, digest: str) -> RefreshTokenRow | None:
    return session.get(RefreshTokenRow, digest)


def access_token(session: Session, digest: str) -> AccessTokenRow | None:
    return session.get(AccessTokenRow, digest)


def insert(session: Session, row: AccessTokenRow | RefreshTokenRow) -> None:
    session.add(row)
    session.flush()


def use_refresh_token(session: Session, digest: str, successor: str, now: datetime) -> bool:
    """Rotates the token. False for all but the first of any number of concurrent uses, and for a revoked one."""
    statement = (
        update(RefreshTokenRow)
        .where(
            col(RefreshTokenRow.digest) == digest,
            col(RefreshTokenRow.used_at).is_(None),
            col(RefreshTokenRow.revoked_at).is_(None),
        )
        .values(used_at=now, successor=successor)
        .returning(col(RefreshTokenRow.digest))
    )
    return session.execute(statement).first() is not None


def replace_successor(session: Session, digest: str, old: str, new: str, now: datetime) -> bool:
    """The bounded retry: revokes the unused successor `old` and puts `new` in its place. False when the old
    successor has been used or replaced meanwhile."""
    unused = (
        update(RefreshTokenRow)
        .where(
            col(RefreshTokenRow.digest) == old,
            col(RefreshTokenRow.used_at).is_(None),
            col(RefreshTokenRow.revoked_at).is_(None),
        )
        .values(revoked_at=now)
        .returning(col(RefreshTokenRow.digest))
    )
    if session.execute(unused).first() is None:
        return False
    session.execute(update(RefreshTokenRow).where(col(RefreshTokenRow.digest) == digest).values(successor=new))
    return True


def revoke_access_token(session: Session, digest: str, now: datetime) -> None:
    session.execute(
        update(AccessTokenRow)
        .where(col(AccessTokenRow.digest) == digest, col(AccessTokenRow.revoked_at).is_(None))
        .values(revoked_at=now)
    )


def revoke_family(session: Session, family: str, now: datetime) -> None:
    """Ends every token of the family, refresh and access."""
    for table in (RefreshTokenRow, AccessTokenRow):
        session.execute(
            update(table).where(col(table.family) == family, col(table.revoked_at).is_(None)).values(revoked_at=now)
        )


def revoke_all(session: Session, consent_id: str, now: datetime) -> None:
    """Ends every token that hangs from the consent."""
    for table in (RefreshTokenRow, AccessTokenRow):
        session.execute(
            update(table)
            .where(col(table.consent_id) == consent_id, col(table.revoked_at).is_(None))
            .values(revoked_at=now)
        )


def revoke_client(session: Session, client_id: str, now: datetime) -> None:
    """Ends every token of the client."""
    for table in (RefreshTokenRow, AccessTokenRow):
        session.execute(
            update(table)
            .where(col(table.client_id) == client_id, col(table.revoked_at).is_(None))
            .values(revoked_at=now)
        )
