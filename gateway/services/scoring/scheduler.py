"""Computes due scores in the background, so that a read seldom has to: after an import, and when a month begins."""

import time
from collections.abc import Callable
from functools import partial

from gateway.kit.clock import business_time
from gateway.kit.logging import get_logger
from gateway.services.isolated_steps import run_or_log
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

BATCH = 100
"""The largest number of persons of one partner before the next partner has its turn."""

LONGEST_RUN = 2.0
"""Seconds after which a run ends, although more scores are due: all scores are due when a month begins, and the
transitions of decisions must not wait for them."""

_log = get_logger(__name__)


class ScoreScheduler:
    """Computes due scores, one unit of work per person. Several processes can run it at once: each score is computed
    once."""

    def __init__(
        self, database: Database, source: ScorecardSource, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._source, self._monotonic = database, source, monotonic

    def compute_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Computes due scores, for each partner in its own business time and for persons without a partner, in turns
        and for at most LONGEST_RUN seconds. Asks `may_continue` before each person, and stops if it is false. Returns
        how many scores it computed. An error in one score, or a lock on it, is logged and does not stop the others.
        Raises any other Outage."""
        end, computed = self._monotonic() + LONGEST_RUN, 0
        offsets, failed = self._database.read(lambda unit: unit.due_scores.list_offsets()), set[str]()
        while offsets:
            for partner_id, offset in list(offsets.items()):
                due = self._list_due(partner_id, offset, len(failed))
                if len(due) < BATCH + len(failed):
                    del offsets[partner_id]
                for user_id in due:
                    if user_id in failed:
                        continue
                    if self._monotonic() >= end or not may_continue():
                        return computed
                    if self._compute_or_log(user_id, offset):
                        computed += 1
                    else:
                        failed.add(user_id)
        return computed

    def _list_due(self, partner_id: str | None, offset: int, failed: int) -> list[str]:
        """The persons who are due longest. Those that have failed in this run are among them."""

        def list_due(unit: UnitOfWork) -> list[str]:
            return unit.due_scores.list_due(partner_id, business_time(unit.wall, offset), BATCH + failed)

        return self._database.read(list_due)

    def _compute_or_log(self, user_id: str, offset: int) -> bool:
        def compute(unit: UnitOfWork) -> bool:
            self._source.compute(unit, user_id, business_time(unit.wall, offset))
            return True

        log_error = partial(_log.error, "score_not_computed", user=user_id)
        return bool(run_or_log(lambda: self._database.write(compute), log_error, "score scheduler"))
