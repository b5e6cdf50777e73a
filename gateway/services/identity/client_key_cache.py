"""The cache of the key sets of clients with a `jwks_uri`. Used before a request's unit of work begins.

The request that needs a key set fetches it, one fetch at a time for each client, while other requests go on. The
constants here limit how often unauthenticated requests can cause a fetch.
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
from gateway.kit.switching import run_apart
from gateway.services.identity.client_keys import FetchedKeys, KeySource, KeysRefused

KEPT_FOR = timedelta(minutes=10)
"""How long a fetched key set is used at most. A key that its owner has removed works as long."""

KEPT_FOR_AT_LEAST = timedelta(seconds=60)
"""How long a fetched key set is used at least, even if its server sends a shorter max-age."""

UNKNOWN_KID_INTERVAL = timedelta(seconds=60)
"""How often an unknown `kid` can cause a new fetch of fresh keys. Anybody can send an unknown `kid`."""

RETRY_AFTER = timedelta(seconds=10)
"""How long after a failed fetch no new fetch is made."""

STALE_FOR = timedelta(hours=1)
"""How old keys may become while they cannot be fetched again. A short outage of a merchant's web server must not stop
its requests. An attacker who blocks our access to that server can use a stolen key no longer than this."""

CAPACITY = 1000
"""The number of clients in the cache of one process. The least recently used are removed first."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_log = get_logger(__name__)


@dataclass(slots=True)
class _Entry:
    """The cache entry of one client and URL. `lock` is held during a fetch."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Mapping[str, Any] | None = None
    fetched_at: datetime = _NEVER
    fresh_until: datetime = _NEVER
    kid_fetched_at: datetime = _NEVER
    failed_at: datetime = _NEVER
    reason: str = ""

    def usable_keys(self, now: datetime, kid: str | None) -> Mapping[str, Any] | None:
        """The key set to use at `now`, None if it must be fetched first. Raises KeysRefused within RETRY_AFTER of a
        failed fetch if there are no older keys that may still be used."""
        if self.keys is not None and now < self.fresh_until:
            known = kid is None or any(jwk.get("kid") == kid for jwk in self.keys["keys"])
            return self.keys if known or now < self.kid_fetched_at + UNKNOWN_KID_INTERVAL else None
        return self.stale_keys(now) if now < self.failed_at + RETRY_AFTER else None

    def stale_keys(self, now: datetime) -> Mapping[str, Any]:
        """The older key set to use after a failed fetch. Raises KeysRefused if there is none, or if it is too old."""
        if self.keys is None or now >= self.fetched_at + STALE_FOR:
            self.keys = None
            raise KeysRefused(self.reason)
        return self.keys


class ClientKeyCache:
    """The cache of one process. At most `max_fetches` requests wait for fetches at once, each on a thread of its own if
    it is a job of a switching thread. Further ones are refused while merchants' servers do not respond."""

    def __init__(self, source: KeySource, clock: WallClock, *, max_fetches: int, capacity: int = CAPACITY) -> None:
        self._source, self._clock, self._capacity = source, clock, capacity
        self._fetch_slots = threading.BoundedSemaphore(max_fetches)
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def fetch(self, uri: str) -> FetchedKeys:
        """The current keys at the URL, for a registration. They are not cached. Raises KeysRefused."""
        return run_apart(lambda: self._fetch(uri))

    def get_key_set(self, client_id: str, uri: str, kid: str | None) -> Mapping[str, Any]:
        """The key set of the client, from the cache or fetched. Raises KeysRefused."""
        entry = self._entry(client_id, uri)
        keys = entry.usable_keys(self._clock(), kid)
        return keys if keys is not None else run_apart(lambda: self._fetch_once(entry, client_id, uri, kid))

    def _fetch(self, uri: str) -> FetchedKeys:
        with self._fetch_slot():
            return self._source.fetch(uri)

    def _fetch_once(self, entry: _Entry, client_id: str, uri: str, kid: str | None) -> Mapping[str, Any]:
        with self._fetch_slot(), entry.lock:
            now = self._clock()
            # Another thread may have fetched the keys while this one waited for the lock.
            return entry.usable_keys(now, kid) or self._refresh(entry, now, client_id, uri)

    def _refresh(self, entry: _Entry, now: datetime, client_id: str, uri: str) -> Mapping[str, Any]:
        if now < entry.fresh_until:  # fresh keys are only fetched again for an unknown kid
            entry.kid_fetched_at = now
        try:
            fetched = self._source.fetch(uri)
        except KeysRefused as refused:
            _log.warning("client_keys_unreachable", client_id=client_id, reason=refused.reason)
            entry.failed_at, entry.reason = now, refused.reason
            return entry.stale_keys(now)
        max_age = KEPT_FOR if fetched.max_age is None else timedelta(seconds=fetched.max_age)
        # In this order: a thread that reads without the lock must not see old keys as fresh.
        entry.keys = fetched.key_set
        entry.fetched_at, entry.fresh_until = now, now + min(max(max_age, KEPT_FOR_AT_LEAST), KEPT_FOR)
        return fetched.key_set

    def _entry(self, client_id: str, uri: str) -> _Entry:
        """The entry of the client and URL, new if there is none. Another URL of the same client has its own entry."""
        with self._lock:
            entry = self._entries.setdefault((client_id, uri), _Entry())
            self._entries.move_to_end((client_id, uri))
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return entry

    @contextmanager
    def _fetch_slot(self) -> Iterator[None]:
        if not self._fetch_slots.acquire(blocking=False):
            raise KeysRefused("busy")
        try:
            yield
        finally:
            self._fetch_slots.release()
