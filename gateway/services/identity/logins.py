"""Signing in with a password, and the limits on guessing one.

Only failures count. A browser that has signed in to an account carries a mark of it (a "device cookie") and has a count
of its own; all browsers without one share the account's count and that of their address. So many failures at an account
lock out strangers, not the person in their own browser. At a limit no password is verified, whether the account exists
or not.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network

from gateway.kit.crypto import base64url, derive
from gateway.kit.limits import Limit, Limits
from gateway.services.identity.accounts import AccountService, BrowserSession
from gateway.store.database import Database
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

LONGEST_MARK = 128


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login. `address` is the client's as the server sees it, `mark` what the browser got at its last login."""

    username: str
    password: str
    address: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session, and the browser's new mark."""

    session: BrowserSession
    mark: str


class Marks:
    """Marks of browsers: a random number, and an HMAC over it and the user's id. Nobody can read a user from one."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self, user_id: str) -> str:
        """A fresh mark of a browser that this user has signed in with."""
        nonce = base64url(secrets.token_bytes(16))
        return f"{nonce}.{self._proof(user_id, nonce)}"

    def nonce(self, mark: str, user_id: str) -> str | None:
        """What names the browser, None unless this user has signed in with it."""
        nonce, _, proof = mark.partition(".")
        usable = 0 < len(mark) <= LONGEST_MARK and mark.isascii()
        return nonce if usable and hmac.compare_digest(proof, self._proof(user_id, nonce)) else None

    def _proof(self, user_id: str, nonce: str) -> str:
        return base64url(derive(self._key, f"{user_id} {nonce}"))


class LoginService:
    """Runs its own units of work: limits are counted and passwords verified outside of them."""

    def __init__(
        self,
        database: Database,
        accounts: AccountService,
        limits: Limits,
        marks: Marks,
        *,
        attempts: int,
        attempts_per_address: int,
        window: timedelta,
    ) -> None:
        self._database, self._accounts, self._limits, self._marks = database, accounts, limits, marks
        self._account = Limit("login account", attempts, window)
        self._browser = Limit("login browser", attempts, window)
        self._address = Limit("login address", attempts_per_address, window)

    def sign_in(self, visitor: BrowserSession, attempt: Attempt) -> SignedIn | None:
        """Ends the visitor's session and starts one of the person; None for a wrong username or password, and for a
        disabled account. Raises TooManyAttempts, SharedStateDown."""
        user = self._database.read(lambda unit: self._accounts.load_by_username(unit, attempt.username))
        buckets = self._buckets(attempt, user)
        self._test(buckets)
        if not self._accounts.verify_password(user, attempt.password) or user is None:
            for limit, key in buckets:
                self._limits.hit(limit, key)
            return None
        # Again, because guesses sent all at once have passed the first test together: none of them learns more than
        # the limit allows.
        self._test(buckets)
        user_id = user.id

        def start_session(unit: UnitOfWork) -> BrowserSession:
            self._accounts.purge(unit)
            return self._accounts.sign_in(unit, visitor, user_id)

        return SignedIn(self._database.write(start_session), self._marks.new(user_id))

    def _buckets(self, attempt: Attempt, user: UserRow | None) -> list[tuple[Limit, str]]:
        nonce = self._marks.nonce(attempt.mark, user.id) if user else None
        if nonce is not None:
            return [(self._browser, nonce)]
        return [(self._address, network(attempt.address)), (self._account, attempt.username)]

    def _test(self, buckets: list[tuple[Limit, str]]) -> None:
        for limit, key in buckets:
            self._limits.test(limit, key)


def network(address: str) -> str:
    """Whose address it is: an IPv4 address, also one written as IPv6, counts for itself, an IPv6 address for its /64,
    of which one machine has all. Anything else is its own name."""
    try:
        six = IPv6Address(address)
    except AddressValueError:
        return address
    four: IPv4Address | None = six.ipv4_mapped
    return str(four) if four else str(ip_network((int(six), 64), strict=False))
