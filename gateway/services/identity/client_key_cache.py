"""The keys of clients that keep them at a `jwks_uri`, at hand before a request's unit of work begins.

They are fetched on the worker thread of a request that needs them, one fetch at a time for each client. What strangers
send can make this server fetch no more often than the constants here say.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kit.clock import WallClock
from gateway.kit.logging import get_logger
from gateway.services.identity.client_keys import FetchedKeys, KeySource, KeysRefused

KEPT_FOR = timedelta(minutes=10)
"""How long fetched keys are good: so long does a key that its owner has removed still work."""

KEPT_AT_LEAST = timedelta(seconds=60)
"""Also where the key set's server wants it asked more often."""

NEW_KID_EVERY = timedelta(seconds=60)
"""A `kid` that is not among the keys is a reason to look again this often: anybody can make one up."""

RETRY_AFTER = timedelta(seconds=10)
"""A failure is remembered this long, and told without another try."""

STALE_FOR = timedelta(hours=1)
"""How old keys may become while they cannot be fetched again. A short outage of a merchant's web server must not end
its business here; and whoever can keep us from that server keeps a stolen key alive no longer than this."""

CAPACITY = 1000
"""Clients that one process remembers; the least recently used go first."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_log = get_logger(__name__)


@dataclass(slots=True)
class _Entry:
    """What is known of one client's address. `lock` is held by who fetches."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Mapping[str, Any] | None = None
    fetched_at: datetime = _NEVER
    fresh_until: datetime = _NEVER
    asked_for_kid_at: datetime = _NEVER
    failed_at: datetime = _NEVER
    reason: str = ""

    def settled(self, now: datetime, kid: str | None) -> Mapping[str, Any] | None:
        """The keys to use at this moment, None where they have to be fetched first. Raises KeysRefused while a failure
        is remembered and there are no keys that may stand in."""
        if self.keys is not None and now < self.fresh_until:
            known = kid is None or any(jwk.get("kid") == kid for jwk in self.keys["keys"])
            return self.keys if known or now < self.asked_for_kid_at + NEW_KID_EVERY else None
        return self.after_failure(now) if now < self.failed_at + RETRY_AFTER else None

    def after_failure(self, now: datetime) -> Mapping[str, Any]:
        """The keys of before, as long as they may stand in. Raises KeysRefused."""
        if self.keys is None or now >= self.fetched_at + STALE_FOR:
            self.keys = None
            raise KeysRefused(self.reason)
        return self.keys


class ClientKeyCache:
    """The cache of one process. `places` is how many threads may wait for fetches at once: those that are left go on
    serving everybody else while a merchant's server hangs."""

    def __init__(self, source: KeySource, clock: WallClock, *, max_fetches: int, capacity: int = CAPACITY) -> None:
        self._source, self._clock, self._capacity = source, clock, capacity
        self._places = threading.BoundedSemaphore(max_fetches)
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def fetch(self, uri: str) -> FetchedKeys:
        """The keys at the address as they are now, for a registration: nothing is kept. Raises KeysRefused."""
        with self._place():
            return self._source.fetch(uri)

    def get_key_set(self, client_id: str, uri: str, kid: str | None) -> Mapping[str, Any]:
        """The key set of the client, fetched where it has to be. Raises KeysRefused."""
        entry = self._entry(client_id, uri)
        keys = entry.settled(self._clock(), kid)
        if keys is not None:
            return keys
        with self._place(), entry.lock:
            now = self._clock()
            # Who waited for the lock finds what the one before has fetched.
            return entry.settled(now, kid) or self._fetched(entry, now, client_id, uri)

    def _fetched(self, entry: _Entry, now: datetime, client_id: str, uri: str) -> Mapping[str, Any]:
        if now < entry.fresh_until:  # only a new kid leads here while keys are fresh
            entry.asked_for_kid_at = now
        try:
            fetched = self._source.fetch(uri)
        except KeysRefused as refused:
            _log.warning("client_keys_unreachable", client_id=client_id, reason=refused.reason)
            entry.failed_at, entry.reason = now, refused.reason
            return entry.after_failure(now)
        wished = KEPT_FOR if fetched.max_age is None else timedelta(seconds=fetched.max_age)
        # In this order: who reads meanwhile, without the lock, never takes the keys of before for fresh.
        entry.keys = fetched.key_set
        entry.fetched_at, entry.fresh_until = now, now + min(max(wished, KEPT_AT_LEAST), KEPT_FOR)
        return fetched.key_set

    def _entry(self, client_id: str, uri: str) -> _Entry:
        """By client and address: another address of the same client begins with nothing."""
        with self._lock:
            entry = self._entries.setdefault((client_id, uri), _Entry())
            self._entries.move_to_end((client_id, uri))
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return entry

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise KeysRefused("busy")
        try:
            yield
        finally:
            self._places.release()
