"""Accounts: people's passwords and their signed-in browser sessions."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from gateway.domain.errors import InvalidInput, NotFound
from gateway.kit.clock import WallTime
from gateway.kit.crypto import base64url, derive, digest, random_token
from gateway.kit.ids import Ids
from gateway.store.identity.sessions import SessionRow
from gateway.store.identity.users import UserRow, new_log_subject
from gateway.store.unit import UnitOfWork

TOUCH_AFTER = timedelta(minutes=1)
"""How stale `last_seen_at` may grow before a request writes it anew: not every page view is a write."""

PURGED_AT_ONCE = 20
"""Old sessions that one login clears away: more than it makes, and too few to be felt."""

LONGEST_USERNAME, SHORTEST_PASSWORD, LONGEST_PASSWORD = 64, 8, 256


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A live session. `secret` is the cookie's value, `csrf_token` goes into forms; `user_id` is None for a visitor.
    `authenticated_at` is the time of the login; `stale` says that `AccountService.touch` is due."""

    secret: str
    csrf_token: str
    user_id: str | None
    authenticated_at: WallTime | None = None
    stale: bool = False


class AccountService:
    """Changes happen in the caller's unit of work. Passwords are hashed outside of all units: that takes long."""

    def __init__(
        self, ids: Ids, *, idle_life: timedelta, session_life: timedelta, hasher: PasswordHash | None = None
    ) -> None:
        self._ids, self._idle_life, self._session_life = ids, idle_life, session_life
        self._hasher = hasher or PasswordHash.recommended()

    @cached_property
    def _unknown_hash(self) -> str:
        """The hash of a password that nobody knows."""
        return self._hasher.hash(random_token(""))

    def hash_password(self, password: str) -> str:
        """The hash to `register` a user with. It takes long, so never within a unit of work. Raises InvalidInput for an
        unusable password."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise InvalidInput(
                "INVALID", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", ("password",)
            )
        return self._hasher.hash(password)

    def register(
        self,
        unit: UnitOfWork,
        *,
        username: str,
        password_hash: str,
        display_name: str,
        partner_id: str | None = None,
    ) -> UserRow:
        """A new user. Raises InvalidInput for an unusable or taken username."""
        if not 1 <= len(username) <= LONGEST_USERNAME or not username.isprintable() or username != username.strip():
            raise InvalidInput("INVALID", f"A username has 1 to {LONGEST_USERNAME} characters.", ("username",))
        if unit.users.load_by_username(username) is not None:
            raise InvalidInput("INVALID", "The username is taken.", ("username",))
        row = UserRow(
            id=self._ids.new("usr"),
            partner_id=partner_id,
            username=username,
            password_hash=password_hash,
            display_name=display_name,
            log_subject=new_log_subject(),
            created_at=unit.wall,
        )
        unit.users.insert(row)
        return row

    def verify_password(self, user: UserRow | None, password: str) -> bool:
        """Whether this is the user's password and the user is not disabled. It takes as much time for None: nobody can
        tell whether a username exists."""
        expected = user.password_hash if user else self._unknown_hash
        try:
            verified = self._hasher.verify(password[: LONGEST_PASSWORD + 1], expected)
        except UnknownHashError:
            verified = False
        return verified and user is not None and user.disabled_at is None

    def load_by_username(self, unit: UnitOfWork, username: str) -> UserRow | None:
        """The user of exactly this name, None for a name that nobody has or could have."""
        possible = len(username) <= LONGEST_USERNAME and "\0" not in username
        return unit.users.load_by_username(username) if possible else None

    def load_user(self, unit: UnitOfWork, user_id: str) -> UserRow:
        """The user's row. Raises NotFound."""
        row = unit.users.load(user_id)
        if row is None:
            raise NotFound("The account does not exist.")
        return row

    def start_visitor_session(self, unit: UnitOfWork) -> BrowserSession:
        """A new session of somebody who has not signed in; it carries a CSRF token only."""
        return self._start(unit, None)

    def sign_in(self, unit: UnitOfWork, old: BrowserSession, user_id: str) -> BrowserSession:
        """Ends `old` and starts a session of this user with a new id and a new CSRF token, so that nothing an
        attacker may have planted before survives the login."""
        unit.sessions.end(digest(old.secret), unit.wall)
        return self._start(unit, user_id)

    def sign_out(self, unit: UnitOfWork, secret: str) -> None:
        """Ends the session, if it is alive."""
        unit.sessions.end(digest(secret), unit.wall)

    def sign_out_everywhere(self, unit: UnitOfWork, user_id: str) -> int:
        """Ends every session of this user, in all browsers. Returns how many of them were alive."""
        ended = unit.sessions.end_all(user_id, unit.wall)
        return sum(self._is_alive(row, unit.wall) for row in ended)

    def purge(self, unit: UnitOfWork) -> None:
        """Deletes a few of all users' sessions that are too old to be alive."""
        unit.sessions.purge(WallTime(unit.wall - self._session_life), PURGED_AT_ONCE)

    def find_session(self, unit: UnitOfWork, secret: str) -> BrowserSession | None:
        """The live session behind a cookie; None when it is unknown, ended, idle too long or too old, or when its
        user is disabled."""
        row = unit.sessions.load(digest(secret))
        if row is None or row.ended_at is not None or not self._is_alive(row, unit.wall):
            return None
        if row.user_id is not None:
            user = unit.users.load(row.user_id)
            if user is None or user.disabled_at is not None:
                return None
        stale = unit.wall - row.last_seen_at >= TOUCH_AFTER
        return BrowserSession(secret, _csrf_token(secret), row.user_id, row.authenticated_at, stale)

    def touch(self, unit: UnitOfWork, secret: str) -> None:
        """Moves the idle limit of the session."""
        unit.sessions.touch(digest(secret), unit.wall)

    def _start(self, unit: UnitOfWork, user_id: str | None) -> BrowserSession:
        secret, authenticated_at = random_token(""), unit.wall if user_id else None
        unit.sessions.insert(
            SessionRow(
                digest=digest(secret),
                user_id=user_id,
                created_at=unit.wall,
                last_seen_at=unit.wall,
                authenticated_at=authenticated_at,
            )
        )
        return BrowserSession(secret, _csrf_token(secret), user_id, authenticated_at)

    def _is_alive(self, row: SessionRow, now: WallTime) -> bool:
        """Whether the session is neither idle too long nor too old."""
        return now < row.last_seen_at + self._idle_life and now < row.created_at + self._session_life


def _csrf_token(secret: str) -> str:
    # One per session and derived from it, so that every open tab has the same and none has to be stored readable.
    return base64url(derive(secret.encode(), "csrf"))
