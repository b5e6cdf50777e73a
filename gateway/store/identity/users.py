"""Users: the persons who have a score. A persona of a sandbox belongs to one partner. Any other person belongs to
none."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, select
from sqlmodel import Field, UniqueConstraint

from gateway.domain.errors import NotFound
from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.logs.record_log import RecordLog
from gateway.store.repository import Repository, insert_into
from gateway.store.statements import run_many


class UserRow(Record):
    """A user. `log_subject` is the person's random id in the logs; when this row is erased, the logs no longer refer to
    a person. `password_hash` is None until the person has set a password.

    Personas have no `external_id`, `email` and `language`. Other persons have an `email`, and its lower-case form as
    `username`. `external_id` is the operator's id of the person. `language` is None if it is not known."""

    id: str = Field(primary_key=True)
    partner_id: str | None = Field(default=None, foreign_key="partners.id")
    username: str = Field(unique=True)
    password_hash: str | None = None
    display_name: str
    log_subject: str = Field(unique=True)
    created_at: WallTime = moment_column()
    disabled_at: WallTime | None = moment_column(default=None)
    external_id: str | None = Field(default=None, unique=True)
    email: str | None = None
    language: str | None = None


class UserTable(UserRow, table=True):
    __tablename__ = "users"


class PersonaRow(Record):
    """A sandbox user whose first outcomes are known. `score` and `open_overdue` are those of a new one; `score` is None
    for an unscored persona. `overrides` are the documents of its outcome overrides, None if it has none."""

    id: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id")
    user_id: str = Field(foreign_key="users.id", unique=True)
    handle: str
    summary: str
    score: int | None = None
    open_overdue: int = 0
    overrides: list[dict[str, Any]] | None = json_column(optional=True, default=None)


class PersonaTable(PersonaRow, table=True):
    __tablename__ = "personas"
    __table_args__ = (UniqueConstraint("partner_id", "handle"),)


