"""Deletes rows that have expired: pushed requests, codes, tokens, invitations, sign-in links, sessions, used assertions
and proofs, idempotency records, notices, what was sent to webhook endpoints, and the request log of a sandbox."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from gateway.domain.notices.notice import KEPT
from gateway.kit.clock import WallTime
from gateway.services.sandbox import request_log
from gateway.services.scoring.purge import ScorePurge
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS
from gateway.store.identity.sessions import SESSIONS
from gateway.store.notices.notices import NOTICES
from gateway.store.oauth.replays import REPLAYS
from gateway.store.purge import PURGED
from gateway.store.sandbox.request_log import REQUEST_LOG
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import ATTEMPTS, DELIVERIES, MESSAGES

BATCH = 500
"""The largest number of rows that one unit of work deletes. No lock is held for longer than that takes."""

MOST_BATCHES = 100
"""The largest number of batches of one table in one run of the scheduler."""

CLOCK_MARGIN = timedelta(minutes=5)
"""The largest difference between the clocks of servers that share a database. A used assertion or an idempotency record
stays for this much longer than it is needed by the clock of this server."""

WEBHOOKS_KEPT_FOR = timedelta(days=30)
"""How long deliveries, their attempts and the sent bytes are kept. Receivers have to remember event ids for as long."""


class PurgeService:
    """Deletes expired rows in small units of work, also those of `scores`. Several processes can do this at once."""

    def __init__(
        self, database: Database, settings: Settings, *, scores: ScorePurge | None = None, batch: int = BATCH
    ) -> None:
        self._database, self._scores, self._batch = database, scores, batch
        self._kept = {
            **dict.fromkeys(PURGED, settings.purge_after),
            REPLAYS.name: CLOCK_MARGIN,
            IDEMPOTENCY_RECORDS.name: CLOCK_MARGIN,
            SESSIONS.name: settings.session_life,
            **dict.fromkeys((ATTEMPTS.name, DELIVERIES.name, MESSAGES.name), WEBHOOKS_KEPT_FOR),
            NOTICES.name: KEPT,
            REQUEST_LOG.name: request_log.KEPT,
        }

    def purge(
        self, most_batches: int = MOST_BATCHES, may_continue: Callable[[], bool] = lambda: True
    ) -> Mapping[str, int]:
        """Deletes expired rows, at most `most_batches` batches of each table. Asks `may_continue` before each batch,
        and stops if it is false. Returns the number of deleted rows by table."""
        deleted = {table: self._purge_table(table, most_batches, may_continue) for table in PURGED}
        if self._scores is not None:
            deleted |= self._scores.purge(most_batches, self._batch, may_continue)
        return deleted

    def _purge_table(self, table: str, most_batches: int, may_continue: Callable[[], bool]) -> int:
        deleted = 0
        for _ in range(most_batches):
            if not may_continue():
                break
            rows = self._database.write(lambda unit: self._purge_batch(unit, table))
            deleted += rows
            if rows < self._batch:
                break
        return deleted

    def _purge_batch(self, unit: UnitOfWork, table: str) -> int:
        return unit.purges.purge(table, WallTime(unit.wall - self._kept[table]), self._batch)
