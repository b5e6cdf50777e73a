"""The log of refused client assertions. Clients get the same response to each of them; the operator reads the cause."""

import re
import threading
import time

from gateway.kit.logging import get_logger

MOST_LINES = 20
"""Lines in each minute: strangers can send as many assertions as they like."""

_CLIENT_ID = re.compile(r"cli_[a-z0-9_]{1,40}")
_log = get_logger(__name__)


class RefusalLog:
    """Writes a line `client_not_authenticated` for a refused assertion, at the level INFO."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute, self._lines = 0, 0

    def report(self, client_id: object, cause: str) -> None:
        """Logs the cause, a sentence without values of the request. The id is what the assertion says, so it is logged
        only if it has the form of one."""
        if self._admits():
            named = client_id if isinstance(client_id, str) and _CLIENT_ID.fullmatch(client_id) else None
            _log.info("client_not_authenticated", client_id=named, cause=cause)

    def _admits(self) -> bool:
        minute = int(time.monotonic() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._lines = minute, 0
            self._lines += 1
            return self._lines <= MOST_LINES
