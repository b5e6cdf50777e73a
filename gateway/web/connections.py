"""The open connections of a server: how many there may be, and how long each may wait for its client."""

import sys
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.settings import Settings, SettingsError

if sys.platform != "win32":
    import resource

BACKLOG = 128
"""The number of accepted connections that may wait for the event loop. As many files stay free for them."""

_OTHER_FILES = 64
_FILES_PER_THREAD = 4  # a pooled connection of SQLite has up to three
_FEWEST, _MOST = 16, 10_000


CLOSE_CONNECTION = "sesame.close_connection"
"""The ASGI extension that closes the connection of a request without a response."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The largest number of connections, and times in seconds: for the header of a request, for its body, between two
    requests, and for the client to read a response."""

    most: int
    header: float
    body: float
    idle: float
    reading: float


class Connection(Protocol):
    """What the server needs of a connection."""

    def check_time(self, now: float) -> None:
        """Ends the connection if it has waited too long for its client. `now` is the event loop's time."""

    def evict(self) -> None:
        """Closes the connection at once, because a new one needs its place."""

    def refuse_new(self) -> None:
        """Refuses the connection, because all others have a request that is being answered."""


class Connections:
    """The connections of one event loop in the order in which they can be closed. First is the one that has been
    longest without a complete request."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        self._without_request: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Adds a new connection. At the limit another one is closed for it."""
        self._open.add(connection)
        self._without_request[connection] = None
        if len(self._open) > self.limits.most:
            victim = next(iter(self._without_request))
            self.remove(victim)
            if victim is connection:
                victim.refuse_new()
            else:
                victim.evict()

    def remove(self, connection: Connection) -> None:
        """Forgets a connection that was closed."""
        self._open.discard(connection)
        self._without_request.pop(connection, None)

    def begin_request(self, connection: Connection) -> None:
        """The connection has a complete request. It is not closed until the response has been sent."""
        self._without_request.pop(connection, None)

    def end_request(self, connection: Connection) -> None:
        """The connection's response has been sent. It is now the last one to be closed."""
        if connection in self._open:
            self._without_request[connection] = None
            self._without_request.move_to_end(connection)

    def close_first(self, connection: Connection) -> None:
        """The connection is ending, so it is the first one to be closed."""
        if connection in self._open:
            self._without_request[connection] = None
            self._without_request.move_to_end(connection, last=False)

    def check_times(self, now: float) -> None:
        """Ends the connections that have waited too long for their clients."""
        everything: Iterable[Connection] = tuple(self._open)
        for connection in everything:
            connection.check_time(now)


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Returns the limits in the settings. The number of connections leaves enough of the process's open files for
    everything else. Raises SettingsError if it cannot."""
    return ConnectionLimits(
        most=_most_connections(settings),
        header=settings.header_timeout.total_seconds(),
        body=settings.body_timeout.total_seconds(),
        idle=settings.idle_timeout.total_seconds(),
        reading=settings.reading_timeout.total_seconds(),
    )


def _most_connections(settings: Settings) -> int:
    files = _count_files()
    reserve = BACKLOG + _OTHER_FILES + _FILES_PER_THREAD * settings.worker_threads
    possible = files - reserve
    wanted = settings.connections or min(_MOST, possible)
    if wanted > possible or wanted < _FEWEST:
        raise SettingsError(
            f"GATEWAY_CONNECTIONS: {settings.connections or _FEWEST} connections need at least"
            f" {(settings.connections or _FEWEST) + reserve} open files, and this process may have {files} (ulimit -n)."
        )
    return wanted


def _count_files() -> int:
    """The number of files that this process may open."""
    unlimited = 1_000_000
    if sys.platform == "win32":
        return unlimited
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return unlimited if files == resource.RLIM_INFINITY else files
