"""Rate limits: a largest number of attempts within any window of time, counted per process or, in Valkey, for all
processes.
"""

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MovingWindowSupport, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from gateway.kit.clock import WallClock, wall_clock
from gateway.kit.crypto import digest
from gateway.kit.valkey import connect, shared_state_errors

CAPACITY = 100_000
"""The largest number of windows that one process keeps. The least recently used are dropped first."""


class TooManyAttempts(Exception):
    """A limit is reached. After `retry_after` whole seconds, at least 1, one more attempt is allowed."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `amount` attempts within any window of length `per` (whole seconds). Each limit needs a name of its own:
    attempts are counted by name and keys."""

    name: str
    amount: int
    per: timedelta


class RateLimiter:
    """Counts attempts by limit and keys. Keys are stored as digests, so they may be names and addresses. It is
    thread-safe. Calls to Valkey block, so it must not be used within a unit of work. If Valkey is configured and does
    not respond, `hit` and `test` raise SharedStateDown, and the caller must not accept the attempt."""

    def __init__(self, storage: Storage, clock: WallClock, close: Callable[[], object] = lambda: None) -> None:
        self._windows, self._clock = MovingWindowRateLimiter(storage), clock
        self.close = close
        """Closes the connections to Valkey, if any."""

    def hit(self, limit: RateLimit, *keys: str) -> None:
        """Counts one attempt. If the window is full, it raises TooManyAttempts and counts nothing."""
        item, key = _item(limit), _digest_keys(keys)
        with shared_state_errors():
            if not self._windows.hit(item, key):
                raise self._refusal(item, key)

    def test(self, limit: RateLimit, *keys: str) -> None:
        """Raises TooManyAttempts if the window is full. Counts nothing."""
        item, key = _item(limit), _digest_keys(keys)
        with shared_state_errors():
            if not self._windows.test(item, key):
                raise self._refusal(item, key)

    def _refusal(self, item: RateLimitItem, key: str) -> TooManyAttempts:
        free_at = self._windows.get_window_stats(item, key).reset_time
        return TooManyAttempts(max(1, ceil(free_at - self._clock().timestamp())))


def make_rate_limiter(valkey_url: str | None, clock: WallClock = wall_clock) -> RateLimiter:
    """Returns a rate limiter that counts in the Valkey at this URL, or in this process without a URL. `clock` is used
    in this process only; Valkey uses wall time. Raises ValueError for an invalid URL."""
    if not valkey_url:
        return RateLimiter(_OneProcess(clock), clock)
    # The library does not get the URL, because it repeats the URL in its errors.
    client = connect(valkey_url)
    shared = RedisStorage("valkey://", connection_pool=client.connection_pool, key_prefix="sesame:limit")
    return RateLimiter(shared, wall_clock, client.close)


@lru_cache(maxsize=256)
def _item(limit: RateLimit) -> RateLimitItem:
    seconds = int(limit.per.total_seconds())
    if limit.amount < 1 or seconds < 1:
        raise ValueError("a limit must be at least one attempt in at least one second")
    return RateLimitItemPerSecond(limit.amount, seconds, limit.name)


def _digest_keys(keys: tuple[str, ...]) -> str:
    return digest("\0".join(keys))


class _OneProcess(Storage, MovingWindowSupport):
    """A memory storage with one lock, a clock, and at most CAPACITY windows. The library's memory storage keeps all
    keys for ever, starts threads to find expired ones, and lets two threads write one window."""

    STORAGE_SCHEME = None

    def __init__(self, clock: WallClock, capacity: int = CAPACITY) -> None:
        super().__init__()
        self._clock, self._capacity = clock, capacity
        self._lock = threading.Lock()
        self._attempt_times: OrderedDict[str, list[float]] = OrderedDict()  # of each window, oldest first

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self._window(key, expiry) as (now, times):
            if len(times) + amount > limit:
                return False
            times.extend([now] * amount)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        with self._window(key, expiry) as (now, times):
            return (times[0], len(times)) if times else (now, 0)

    def clear(self, key: str) -> None:
        with self._lock:
            self._attempt_times.pop(key, None)

    def reset(self) -> int | None:
        with self._lock:
            count = len(self._attempt_times)
            self._attempt_times.clear()
            return count

    def check(self) -> bool:
        return True

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError  # for fixed windows only, which are not used

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    @contextmanager
    def _window(self, key: str, expiry: int) -> Iterator[tuple[float, list[float]]]:
        """Yields the current time and the attempts within the window, to be changed in place."""
        with self._lock:
            now = self._clock().timestamp()
            times = self._attempt_times.pop(key, [])
            del times[: bisect_left(times, now - expiry + _RESOLUTION)]
            yield now, times
            if times:
                self._attempt_times[key] = times
            if len(self._attempt_times) > self._capacity:
                self._attempt_times.popitem(last=False)


_RESOLUTION = 1e-6
"""One microsecond, the resolution of the clock. It is added to the cutoff, so that an attempt that is exactly `per` old
no longer counts."""
