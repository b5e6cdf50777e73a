"""Outages: the database or Valkey cannot be used at the moment. They are expected, temporary, and nobody's bug."""

import threading
import time
from collections.abc import Callable
from typing import Any

from gateway.kit.logging import get_logger

RETRY_AFTER = 5
"""Seconds to wait before a request is repeated after an outage."""

_QUIET = 10.0
_MOST_KINDS = 256
_log = get_logger(__name__)


class Outage(Exception):
    """A service that the gateway depends on cannot be used now. The same request can be sent again later.

    `service` is "database", "valkey", or "server" for this process. `code` says what failed: an SQLSTATE, a name of an
    SQLite error, or a word for the operator's log. `uncertain` is True if the connection was lost during a commit: what
    was to be written may have been written. Otherwise nothing was. The message has no address and no credentials."""

    def __init__(self, service: str, code: str, message: str, *, uncertain: bool = False) -> None:
        super().__init__(message)
        self.service, self.code, self.uncertain = service, code, uncertain


class OutageLog:
    """Logs outages, at most one line every ten seconds for each service, code and path. The member `repeated` is the
    number of equal outages since the last line."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._logged: dict[tuple[str, ...], tuple[float, int]] = {}  # the time of the last line, and outages since

    def report(self, outage: Outage, path: str, **context: Any) -> None:
        """Logs the outage, or counts it. `path` is the path of the request or the name of a task; `context` has further
        members of the line."""
        kind, now = (outage.service, outage.code, path), self._monotonic()
        with self._lock:
            last, repeated = self._logged.get(kind, (now - _QUIET, 0))
            if now - last < _QUIET:
                self._logged[kind] = (last, repeated + 1)
                return
            if len(self._logged) >= _MOST_KINDS:
                self._logged.clear()
            self._logged[kind] = (now, 0)
        _log.error("unavailable", service=outage.service, cause=outage.code, path=path, repeated=repeated, **context)

    def forget(self) -> None:
        """Forgets what was logged, so that the next outage is logged at once."""
        with self._lock:
            self._logged.clear()


outage_log = OutageLog()
"""The log of this process."""
