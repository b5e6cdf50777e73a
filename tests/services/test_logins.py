"""Logins: device cookies, the keys of addresses, and limits under concurrent guesses."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from threading import Lock
from typing import TypeVar

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from gateway.kit.ids import Ids
from gateway.kit.limits import RateLimiter, TooManyAttempts, make_rate_limiter
from gateway.kit.valkey import SharedStateDown
from gateway.services.identity.accounts import AccountService, BrowserSession
from gateway.services.identity.logins import Attempt, DeviceCookies, LoginService, network
from gateway.services.identity.visitors import VisitorCookies
from gateway.store.database import Database
from gateway.store.identity.sessions import SESSIONS
from gateway.store.identity.users import UserRow
from tests.support.clock import NOON, MovableClock
from tests.support.race import race
from tests.support.units import reading, writing
from tests.support.valkey import unreachable_url

T = TypeVar("T")
PASSWORD = "open sesame, please"
HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
VISITOR = BrowserSession("a visitor's secret", "", None)


def logins_over(database: Database, rate_limiter: RateLimiter, accounts: AccountService) -> LoginService:
    window = timedelta(minutes=15)
    return LoginService(
        database, accounts, rate_limiter, DeviceCookies(b"key"), attempts=3, attempts_per_address=6, window=window
    )


@pytest.fixture
def accounts(database: Database) -> AccountService:
    service = AccountService(
        Ids("test_"), idle_life=timedelta(minutes=30), session_life=timedelta(hours=12), hasher=HASHER
    )
    with writing(database) as unit:
        service.register(unit, username="mei", password_hash=service.hash_password(PASSWORD), display_name="Mei")
    return service


@pytest.fixture(params=["local", "valkey"])
def rate_limiter(request: pytest.FixtureRequest, clock: MovableClock) -> Iterator[RateLimiter]:
    url = request.getfixturevalue("valkey_url") if request.param == "valkey" else None
    with closing(make_rate_limiter(url, clock)) as rate_limiter:
        yield rate_limiter


@pytest.fixture
def logins(
    database: Database, accounts: AccountService, rate_limiter: RateLimiter, clock: MovableClock
) -> LoginService:
    return logins_over(database, rate_limiter, accounts)


def answer(logins: LoginService, password: str, address: str = "192.0.2.1", cookie: str = "", name: str = "mei") -> str:
    try:
        signed_in = logins.sign_in(VISITOR, Attempt(name, password, address, cookie))
    except TooManyAttempts:
        return "limit"
    return "in" if signed_in else "wrong"


def test_concurrent_guesses_do_not_exceed_the_limit(logins: LoginService) -> None:
    answers = race(lambda number: answer(logins, f"guess {number}", f"192.0.2.{number}"))
    assert sorted(answers) == ["limit"] * 5 + ["wrong"] * 3
    assert answer(logins, PASSWORD, "192.0.2.99") == "limit"


def test_correct_password_is_rejected_at_the_limit(logins: LoginService) -> None:
    for number in range(3):
        assert answer(logins, "wrong", f"192.0.2.{number}") == "wrong"
    assert set(race(lambda number: answer(logins, PASSWORD, f"192.0.2.{number}"))) == {"limit"}


def test_correct_guess_is_rejected_if_the_limit_was_reached_meanwhile(
    database: Database, logins: LoginService, accounts: AccountService, rate_limiter: RateLimiter, clock: MovableClock
) -> None:
    class Slow(AccountService):
        """Takes so long to verify a password that three other guesses fail in the meantime."""

        def verify_password(self, user: UserRow | None, password: str) -> bool:
            assert [answer(logins, "wrong", f"192.0.2.{number}") for number in range(3)] == ["wrong"] * 3
            return super().verify_password(user, password)

    slow = Slow(Ids("test_"), idle_life=timedelta(1), session_life=timedelta(1), hasher=HASHER)
    assert answer(logins_over(database, rate_limiter, slow), PASSWORD, "192.0.2.99") == "limit"
    with reading(database) as unit:
        assert unit.connection.execute(select(SESSIONS)).all() == []


def test_successful_logins_are_not_counted(logins: LoginService) -> None:
    assert set(race(lambda _: answer(logins, PASSWORD))) == {"in"}
    assert {answer(logins, PASSWORD) for _ in range(10)} == {"in"}


class CountingHasher(PasswordHash):
    """Counts how many passwords were hashed and verified, and how many at the same time at most."""

    def __init__(self) -> None:
        super().__init__(HASHER.hashers)
        self._lock, self._running = Lock(), 0
        self.most, self.hashed, self.verified = 0, 0, 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashed += 1
        return self._count(lambda: HASHER.hash(password, salt=salt))

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  # the name in the base class
        self.verified += 1
        return self._count(lambda: HASHER.verify(password, hash))

    def _count(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            return work()
        finally:
            with self._lock:
                self._running -= 1


@pytest.fixture
def counting() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def counted_accounts(counting: CountingHasher) -> AccountService:
    return AccountService(
        Ids("test_"), idle_life=timedelta(1), session_life=timedelta(1), hasher=counting, hashes_at_once=2
    )


def test_a6_at_most_two_passwords_are_hashed_at_once(
    counting: CountingHasher, counted_accounts: AccountService
) -> None:
    race(lambda _: counted_accounts.hash_password(PASSWORD), 12)
    race(lambda _: counted_accounts.verify_password(None, PASSWORD), 12)
    assert (counting.most, counting.verified) == (2, 12)


def test_a6_login_of_unknown_user_takes_one_verification(
    counting: CountingHasher, counted_accounts: AccountService
) -> None:
    counted_accounts.prepare_logins()
    counting.hashed = 0
    assert not counted_accounts.verify_password(None, PASSWORD)
    assert (counting.hashed, counting.verified) == (0, 1)


def test_a6_concurrent_first_logins_share_one_hash(counting: CountingHasher, counted_accounts: AccountService) -> None:
    race(lambda _: counted_accounts.verify_password(None, PASSWORD))
    assert (counting.hashed, counting.verified) == (1, 8)


def test_a6_unusable_hash_takes_as_long_as_a_wrong_password(
    database: Database, counting: CountingHasher, counted_accounts: AccountService
) -> None:
    with writing(database) as unit:
        user = counted_accounts.register(unit, username="mei", password_hash="!", display_name="Mei")
    counted_accounts.prepare_logins()
    assert not counted_accounts.verify_password(user, PASSWORD)
    assert counting.verified == 2  # the first takes no time


def test_a6_user_without_a_password_takes_as_long_as_a_wrong_password(
    database: Database, counting: CountingHasher, counted_accounts: AccountService
) -> None:
    with writing(database) as unit:
        user = counted_accounts.register(unit, username="mei", password_hash="!", display_name="Mei")
    user.password_hash = None
    counted_accounts.prepare_logins()
    assert not counted_accounts.verify_password(user, PASSWORD)
    assert (counting.hashed, counting.verified) == (1, 1)


def test_login_fails_without_valkey(database: Database, accounts: AccountService, clock: MovableClock) -> None:
    with closing(make_rate_limiter(unreachable_url())) as rate_limiter:
        logins = logins_over(database, rate_limiter, accounts)
        with pytest.raises(SharedStateDown):
            logins.sign_in(VISITOR, Attempt("mei", PASSWORD, "192.0.2.1"))
    with reading(database) as unit:
        assert unit.connection.execute(select(SESSIONS)).all() == []


def test_b2_a_visitor_cookie_is_signed_and_expires() -> None:
    cookies, hour = VisitorCookies(b"key", timedelta(hours=1)), timedelta(hours=1)
    visitor = cookies.new(NOON)
    assert visitor.user_id is None
    assert cookies.find(visitor.secret, NOON + hour - timedelta(seconds=1)) == visitor
    assert cookies.find(visitor.secret, NOON + hour) is None
    assert VisitorCookies(b"other key", hour).find(visitor.secret, NOON) is None


@pytest.mark.parametrize(
    "changed", [lambda c: c + "x", lambda c: c.replace("visitor", "user"), lambda c: c[:-1], str.upper]
)
def test_b2_a_changed_visitor_cookie_is_refused(changed: Callable[[str], str]) -> None:
    cookies = VisitorCookies(b"key", timedelta(hours=1))
    assert cookies.find(changed(cookies.new(NOON).secret), NOON) is None


@pytest.mark.parametrize("cookie", ["", ".", "...", "visitor.a.b.c", "é.1.2.3", "a secret without dots"])
def test_b2_other_cookies_are_no_visitors(cookie: str) -> None:
    assert VisitorCookies(b"key", timedelta(hours=1)).find(cookie, NOON) is None


def test_device_cookie_belongs_to_one_user_and_one_browser() -> None:
    cookies = DeviceCookies(b"key")
    one, other = cookies.new("usr_mei"), cookies.new("usr_mei")
    assert cookies.nonce(one, "usr_mei") is not None
    assert cookies.nonce(one, "usr_mei") != cookies.nonce(other, "usr_mei")
    assert cookies.nonce(one, "usr_bo") is None
    assert DeviceCookies(b"other key").nonce(one, "usr_mei") is None
    assert "mei" not in one


@pytest.mark.parametrize("cookie", ["", ".", "x", "x.y", "é.é", "x" * 5000])
def test_forged_device_cookie_is_rejected(cookie: str) -> None:
    assert DeviceCookies(b"key").nonce(cookie, "usr_mei") is None


def test_changed_device_cookie_is_rejected() -> None:
    cookies = DeviceCookies(b"key")
    nonce, _, proof = cookies.new("usr_mei").partition(".")
    assert cookies.nonce(f"{nonce}x.{proof}", "usr_mei") is None
    assert cookies.nonce(f"{nonce}.{proof[:-1]}", "usr_mei") is None
    assert cookies.nonce(f".{proof}", "usr_mei") is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_network_of_an_address(address: str, expected: str) -> None:
    assert network(address) == expected
