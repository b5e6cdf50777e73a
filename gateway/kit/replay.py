"""Replay detection of one-time values such as the `jti` of a proof (RFC 9449 section 11.1)."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from valkey import Valkey

from gateway.kit.valkey import connect, shared_state_errors

CAPACITY = 500_000
"""The largest number of values in one process: 100 MB, or 1,600 proofs a second with a lifetime of 5 minutes."""

_PREFIX = "sesame:once:"


class Replays(Protocol):
    """Stores used values for a limited time. It is thread-safe."""

    def first_use(self, key: str, seconds: int) -> bool:
        """Records the key for `seconds` and returns True if it was not recorded, else False. Of several concurrent
        calls only one returns True. The key must be a digest, so that no secret is stored. Raises SharedStateDown, and
        ValueError for less than one second."""
        ...

    def close(self) -> None: ...


class LocalReplays:
    """Replay detection in memory, for a deployment with one process.

    All calls of one instance must have the same `seconds`, so that values expire in their order of arrival. If it is
    full, the oldest values are dropped although they have not expired: a flood of proofs makes old ones usable again,
    but memory does not grow and the service continues.
    """

    def __init__(self, capacity: int = CAPACITY, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity, self._monotonic = capacity, monotonic
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}  # in order of arrival

    def first_use(self, key: str, seconds: int) -> bool:
        """See Replays."""
        _require_life(seconds)
        with self._lock:
            now = self._monotonic()
            self._forget(now)
            if self._ends.get(key, now) > now:
                return False
            self._ends.pop(key, None)
            if len(self._ends) >= self._capacity:
                del self._ends[next(iter(self._ends))]
            self._ends[key] = now + seconds
            return True

    def close(self) -> None:
        """Does nothing."""

    def _forget(self, now: float) -> None:
        # At most two per call: expired values become fewer, and no single call has to delete many.
        for _ in range(2):
            oldest = next(iter(self._ends), None)
            if oldest is None or self._ends[oldest] > now:
                return
            del self._ends[oldest]


class ValkeyReplays:
    """Replay detection in Valkey, for all processes of the deployment: one SET with NX and EX per value."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def first_use(self, key: str, seconds: int) -> bool:
        """See Replays. A command that is repeated over a new connection may find the value of its own first attempt and
        return False. That is a safe error."""
        _require_life(seconds)
        with shared_state_errors():
            return bool(self._valkey.set(_PREFIX + key, 1, nx=True, ex=seconds))

    def close(self) -> None:
        """Closes the connections."""
        self._valkey.close()  # type: ignore[no-untyped-call]


def make_replays(valkey_url: str | None) -> Replays:
    """Returns replay detection in the Valkey at this URL, or in this process without a URL."""
    return ValkeyReplays(connect(valkey_url)) if valkey_url else LocalReplays()


def _require_life(seconds: int) -> None:
    if seconds < 1:
        raise ValueError("a value must be stored for at least one second")
