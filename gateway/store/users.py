"""Users: the people whose score it is. In a sandbox each belongs to one partner and is one of its personas."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, UniqueConstraint, col, select

from gateway.store.base import Table, insert_into
from gateway.store.database import Session


class UserRow(Table, table=True):
    """`log_subject` names the person in the logs; it is random, so that erasing this row unlinks them."""

    __tablename__ = "users"

    id: str = Field(primary_key=True)
    partner_id: str | None = Field(default=None, foreign_key="partners.id")
    username: str = Field(unique=True)
    password_hash: str
    display_name: str
    log_subject: str = Field(unique=True)
    created_at: datetime
    disabled_at: datetime | None = None


class PersonaRow(Table, table=True):
    """A sandbox user with known answers: `score` is None for an unscored one."""

    __tablename__ = "personas"
    __table_args__ = (UniqueConstraint("partner_id", "handle"),)

    id: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id")
    user_id: str = Field(foreign_key="users.id", unique=True)
    handle: str
    summary: str
    score: int | None = None
    open_overdue: int = 0


class PairwiseSubjectRow(Table, table=True):
    """The id under which one merchant knows one user. Two merchants cannot join theirs."""

    __tablename__ = "pairwise_subjects"

    user_id: str = Field(foreign_key="users.id", primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", primary_key=True)
    subject: str = Field(unique=True)


def load(session: Session, user_id: str) -> UserRow | None:
    return session.get(UserRow, user_id)


def by_username(session: Session, username: str) -> UserRow | None:
    return session.exec(select(UserRow).where(UserRow.username == username)).first()


def new_log_subject() -> str:
    return f"sub_{secrets.token_hex(16)}"


def persona_of(session: Session, user_id: str) -> PersonaRow | None:
    return session.exec(select(PersonaRow).where(PersonaRow.user_id == user_id)).first()


def personas(session: Session, partner_id: str) -> Sequence[PersonaRow]:
    """A partner's personas, in the order they were made."""
    return session.exec(
        select(PersonaRow).where(PersonaRow.partner_id == partner_id).order_by(col(PersonaRow.id))
    ).all()


def persona(session: Session, partner_id: str, persona_id: str) -> PersonaRow | None:
    """One persona of this partner, None for another partner's."""
    row = session.get(PersonaRow, persona_id)
    return row if row and row.partner_id == partner_id else None


def ensure_pairwise_subject(session: Session, user_id: str, merchant_id: str, candidate: str) -> str:
    """The pairwise id of this user at this merchant: `candidate` becomes it unless there is one already. Any number
    of concurrent calls get the same answer."""
    session.execute(
        insert_into(session, PairwiseSubjectRow)
        .values(user_id=user_id, merchant_id=merchant_id, subject=candidate)
        .on_conflict_do_nothing(index_elements=["user_id", "merchant_id"])
    )
    return session.exec(
        select(PairwiseSubjectRow.subject).where(
            PairwiseSubjectRow.user_id == user_id, PairwiseSubjectRow.merchant_id == merchant_id
        )
    ).one()


def insert(session: Session, row: UserRow) -> None:
    session.add(row)
    session.flush()
