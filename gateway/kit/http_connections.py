"""Connections that stay open between two exchanges, so that the next one needs no new handshake."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httpcore2

from gateway.kit.http_network import Deadline

IDLE_SECONDS = 4.0
"""How long a connection may stay unused. Many servers close it after 5 seconds."""

LONGEST_USE = 60.0
"""Seconds after which a connection is not used again, so that a new address or certificate of the host takes effect."""

MOST_KEPT = 64
"""The largest number of unused connections."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to the host of `url`. `deadline` is that of its present exchange. `opened_at` and `kept_at` are
    moments of time.monotonic; `kept_at` is None if it has not been used yet."""

    url: str
    http: httpcore2.HTTPConnection
    deadline: Deadline
    opened_at: float
    kept_at: float | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the next exchange can use it: it is open, not too old, and the host has sent nothing unasked."""
        now = time.monotonic()
        idle_since = now if self.kept_at is None else self.kept_at
        return (
            self.http.is_available()
            and not _has_surplus(self.http)
            and now - idle_since <= IDLE_SECONDS
            and now - self.opened_at <= LONGEST_USE
            and not self.http.has_expired()
        )


def _has_surplus(http: httpcore2.HTTPConnection) -> bool:
    """Whether more bytes came than those of the response, such as the body of a 204. They would be taken for the
    beginning of the next response. httpcore2 does not say it, but its parser does."""
    connection = http._connection
    assert isinstance(connection, httpcore2.HTTP11Connection)
    return connection._h11_state.trailing_data != (b"", False)


class KeptConnections:
    """The unused connections of a client. Connections for different URLs are never exchanged. It is thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unused: deque[Connection] = deque()  # the one that was used last is at the right

    def __len__(self) -> int:
        return len(self._unused)

    def take(self, url: str, seconds: float) -> Connection | None:
        """Returns a connection for this URL with a new deadline, or None. The caller owns it then."""
        while True:
            with self._lock:
                found = next((each for each in reversed(self._unused) if each.url == url), None)
                if found is None:
                    return None
                self._unused.remove(found)
            if found.is_usable:
                found.deadline.restart(seconds)
                return found
            found.http.close()

    def put(self, connection: Connection) -> None:
        """Keeps a connection whose exchange has ended, or closes it if it cannot be used again."""
        now = time.monotonic()
        kept = Connection(connection.url, connection.http, connection.deadline, connection.opened_at, now)
        if not kept.is_usable:
            kept.http.close()
            return
        with self._lock:
            self._unused.append(kept)
            surplus = self._unused.popleft() if len(self._unused) > MOST_KEPT else None
        if surplus is not None:
            surplus.http.close()

    def close_unusable(self) -> None:
        """Closes those that were unused for too long, and those that their host has closed."""
        if self._unused:
            self._close(lambda connection: not connection.is_usable)

    def close(self) -> None:
        """Closes all of them."""
        self._close(lambda _: True)

    def _close(self, is_closed: Callable[[Connection], bool]) -> None:
        with self._lock:
            closed = [each for each in self._unused if is_closed(each)]
            for each in closed:
                self._unused.remove(each)
        for each in closed:
            each.http.close()
