"""Leaky buckets of points: each key has a number of points, which calls take and time restores. Per process or, in
Valkey, for all processes.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

from valkey import Valkey

from gateway.kit.crypto import digest
from gateway.kit.valkey import connect, shared_state_errors

CAPACITY = 100_000
"""The largest number of keys that one process keeps: about 20 MB. The least recently used are dropped first, and have
all points again. A key with all points needs no entry."""

_PREFIX = "sesame:bucket:"


@dataclass(frozen=True, slots=True)
class BucketSize:
    """The size of every bucket: `maximum` points, of which `restore_rate` are restored each second."""

    maximum: int
    restore_rate: int

    def __post_init__(self) -> None:
        if self.maximum < 1 or self.restore_rate < 1:
            raise ValueError("a bucket must have at least one point, and restore at least one each second")


class BucketEmpty(Exception):
    """The bucket has fewer points than requested. `available` are its points. After `retry_after` whole seconds, at
    least 1, it has enough, if nothing else takes any. Both are whole numbers."""

    def __init__(self, available: int, retry_after: int) -> None:
        super().__init__("The bucket has too few points.")
        self.available, self.retry_after = available, retry_after


class Buckets(Protocol):
    """Buckets by key. A key that was never used has all points. It is thread-safe. Calls to Valkey block, so it must
    not be used within a unit of work. If Valkey is configured and does not respond, every call raises SharedStateDown.
    """

    @property
    def size(self) -> BucketSize: ...

    def take(self, key: str, points: int) -> int:
        """Takes points and returns how many are left, rounded down. Raises BucketEmpty, and then takes nothing. More
        points than the maximum are never available."""
        ...

    def give_back(self, key: str, points: int) -> int:
        """Returns points to the bucket, up to its maximum, and returns how many it has."""
        ...

    def available(self, key: str) -> int:
        """Returns how many points the bucket has, rounded down."""
        ...

    def close(self) -> None: ...


def make_buckets(valkey_url: str | None, size: BucketSize) -> Buckets:
    """Returns buckets in the Valkey at this URL, or in this process without a URL. Raises ValueError for an invalid
    URL."""
    return ValkeyBuckets(connect(valkey_url), size) if valkey_url else LocalBuckets(size)


class LocalBuckets:
    """Buckets in memory, for a deployment with one process."""

    def __init__(
        self, size: BucketSize, capacity: int = CAPACITY, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.size, self._capacity, self._monotonic = size, capacity, monotonic
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # points and their time, by last use

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, key: str, points: int) -> int:
        """See Buckets."""
        return self._change(key, points)

    def give_back(self, key: str, points: int) -> int:
        """See Buckets."""
        return self._change(key, -points)

    def available(self, key: str) -> int:
        """See Buckets."""
        return self._change(key, 0)

    def close(self) -> None:
        """Does nothing."""

    def _change(self, key: str, points: int) -> int:
        with self._lock:
            now = self._monotonic()
            level, at = self._levels.pop(key, (self.size.maximum, now))
            level = min(self.size.maximum, level + (now - at) * self.size.restore_rate)
            left = min(self.size.maximum, level - points)
            if left >= 0:
                level = left
            if level < self.size.maximum:
                self._levels[key] = (level, now)
            if len(self._levels) > self._capacity:
                self._levels.popitem(last=False)
        if left < 0:
            raise BucketEmpty(int(level), max(1, ceil(-left / self.size.restore_rate)))
        return int(level)


class ValkeyBuckets:
    """Buckets in Valkey, for all processes of the deployment: one script per call, by the time of the server."""

    def __init__(self, valkey: Valkey, size: BucketSize) -> None:
        self.size, self._valkey = size, valkey
        self._script = valkey.register_script(_CHANGE)

    def take(self, key: str, points: int) -> int:
        """See Buckets."""
        return self._change(key, points)

    def give_back(self, key: str, points: int) -> int:
        """See Buckets."""
        return self._change(key, -points)

    def available(self, key: str) -> int:
        """See Buckets."""
        return self._change(key, 0)

    def close(self) -> None:
        """Closes the connections."""
        self._valkey.close()  # type: ignore[no-untyped-call]

    def _change(self, key: str, points: int) -> int:
        arguments = [self.size.maximum, self.size.restore_rate, points]
        with shared_state_errors():
            reply: Any = self._script(keys=[_PREFIX + digest(key)], args=arguments)
        level, missing = map(int, reply)
        if missing:
            raise BucketEmpty(level, max(1, ceil(missing / self.size.restore_rate)))
        return level


_CHANGE = """
local maximum, rate, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = maximum
if stored[1] then
  level = math.min(maximum, tonumber(stored[1]) + math.max(0, now - tonumber(stored[2])) * rate / 1000000)
end
if points > level then
  return {level, math.ceil(points - level)}
end
level = math.min(maximum, level - points)
if level >= maximum then
  redis.call('DEL', KEYS[1])
elseif points ~= 0 then
  redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil((maximum - level) / rate * 1000) + 1000)
end
return {level, 0}
"""
"""Takes points from the bucket of a key, gives them back if negative, or only reads it. Returns the points that are
left (Valkey rounds down) and, if too few were available, how many are missing, rounded up. An entry expires when the
bucket is full."""
