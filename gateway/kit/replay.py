"""One-time values such as the `jti` of a proof (RFC 9449 section 11.1): who comes first, and who comes again."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from valkey import Valkey

from gateway.kit.valkey import answered, connect

CAPACITY = 500_000
"""Values that one process remembers: 100 MB, and 1,600 proofs a second of a life of 5 minutes."""

_PREFIX = "sesame:once:"


class Replays(Protocol):
    """Remembers values for a while. Safe on any thread."""

    def first_use(self, key: str, seconds: int) -> bool:
        """True for the first of all callers that hand in this key within `seconds`, False for every other one. The key
        is a digest, so that what is remembered tells nothing. Raises SharedStateDown, ValueError for no seconds."""
        ...

    def close(self) -> None: ...


class LocalReplays:
    """In the memory of this process: right for a deployment that has no other.

    Callers of one instance hand in one and the same `seconds`, so that the order of arrival is that of expiry. When it
    is full the oldest values go first, although they have not expired: a flood of proofs makes old ones usable again,
    but never makes memory grow and never stops the service.
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
        """Nothing to close."""

    def _forget(self, now: float) -> None:
        # Two go for one that comes: what has expired shrinks, and no single call pays for a long pause.
        for _ in range(2):
            oldest = next(iter(self._ends), None)
            if oldest is None or self._ends[oldest] > now:
                return
            del self._ends[oldest]


class ValkeyReplays:
    """In Valkey, for all processes of the deployment: one SET with NX and EX decides."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def first_use(self, key: str, seconds: int) -> bool:
        """See Replays. A command that is repeated over a new connection may find its own first try: then the caller is
        told False, which is the safe mistake."""
        _require_life(seconds)
        with answered():
            return bool(self._valkey.set(_PREFIX + key, 1, nx=True, ex=seconds))

    def close(self) -> None:
        """Closes the connections."""
        self._valkey.close()  # type: ignore[no-untyped-call]


def replays(valkey_url: str | None) -> Replays:
    """Those of the Valkey at this address, or of this process alone where there is none."""
    return ValkeyReplays(connect(valkey_url)) if valkey_url else LocalReplays()


def _require_life(seconds: int) -> None:
    if seconds < 1:
        raise ValueError("a value is remembered for at least one second")
