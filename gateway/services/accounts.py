"""Accounts: people's passwords and their signed-in browser sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from gateway.domain.errors import InvalidInput, NotFound
from gateway.kit.crypto import base64url, derive, digest, random_token
from gateway.kit.ids import Ids
from gateway.store import sessions, users
from gateway.store.database import Session
from gateway.store.sessions import SessionRow
from gateway.store.users import UserRow

TOUCH_AFTER = timedelta(minutes=1)
"""How stale `last_seen_at` may grow before a request writes it anew: not every page view is a write."""

PURGED_AT_ONCE = 20
"""Old sessions that one login clears away: more than it makes, and too few to be felt."""

LONGEST_USERNAME, SHORTEST_PASSWORD, LONGEST_PASSWORD = 64, 8, 256


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A live session. `secret` is the cookie's value, `csrf_token` goes into forms; `user_id` is None for a visitor.
    `authenticated_at` is the wall time of the login; `stale` says that `AccountService.touch` is due."""

    secret: str
    csrf_token: str
    user_id: str | None
    authenticated_at: datetime | None = None
    stale: bool = False


class AccountService:
    """Times are wall time. Changes happen in the caller's writing unit."""

    def __init__(
        self, ids: Ids, *, idle_life: timedelta, session_life: timedelta, hasher: PasswordHash | None = None
    ) -> None:
        self._ids, self._idle_life, self._session_life = ids, idle_life, session_life
        self._hasher = hasher or PasswordHash.recommended()

    @cached_property
    def _nobody(self) -> str:
        """The hash of a password that nobody knows."""
        return self._hasher.hash(random_token(""))

    def register(
        self,
        session: Session,
        *,
        username: str,
        password: str,
        display_name: str,
        now: datetime,
        partner_id: str | None = None,
    ) -> UserRow:
        """A new user. Raises InvalidInput for an unusable or taken username and for an unusable password."""
        if not 1 <= len(username) <= LONGEST_USERNAME or not username.isprintable() or username != username.strip():
            raise InvalidInput("INVALID", f"A username has 1 to {LONGEST_USERNAME} characters.", ("username",))
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise InvalidInput(
                "INVALID", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", ("password",)
            )
        if users.by_username(session, username) is not None:
            raise InvalidInput("INVALID", "The username is taken.", ("username",))
        row = UserRow(
            id=self._ids.new("usr"),
            partner_id=partner_id,
            username=username,
            password_hash=self._hasher.hash(password),
            display_name=display_name,
            log_subject=users.new_log_subject(),
            created_at=now,
        )
        users.insert(session, row)
        return row

    def authenticate(self, session: Session, username: str, password: str) -> UserRow | None:
        """The user with this name and password, None otherwise. A name that nobody has costs as much time as a
        wrong password."""
        row = self.by_username(session, username)
        expected = row.password_hash if row else self._nobody
        try:
            right = self._hasher.verify(password[: LONGEST_PASSWORD + 1], expected)
        except UnknownHashError:
            right = False
        return row if row and right and row.disabled_at is None else None

    def by_username(self, session: Session, username: str) -> UserRow | None:
        """The user of exactly this name, None for a name that nobody has or could have."""
        known = len(username) <= LONGEST_USERNAME and "\0" not in username
        return users.by_username(session, username) if known else None

    def user(self, session: Session, user_id: str) -> UserRow:
        """The user's row. Raises NotFound."""
        row = users.load(session, user_id)
        if row is None:
            raise NotFound("The account does not exist.")
        return row

    def visit(self, session: Session, now: datetime) -> BrowserSession:
        """A new session of somebody who has not signed in; it carries a CSRF token only."""
        return self._start(session, None, now)

    def sign_in(self, session: Session, old: BrowserSession, user_id: str, now: datetime) -> BrowserSession:
        """Ends `old` and starts a session of this user with a new id and a new CSRF token, so that nothing an
        attacker may have planted before survives the login."""
        sessions.end(session, digest(old.secret), now)
        return self._start(session, user_id, now)

    def sign_out(self, session: Session, secret: str, now: datetime) -> None:
        """Ends the session, if it is alive."""
        sessions.end(session, digest(secret), now)

    def sign_out_everywhere(self, session: Session, user_id: str, now: datetime) -> int:
        """Ends every session of this user, in all browsers. Returns how many of them were alive."""
        ended = sessions.end_all(session, user_id, now)
        return sum(self._alive(row, now) for row in ended)

    def purge(self, session: Session, now: datetime) -> None:
        """Deletes a few of the sessions that are too old to be alive, whoever's they were."""
        sessions.purge(session, now - self._session_life, PURGED_AT_ONCE)

    def look_up(self, session: Session, secret: str, now: datetime) -> BrowserSession | None:
        """The live session behind a cookie; None when it is unknown, ended, idle too long or too old, or when its
        user is disabled."""
        row = sessions.load(session, digest(secret))
        if row is None or row.ended_at is not None or not self._alive(row, now):
            return None
        if row.user_id is not None:
            user = users.load(session, row.user_id)
            if user is None or user.disabled_at is not None:
                return None
        stale = now - row.last_seen_at >= TOUCH_AFTER
        return BrowserSession(secret, _csrf_token(secret), row.user_id, row.authenticated_at, stale)

    def touch(self, session: Session, secret: str, now: datetime) -> None:
        """Notes that the session has been seen."""
        sessions.touch(session, digest(secret), now)

    def _start(self, session: Session, user_id: str | None, now: datetime) -> BrowserSession:
        secret, authenticated_at = random_token(""), now if user_id else None
        sessions.insert(
            session,
            SessionRow(
                digest=digest(secret),
                user_id=user_id,
                created_at=now,
                last_seen_at=now,
                authenticated_at=authenticated_at,
            ),
        )
        return BrowserSession(secret, _csrf_token(secret), user_id, authenticated_at)

    def _alive(self, row: SessionRow, now: datetime) -> bool:
        """Whether a session that nobody has ended has not ended by itself."""
        return now < row.last_seen_at + self._idle_life and now < row.created_at + self._session_life


def _csrf_token(secret: str) -> str:
    # One per session and derived from it, so that every open tab has the same and none has to be stored readable.
    return base64url(derive(secret.encode(), "csrf"))
