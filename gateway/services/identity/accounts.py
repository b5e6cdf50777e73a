"""Accounts: passwords and browser sessions of users."""

from dataclasses import dataclass
from datetime import timedelta
from threading import BoundedSemaphore, Lock

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.person import LONGEST_EMAIL
from gateway.kit.clock import WallTime
from gateway.kit.crypto import base64url, derive, digest, random_token
from gateway.kit.ids import Ids
from gateway.kit.text import is_blank, refused_character
from gateway.store.identity.sessions import SessionRow
from gateway.store.identity.users import UserRow, new_log_subject
from gateway.store.unit import UnitOfWork

TOUCH_AFTER = timedelta(minutes=1)
"""A request updates `last_seen_at` of its session if it is at least this old, so that not every page view writes."""

LONGEST_USERNAME, SHORTEST_PASSWORD, LONGEST_PASSWORD = LONGEST_EMAIL, 8, 256


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A live session. `secret` is the cookie's value, `csrf_token` the token for forms. `user_id` and the time of the
    login, `authenticated_at`, are None for a visitor who has not signed in. `stale` is True if `AccountService.touch`
    must be called. `language` is that of the user, None if it is not known."""

    secret: str
    csrf_token: str
    user_id: str | None
    authenticated_at: WallTime | None = None
    stale: bool = False
    language: str | None = None


class AccountService:
    """Registers users, verifies passwords and manages sessions, in the caller's unit of work. Passwords are hashed
    outside of all units, because hashing takes long. At most `hashes_at_once` are hashed at the same time, because each
    hash takes 64 MiB; other threads wait."""

    def __init__(
        self,
        ids: Ids,
        *,
        idle_life: timedelta,
        session_life: timedelta,
        hasher: PasswordHash | None = None,
        hashes_at_once: int = 2,
    ) -> None:
        self._ids, self._idle_life, self._session_life = ids, idle_life, session_life
        self._hasher = hasher or PasswordHash.recommended()
        self._slots, self._lock = BoundedSemaphore(hashes_at_once), Lock()
        self._unknown_hash: str | None = None

    def prepare_logins(self) -> str:
        """Returns the hash of a random password, for users that do not exist. It is made at the first call. A server
        calls this at its start, because the time of the first login would reveal that its username does not exist."""
        with self._lock:
            if self._unknown_hash is None:
                self._unknown_hash = self._hash(random_token(""))
            return self._unknown_hash

    def hash_password(self, password: str) -> str:
        """The hash of a password, for `register`. Takes long, so never call it within a unit of work. Raises
        InvalidInput for a password that is too short or too long."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise InvalidInput(
                "INVALID", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", ("password",)
            )
        return self._hash(password)

    def register(
        self,
        unit: UnitOfWork,
        *,
        username: str,
        password_hash: str,
        display_name: str,
        partner_id: str | None = None,
    ) -> UserRow:
        """Creates a user. Raises InvalidInput for an invalid or taken username."""
        unusable = is_blank(username) or refused_character(username) or username != username.strip()
        if not 1 <= len(username) <= LONGEST_USERNAME or unusable:
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
        """Whether this is the user's password and the user is not disabled. Takes as much time for None and for a user
        without a password, so that the time does not reveal whether a username exists."""
        password, expected = password[: LONGEST_PASSWORD + 1], user.password_hash if user else None
        try:
            verified = self._verify(password, self.prepare_logins() if expected is None else expected)
        except UnknownHashError:  # takes no time, so another hash is verified
            self._verify(password, self.prepare_logins())
            verified = False
        return verified and expected is not None and user is not None and user.disabled_at is None

    def load_by_username(self, unit: UnitOfWork, username: str) -> UserRow | None:
        """The user with exactly this username, None for an unknown or invalid one."""
        valid = len(username) <= LONGEST_USERNAME and "\0" not in username
        return unit.users.load_by_username(username) if valid else None

    def load_user(self, unit: UnitOfWork, user_id: str) -> UserRow:
        """The user's row. Raises NotFound."""
        row = unit.users.load(user_id)
        if row is None:
            raise NotFound("The account does not exist.")
        return row

    def sign_in(self, unit: UnitOfWork, old: BrowserSession | None, user_id: str) -> BrowserSession:
        """Ends `old`, if it is of a user, and starts a session of this user with a new secret and a new CSRF token.
        This prevents session fixation."""
        if old is not None:
            unit.sessions.end(digest(old.secret), unit.wall)
        return self._start(unit, user_id)

    def sign_out(self, unit: UnitOfWork, secret: str) -> None:
        """Ends the session if it is live."""
        unit.sessions.end(digest(secret), unit.wall)

    def sign_out_everywhere(self, unit: UnitOfWork, user_id: str) -> int:
        """Ends all sessions of this user, in all browsers. Returns how many of them were live."""
        ended = unit.sessions.end_all(user_id, unit.wall)
        return sum(self._is_alive(row, unit.wall) for row in ended)

    def find_session(self, unit: UnitOfWork, secret: str) -> BrowserSession | None:
        """The live session of a cookie. None if it is unknown, ended, idle too long or too old, or if its user is
        disabled."""
        row = unit.sessions.load(digest(secret))
        if row is None or row.ended_at is not None or not self._is_alive(row, unit.wall):
            return None
        language = None
        if row.user_id is not None:
            user = unit.users.load(row.user_id)
            if user is None or user.disabled_at is not None:
                return None
            language = user.language
        stale = unit.wall - row.last_seen_at >= TOUCH_AFTER
        return BrowserSession(secret, csrf_token(secret), row.user_id, row.authenticated_at, stale, language)

    def touch(self, unit: UnitOfWork, secret: str) -> None:
        """Sets the session's last use to now."""
        unit.sessions.touch(digest(secret), unit.wall)

    def _hash(self, password: str) -> str:
        with self._slots:
            return self._hasher.hash(password)

    def _verify(self, password: str, expected: str) -> bool:
        with self._slots:
            return self._hasher.verify(password, expected)

    def _start(self, unit: UnitOfWork, user_id: str) -> BrowserSession:
        secret = random_token("")
        unit.sessions.insert(
            SessionRow(
                digest=digest(secret),
                user_id=user_id,
                created_at=unit.wall,
                last_seen_at=unit.wall,
                authenticated_at=unit.wall,
            )
        )
        return BrowserSession(secret, csrf_token(secret), user_id, unit.wall)

    def _is_alive(self, row: SessionRow, now: WallTime) -> bool:
        """Whether the session is live: neither idle too long nor too old."""
        return now < row.last_seen_at + self._idle_life and now < row.created_at + self._session_life


def csrf_token(secret: str) -> str:
    """The token for forms of the session with this secret. One per session, derived from its secret: all open tabs have
    the same token, and it is not stored in plain text."""
    return base64url(derive(secret.encode(), "csrf"))
