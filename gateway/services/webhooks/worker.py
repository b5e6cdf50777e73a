"""The worker that delivers messages: one thread for the database, and several that send."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import NamedTuple

from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.services.webhooks.claiming import Claims
from gateway.services.webhooks.fan_out import FanOut, has_waiting
from gateway.services.webhooks.recording import record
from gateway.services.webhooks.rendering import Render
from gateway.services.webhooks.sending import TIMEOUT, Attempt, Result, WebhookSender
from gateway.store.base import read_row
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from gateway.store.webhooks.endpoints import WebhookEndpointRow

AT_ONCE = 32
"""The largest number of threads that send."""

FIRST_THREADS = 1
"""The number of threads that send as long as no attempt waits for one for a whole step. Several at the same moment
would hold up the requests of a server."""

AT_ONCE_PER_ENDPOINT = 24
"""The largest number of attempts at one endpoint at a time."""

AT_ONCE_AFTER_FAILURE = 4
"""The same for an endpoint whose last attempt has failed, so that one that hangs leaves threads for the others."""

LOST_AFTER = timedelta(seconds=4 * TIMEOUT.total_seconds())
"""An attempt without a result after so long is lost, because its process has ended, and is made again."""

IDLE_WAIT, BUSY_WAIT = 0.25, 0.1
"""Seconds until the next look at the database if there was nothing to do, and otherwise. The longer, the more messages
and results are written by one commit, beside the requests of a server. If all threads are in use, the next look comes
as soon as half of the attempts have ended."""

WAIT_AFTER_ERROR = 1.0
"""Seconds until the next step after one that failed."""

GRACE = 2.0
"""Seconds for which attempts may go on when the worker is stopped."""

CLAIMED = Topic.DECISION_CLAIMED
_log = get_logger(__name__)


class _Done(NamedTuple):
    """What a unit of work has done: the statuses of the recorded deliveries, the number of placed messages, the
    endpoints for which attempts could be started, and the attempts."""

    statuses: list[DeliveryStatus]
    placed: int
    endpoints: list[WebhookEndpointRow]
    attempts: list[Attempt]


class DeliveryWorker:
    """Delivers messages until it is stopped. Several processes can do this at once. After a process was killed, its
    attempts are made again, so a receiver may get a message more than once. `on_claim_delivered` is called with the
    event of each delivered claim, before the result is recorded; after a killed process it is called again.
    `has_faults` is whether partners can inject faults into attempts."""

    def __init__(
        self,
        database: Database,
        ids: Ids,
        sender: WebhookSender,
        render: Render,
        on_claim_delivered: Callable[[str], object],
        *,
        at_once: int = AT_ONCE,
        at_once_per_endpoint: int = AT_ONCE_PER_ENDPOINT,
        at_once_after_failure: int = AT_ONCE_AFTER_FAILURE,
        has_faults: bool = False,
    ) -> None:
        self._database, self._ids, self._sender = database, ids, sender
        self._on_claim_delivered = on_claim_delivered
        self._fan_out, self._claims = FanOut(database, ids, render), Claims(render, has_faults=has_faults)
        self._most, self._most_per_endpoint, self._most_after_failure = (
            at_once,
            at_once_per_endpoint,
            min(at_once_per_endpoint, at_once_after_failure),
        )
        self._waiting = SimpleQueue[Attempt | None]()
        self._sent, self._stopped = SimpleQueue[Result | None](), threading.Event()
        self._results: list[Result] = []  # those that are not recorded
        self._running = Counter[str]()  # attempts by endpoint, used by the database thread only
        self._threads: list[threading.Thread] = []
        self._is_full = False  # whether a limit may have prevented an attempt in the last step
        self.observer: Callable[[DeliveryStatus], None] = lambda _: None
        """Called with the status of each delivery after an attempt. It must not raise."""

    def run(self) -> None:
        """Delivers messages until `stop` is called. Attempts that run then have a moment to end; the others count as
        lost. An outage of the database is logged, and everything is tried again."""
        while not self._stopped.is_set():
            try:
                is_busy = self.step()
            except Outage as outage:
                outage_log.report(outage, "webhooks")
                self._stopped.wait(WAIT_AFTER_ERROR)
            except Exception as error:  # noqa: BLE001  # its type is not known, and the next step may succeed
                _log.error("webhooks_failed", error=type(error).__name__)
                self._stopped.wait(WAIT_AFTER_ERROR)
            else:
                self._collect(BUSY_WAIT if is_busy else IDLE_WAIT)
                self._sender.close_unused()
        self._end()

    def stop(self) -> None:
        """Lets `run` end at once. Any thread and a signal handler may call it."""
        self._stopped.set()
        self._sent.put(None)

    def step(self) -> bool:
        """Records results, places new messages, and starts attempts, in one unit of work. Returns whether it had
        anything to do. Raises Outage. If anything else fails, each is done apart, so that one holds up no other."""
        self._collect(0)
        self._start_threads(self._waiting.qsize())  # for attempts that have waited since the last step
        results = self._sort_results()
        placing, endpoints, claims = self._database.read(lambda unit: self._look(unit, results))
        self._note_claims(claims)
        if not (results or placing or endpoints):
            self._is_full = self.running >= self._most
            return False
        try:
            done = self._database.write(lambda unit: self._run_unit(unit, results, placing))
        except Outage:
            raise  # the next step tries it again
        except Exception as error:  # noqa: BLE001  # it is raised again below, if it is not about one result
            _log.warning("webhook_step_failed", results=len(results), error=type(error).__name__)
            self._run_apart(results, placing)
            return True
        for result, status in zip(results, done.statuses, strict=True):
            self._finish(result, status)
        self._start(done.attempts)
        self._is_full = self.running >= self._most or any(self._free_for(each) <= 0 for each in done.endpoints)
        return bool(results or done.placed or done.attempts)

    def _look(self, unit: UnitOfWork, results: list[Result]) -> tuple[bool, list[WebhookEndpointRow], list[str]]:
        """Returns whether a message is to be placed, the endpoints for which an attempt can be started, and the events
        of these results that are delivered claims."""
        return has_waiting(unit), self._list_claimable(unit), _list_claims(unit, results)

    def _sort_results(self) -> list[Result]:
        """Returns the results that are not recorded, in the order in which each process locks endpoints."""
        return sorted(self._results, key=_endpoint_of)

    def _run_unit(self, unit: UnitOfWork, results: list[Result], placing: bool) -> _Done:
        statuses = record(unit, results, self._ids) if results else []
        placed = self._fan_out.place(unit) if placing else 0
        endpoints = self._list_claimable(unit)
        return _Done(statuses, placed, endpoints, self._claim(unit, endpoints))

    def _run_apart(self, results: list[Result], placing: bool) -> None:
        """Does what `_run_unit` does in several units of work. Raises Outage, and any error in the placing of messages
        after the rest is done."""
        for result in results:
            self._record_alone(result)
        try:
            if placing:
                self._fan_out.run_once()
        finally:
            self._start(self._database.write(lambda unit: self._claim(unit, self._list_claimable(unit))))

    def _record_alone(self, result: Result) -> None:
        """Records one result. If the database refuses it, it is dropped: its attempt counts as lost, and is made again.
        Raises Outage."""
        status = None
        try:
            (status,) = self._database.write(lambda unit: record(unit, [result], self._ids))
        except Outage:
            raise
        except Exception as error:  # noqa: BLE001  # the results of other deliveries must be recorded
            delivery, endpoint = result.attempt.delivery_id, result.attempt.endpoint_id
            _log.error("webhook_result_not_recorded", delivery=delivery, endpoint=endpoint, error=type(error).__name__)
        self._finish(result, status)

    def _finish(self, result: Result, status: DeliveryStatus | None) -> None:
        """Forgets a result. `status` is that of its delivery, None if the result was dropped."""
        self._results.remove(result)
        self._running[_endpoint_of(result)] -= 1
        if status is not None:
            self.observer(status)

    def _note_claims(self, event_ids: list[str]) -> None:
        for event_id in event_ids:
            try:
                self._on_claim_delivered(event_id)
            except Outage:
                raise  # nothing is recorded, and the next step tries it again
            except Exception as error:  # noqa: BLE001  # the results of other deliveries must be recorded
                _log.error("claim_delivery_not_noted", event_id=event_id, error=type(error).__name__)

    @property
    def running(self) -> int:
        """The number of attempts without a recorded result."""
        return self._running.total()

    def _list_claimable(self, unit: UnitOfWork) -> list[WebhookEndpointRow]:
        """The endpoints for which an attempt can be started, those with the fewest attempts first."""
        if self.running - len(self._results) >= self._most:
            return []
        rows = unit.webhook_deliveries.list_busy_endpoints(unit.wall)
        endpoints = [each for each in (read_row(WebhookEndpointRow, row) for row in rows) if self._free_for(each) > 0]
        return sorted(endpoints, key=lambda endpoint: self._running[endpoint.id])

    def _free_for(self, endpoint: WebhookEndpointRow) -> int:
        most = self._most_after_failure if endpoint.failures else self._most_per_endpoint
        ended = sum(_endpoint_of(result) == endpoint.id for result in self._results)
        return most - self._running[endpoint.id] + ended

    def _claim(self, unit: UnitOfWork, endpoints: list[WebhookEndpointRow]) -> list[Attempt]:
        """Begins attempts at these endpoints, within the limits."""
        attempts: list[Attempt] = []
        free, lost_at = self._most - self.running + len(self._results), WallTime(unit.wall + LOST_AFTER)
        for endpoint in endpoints:
            most = min(free - len(attempts), self._free_for(endpoint))
            if most > 0:
                attempts += self._claims.claim(unit, endpoint, lost_at, most)
        return attempts

    def _start(self, attempts: list[Attempt]) -> None:
        """Gives new attempts to the threads."""
        for attempt in attempts:
            self._running[attempt.endpoint_id] += 1
            self._waiting.put(attempt)
        self._start_threads(min(self.running, self._most, FIRST_THREADS) - len(self._threads))

    def _start_threads(self, number: int) -> None:
        """Starts so many more threads that send, up to the largest number."""
        for _ in range(min(number, self._most - len(self._threads))):
            name = f"webhooks-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._send, name=name, daemon=True))
            self._threads[-1].start()

    def _send(self) -> None:
        while (attempt := self._waiting.get()) is not None:
            self._sent.put(self._sender.send(attempt))

    def _collect(self, seconds: float) -> None:
        """Takes the results that come within `seconds`. Returns earlier if a limit prevents attempts and half of those
        that run have ended, if the worker was idle and a result comes, or if `stop` is called."""
        end, is_idle = time.monotonic() + seconds, seconds > BUSY_WAIT
        with suppress(Empty):
            while (remaining := end - time.monotonic()) > 0:
                result = self._sent.get(timeout=remaining)
                self._keep(result)
                if result is None or is_idle or (self._is_full and 2 * len(self._results) >= self.running):
                    break
            while True:
                self._keep(self._sent.get_nowait())

    def _keep(self, result: Result | None) -> None:
        if result is not None:  # else `stop` was called
            self._results.append(result)

    def _end(self) -> None:
        """Ends the threads, and records the attempts that end in time. Closes the connections."""
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + GRACE
        while len(self._results) < self.running and time.monotonic() < end:
            self._collect(0.1)
        self._sender.close()
        results = self._sort_results()
        with suppress(Outage):
            self._note_claims(self._database.read(lambda unit: _list_claims(unit, results)))
            for result in results:
                self._record_alone(result)


def _list_claims(unit: UnitOfWork, results: list[Result]) -> list[str]:
    """Returns the events of those results that are delivered claims."""
    return unit.outbox.list_of_topic(CLAIMED, [result.attempt.event_id for result in results if result.delivered])


def _endpoint_of(result: Result) -> str:
    return result.attempt.endpoint_id
