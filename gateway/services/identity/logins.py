"""Logins with a password, and the limits on password guesses.

Only failed logins count. A browser that has signed in to an account has a device cookie for it and its own count. All
browsers without a device cookie share the count of the account and the count of their address. So failed logins by
others do not lock out the person in their own browser. At a limit no password is verified, whether the account exists
or not.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network

from gateway.domain.identity.person import username_of
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.crypto import base64url, derive
from gateway.kit.limits import RateLimit, RateLimiter
from gateway.services.identity.accounts import AccountService, BrowserSession
from gateway.store.database import Database
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

LONGEST_DEVICE_COOKIE = 128


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login attempt. `address` is the client's address as the server sees it, `device_cookie` the value that the
    browser got at its last login, "" for none."""

    username: str
    password: str
    address: str
    device_cookie: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session, and the browser's new device cookie."""

    session: BrowserSession
    device_cookie: str


class DeviceCookies:
    """Makes and verifies device cookies. A device cookie is a random number, and an HMAC over it and the user's id. It
    does not reveal the user."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self, user_id: str) -> str:
        """A new device cookie for a browser in which this user has signed in."""
        nonce = base64url(secrets.token_bytes(16))
        return f"{nonce}.{self._proof(user_id, nonce)}"

    def nonce(self, cookie: str, user_id: str) -> str | None:
        """The random number in the cookie, which identifies the browser. None unless it is a cookie of this user."""
        nonce, _, proof = cookie.partition(".")
        usable = 0 < len(cookie) <= LONGEST_DEVICE_COOKIE and cookie.isascii()
        return nonce if usable and hmac.compare_digest(proof, self._proof(user_id, nonce)) else None

    def _proof(self, user_id: str, nonce: str) -> str:
        return base64url(derive(self._key, f"{user_id} {nonce}"))


class LoginService:
    """Runs its own units of work. Limits are counted and passwords are verified outside of them."""

    def __init__(
        self,
        database: Database,
        accounts: AccountService,
        rate_limiter: RateLimiter,
        device_cookies: DeviceCookies,
        *,
        attempts: int,
        attempts_per_address: int,
        window: timedelta,
    ) -> None:
        self._database, self._accounts = database, accounts
        self._rate_limiter, self._device_cookies = rate_limiter, device_cookies
        self._account = RateLimit("login account", attempts, window)
        self._browser = RateLimit("login browser", attempts, window)
        self._address = RateLimit("login address", attempts_per_address, window)

    def sign_in(self, visitor: BrowserSession | None, attempt: Attempt) -> SignedIn | None:
        """Ends the visitor's session, if there is one, and starts a session of the user. Letters of an email
        address may have another case. The person gets a notice of a login without a device cookie of theirs.

        None for a wrong username or password, and for a disabled account. Raises TooManyAttempts, SharedStateDown.
        """
        if "@" in attempt.username:  # an email address
            attempt = replace(attempt, username=username_of(attempt.username))
        user = self._database.read(lambda unit: self._accounts.load_by_username(unit, attempt.username))
        buckets = self._buckets(attempt, user)
        self._test(buckets)
        if not self._accounts.verify_password(user, attempt.password) or user is None:
            for limit, key in buckets:
                self._rate_limiter.hit(limit, key)
            return None
        # Tested again, because concurrent guesses can pass the first test together. None of them may learn more than
        # the limit allows.
        self._test(buckets)
        user_id = user.id
        is_new_browser = self._device_cookies.nonce(attempt.device_cookie, user_id) is None

        def start_session(unit: UnitOfWork) -> BrowserSession:
            if is_new_browser:
                unit.notices.add(user_id, NoticeKind.SIGN_IN)
            return self._accounts.sign_in(unit, visitor, user_id)

        return SignedIn(self._database.write(start_session), self._device_cookies.new(user_id))

    def _buckets(self, attempt: Attempt, user: UserRow | None) -> list[tuple[RateLimit, str]]:
        nonce = self._device_cookies.nonce(attempt.device_cookie, user.id) if user else None
        if nonce is not None:
            return [(self._browser, nonce)]
        return [(self._address, network(attempt.address)), (self._account, attempt.username)]

    def _test(self, buckets: list[tuple[RateLimit, str]]) -> None:
        for limit, key in buckets:
            self._rate_limiter.test(limit, key)


def network(address: str) -> str:
    """The key under which failures of an address are counted.

    An IPv4 address, also as an IPv4-mapped IPv6 address, is counted by itself. An IPv6 address is counted by its /64
    network, because one machine usually has all of it. Other text is returned as it is.
    """
    try:
        six = IPv6Address(address)
    except AddressValueError:
        return address
    four: IPv4Address | None = six.ipv4_mapped
    return str(four) if four else str(ip_network((int(six), 64), strict=False))