class PairwiseSubjectRow(Record):
    """The id of a user at one merchant. Merchants cannot link their ids of the same user."""

    user_id: str = Field(foreign_key="users.id", primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", primary_key=True)
    subject: str = Field(unique=True)


class PairwiseSubjectTable(PairwiseSubjectRow, table=True):
    __tablename__ = "pairwise_subjects"


USERS = table_of(UserTable)
PERSONAS = table_of(PersonaTable)
PAIRWISE_SUBJECTS = table_of(PairwiseSubjectTable)
_USER = select(USERS).where(USERS.c.id == bindparam("user_id"))
_USER_BY_NAME = select(USERS).where(USERS.c.username == bindparam("username"))
_USER_BY_EXTERNAL_ID = select(USERS).where(USERS.c.external_id == bindparam("external_id"))
_LOCKED = _USER.with_for_update()
_PEOPLE = (
    select(USERS)
    .where(USERS.c.partner_id.is_(None), USERS.c.id > bindparam("after"))
    .order_by(USERS.c.id)
    .limit(bindparam("most", type_=Integer))
)
_NEW_PEOPLE = _PEOPLE.where(USERS.c.password_hash.is_(None), USERS.c.disabled_at.is_(None))
_BY_EXTERNAL_IDS = select(USERS).where(USERS.c.external_id.in_(bindparam("external_ids", expanding=True)))
_IDS_BY_EXTERNAL_IDS = select(USERS.c.external_id, USERS.c.id).where(
    USERS.c.external_id.in_(bindparam("external_ids", expanding=True))
)
_BY_USERNAMES = select(USERS).where(USERS.c.username.in_(bindparam("usernames", expanding=True)))
_INSERT = insert_into(USERS)
_CHANGED = ("username", "external_id", "email", "language", "display_name")
_UPDATE = (
    USERS.update().where(USERS.c.id == bindparam("of_id")).values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_LOG_SUBJECT = select(USERS.c.log_subject).where(USERS.c.id == bindparam("user_id"))
_EXTERNAL_ID = select(USERS.c.external_id).where(USERS.c.id == bindparam("user_id"))
_OF_PARTNER = (
    select(PERSONAS)
    .join(USERS, USERS.c.id == PERSONAS.c.user_id)
    .where(PERSONAS.c.partner_id == bindparam("partner_id"), USERS.c.disabled_at.is_(None))
)
_PERSONA = _OF_PARTNER.where(PERSONAS.c.id == bindparam("persona_id"))
_PERSONAS = _OF_PARTNER.order_by(PERSONAS.c.id)
_OVERRIDES = select(PERSONAS.c.overrides).where(PERSONAS.c.user_id == bindparam("user_id"))
_HELD = (
    select(USERS.c.id)
    .where(USERS.c.id == bindparam("user_id"), USERS.c.disabled_at.is_(None))
    .with_for_update(read=True)
)
_SET_PASSWORD = (
    USERS.update().where(USERS.c.id == bindparam("of_id")).values(password_hash=bindparam("new_password_hash"))
)
_DISABLE = USERS.update().where(USERS.c.id == bindparam("of_id")).values(disabled_at=bindparam("now"))
_RENAME_USER = (
    USERS.update().where(USERS.c.id == bindparam("of_id")).values(username=USERS.c.username + bindparam("suffix"))
)
_RENAME_PERSONA = (
    PERSONAS.update().where(PERSONAS.c.id == bindparam("of_id")).values(handle=PERSONAS.c.handle + bindparam("suffix"))
)
_NEW_PAIRWISE_SUBJECT = insert_into(PAIRWISE_SUBJECTS).on_conflict_do_nothing(index_elements=["user_id", "merchant_id"])
_PAIRWISE_SUBJECT = select(PAIRWISE_SUBJECTS.c.subject).where(
    PAIRWISE_SUBJECTS.c.user_id == bindparam("user_id"), PAIRWISE_SUBJECTS.c.merchant_id == bindparam("merchant_id")
)


def new_log_subject() -> str:
    """Returns a random id for a person in the logs."""
    return f"sub_{secrets.token_hex(16)}"


class UserRepository(Repository):
    """Reads and writes users, personas and pairwise subjects. Each change of a user is noted for the record log."""

    def __init__(self, connection: Connection, records: RecordLog) -> None:
        super().__init__(connection)
        self._records = records

    def load(self, user_id: str) -> UserRow | None:
        """Returns the user, including a disabled one, or None if unknown."""
        return self._first(UserRow, _USER, user_id=user_id)

    def load_by_username(self, username: str) -> UserRow | None:
        """Returns the user with exactly this username, including a disabled one, or None."""
        return self._first(UserRow, _USER_BY_NAME, username=username)

    def load_by_external_id(self, external_id: str) -> UserRow | None:
        """Returns the user with this id of the operator, including a disabled one, or None."""
        return self._first(UserRow, _USER_BY_EXTERNAL_ID, external_id=external_id)

    def lock(self, user_id: str) -> UserRow | None:
        """Returns the user and locks its row until the unit of work ends. None if unknown."""
        return self._first(UserRow, _LOCKED, user_id=user_id)

    def list_people(self, after: str, most: int, *, only_new: bool = False) -> list[UserRow]:
        """Returns at most `most` persons that belong to no partner, by id, from the one after the id `after`. With
        `only_new`, only enabled ones without a password."""
        return self._all(UserRow, _NEW_PEOPLE if only_new else _PEOPLE, after=after, most=most)

    def list_by_external_ids(self, external_ids: Sequence[str]) -> list[UserRow]:
        """Returns the users with these ids of the operator, including disabled ones."""
        return self._all(UserRow, _BY_EXTERNAL_IDS, external_ids=external_ids)

    def map_external_ids(self, external_ids: Sequence[str]) -> dict[str, str]:
        """Returns the ids of the users with these ids of the operator, by these, without unknown ones."""
        return {row[0]: row[1] for row in self._rows(_IDS_BY_EXTERNAL_IDS, external_ids=external_ids)}

    def list_by_usernames(self, usernames: Sequence[str]) -> list[UserRow]:
        """Returns the users with exactly these usernames, including disabled ones."""
        return self._all(UserRow, _BY_USERNAMES, usernames=usernames)

    def load_external_id(self, user_id: str) -> str | None:
        """Returns the operator's id of the person, None if the person has none or is unknown."""
        external_id: str | None = self._value(_EXTERNAL_ID, user_id=user_id)
        return external_id

    def load_log_subject(self, user_id: str) -> str:
        """Returns the person's random log subject. Raises NotFound for an erased person."""
        subject: str | None = self._value(_LOG_SUBJECT, user_id=user_id)
        if subject is None:
            raise NotFound("The person has been erased.")
        return subject

    def hold(self, user_id: str) -> bool:
        """Whether the user is enabled. Then the user stays enabled until the unit of work ends. Several units can hold
        a user at once."""
        return self._row(_HELD, user_id=user_id) is not None

    def insert(self, user: UserRow) -> None:
        """Writes a new user."""
        self._insert(USERS, user)
        self._records.note(USERS, user.id)

    def insert_all(self, users: Sequence[UserRow]) -> None:
        """Writes new users."""
        if users:
            run_many(self._connection, _INSERT, [vars(user) for user in users])
        for user in users:
            self._records.note(USERS, user.id)

    def update_all(self, users: Sequence[UserRow]) -> None:
        """Writes the username, the ids, the email, the language and the display name of known users."""
        if users:
            rows = [{f"new_{name}": getattr(user, name) for name in _CHANGED} | {"of_id": user.id} for user in users]
            run_many(self._connection, _UPDATE, rows)
        for user in users:
            self._records.note(USERS, user.id)

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Replaces the password of the user."""
        self._execute(_SET_PASSWORD, of_id=user_id, new_password_hash=password_hash)
        self._records.note(USERS, user_id)

    def enable(self, user_id: str) -> None:
        """Enables a disabled user."""
        self._execute(_DISABLE, of_id=user_id, now=None)
        self._records.note(USERS, user_id)

    def disable(self, user_id: str, now: WallTime) -> None:
        """Disables the user. PostgreSQL waits for units that hold the user."""
        self._execute(_DISABLE, of_id=user_id, now=now)
        self._records.note(USERS, user_id)

    def load_persona(self, partner_id: str, persona_id: str) -> PersonaRow | None:
        """Returns a persona of this partner, or None if the partner has no such persona, or had it before a reset."""
        return self._first(PersonaRow, _PERSONA, partner_id=partner_id, persona_id=persona_id)

    def list_personas(self, partner_id: str) -> list[PersonaRow]:
        """Returns the personas of a partner, oldest first. Those before a reset are left out."""
        return self._all(PersonaRow, _PERSONAS, partner_id=partner_id)

    def load_overrides(self, user_id: str) -> Sequence[dict[str, Any]]:
        """Returns the documents of the outcome overrides of a persona. Empty if the user has none."""
        return self._value(_OVERRIDES, user_id=user_id) or ()

    def insert_persona(self, persona: PersonaRow) -> None:
        """Writes a new persona."""
        self._insert(PERSONAS, persona)

    def free_names(self, persona: PersonaRow) -> None:
        """Adds a suffix to the handle of the persona and to the username of its user, so that a new persona can have
        them."""
        suffix = f"#{persona.user_id}"
        self._execute(_RENAME_USER, of_id=persona.user_id, suffix=suffix)
        self._records.note(USERS, persona.user_id)
        self._execute(_RENAME_PERSONA, of_id=persona.id, suffix=suffix)

    def ensure_pairwise_subject(self, user_id: str, merchant_id: str, candidate: str) -> str:
        """Returns the pairwise id of this user at this merchant. If there is none, `candidate` becomes it. All
        concurrent calls return the same id."""
        self._execute(_NEW_PAIRWISE_SUBJECT, user_id=user_id, merchant_id=merchant_id, subject=candidate)
        return str(self._value(_PAIRWISE_SUBJECT, user_id=user_id, merchant_id=merchant_id))
