"""Replay detection of one-time values such as the `jti` of a proof (RFC 9449 section 11.1).

Used values can be lost: Valkey restarts empty or with an old snapshot, evicts keys or fails over; a process without
Valkey ends. Then an *epoch* ends. A value that was used in an ended epoch must not be accepted in the next one, so
callers accept only values that carry the epoch of their use (a DPoP nonce does).
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from valkey import Valkey

from gateway.kit.valkey import connect, require_no_eviction, shared_state_errors

CAPACITY = 500_000
"""The largest number of values in one process: 100 MB, or 1,600 proofs a second with a lifetime of 5 minutes."""

_PREFIX = "sesame:once:"
_EPOCH = "sesame:epoch"

_RECORD = """
local marker = server.call('SET', KEYS[1], ARGV[1], 'NX', 'GET') or ARGV[1]
local info = server.call('INFO', 'server', 'stats')
local run, evicted = string.match(info, 'run_id:(%x+)'), string.match(info, 'evicted_keys:(%d+)')
local first = server.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2])
return {first and 1 or 0, marker .. ' ' .. run .. ' ' .. evicted}
"""
"""Records a value and returns whether this was its first use, and the epoch. The epoch consists of a marker, which is
lost with the data; the id of this run of the server, which changes if it is restarted or replaced, also with a
snapshot; and the number of evicted keys."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a value: whether it was the first in its epoch, and the epoch."""

    first: bool
    epoch: str


class Replays(Protocol):
    """Stores used values for a limited time. It is thread-safe."""

    @property
    def epoch(self) -> str:
        """The epoch of the last use that this process has recorded. It may have ended in the meantime."""
        ...

    def record_use(self, key: str, seconds: int) -> Use:
        """Records the key for `seconds`. Of several concurrent calls in one epoch only one is the first use. The key
        must be a digest, so that no secret is stored. Raises SharedStateDown, and ValueError for less than one
        second."""
        ...

    def check(self) -> None:
        """Raises SharedStateDown unless a use can be recorded and is kept."""
        ...

    def close(self) -> None: ...


class LocalReplays:
    """Replay detection in memory, for a deployment with one process.

    All calls of one instance must have the same `seconds`, so that values expire in their order of arrival. If it is
    full of values that have not expired, it drops all of them and begins a new epoch: memory does not grow, the service
    continues, and no dropped value is accepted again.
    """

    def __init__(self, capacity: int = CAPACITY, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity, self._monotonic = capacity, monotonic
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}  # in order of arrival
        self._epoch = secrets.token_hex(16)

    @property
    def epoch(self) -> str:
        return self._epoch

    def record_use(self, key: str, seconds: int) -> Use:
        """See Replays."""
        _require_life(seconds)
        with self._lock:
            now = self._monotonic()
            self._forget(now)
            if self._ends.get(key, now) > now:
                return Use(False, self._epoch)
            self._ends.pop(key, None)
            if len(self._ends) >= self._capacity:
                self._ends.clear()
                self._epoch = secrets.token_hex(16)
            self._ends[key] = now + seconds
            return Use(True, self._epoch)

    def check(self) -> None:
        """Does nothing: memory is always there."""

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
    """Replay detection in Valkey, for all processes of the deployment: one script for each value."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey, self._epoch = valkey, ""
        self._record = valkey.register_script(_RECORD)

    @property
    def epoch(self) -> str:
        return self._epoch

    def record_use(self, key: str, seconds: int) -> Use:
        """See Replays. A command that is repeated over a new connection may find the value of its own first attempt,
        which is then not the first use. That is a safe error."""
        _require_life(seconds)
        with shared_state_errors():
            first, epoch = self._record(keys=[_EPOCH, _PREFIX + key], args=[secrets.token_hex(16), seconds])
        self._epoch = epoch.decode()
        return Use(bool(first), self._epoch)

    def check(self) -> None:
        """See Replays. Also raises EvictionAllowed."""
        require_no_eviction(self._valkey)
        self.record_use(f"check {secrets.token_hex(8)}", 1)

    def close(self) -> None:
        """Closes the connections."""
        self._valkey.close()  # type: ignore[no-untyped-call]


def make_replays(valkey_url: str | None) -> Replays:
    """Returns replay detection in the Valkey at this URL, or in this process without a URL."""
    return ValkeyReplays(connect(valkey_url)) if valkey_url else LocalReplays()


def _require_life(seconds: int) -> None:
    if seconds < 1:
        raise ValueError("a value must be stored for at least one second")
