"""The worker that delivers messages: one thread for the database, and several that send."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import zip_longest
from queue import Empty, SimpleQueue

from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.kit.crypto import SealBroken
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.services.webhooks.fan_out import FanOut
from gateway.services.webhooks.recording import record
from gateway.services.webhooks.rendering import Render, render_or_log
from gateway.services.webhooks.sending import TIMEOUT, Attempt, Result, WebhookSender
from gateway.store.base import read_row
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.deliveries import DeliveryStatus, WebhookMessageRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

AT_ONCE = 32
"""The largest number of threads that send."""

FIRST_THREADS = 3
"""The number of threads that send as long as no attempt waits for one for a whole step. Many at the same moment would
hold up the requests of a server."""

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
        self._has_faults = has_faults
        self._database, self._ids, self._sender, self._render = database, ids, sender, render
        self._on_claim_delivered = on_claim_delivered
        self._fan_out = FanOut(database, ids, render)
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
        """Records results, places new messages, and starts attempts. Returns whether it had anything to do. Raises
        Outage. An error in the placing of messages is raised after the rest is done."""
        try:
            placed = self._fan_out.run_once()
        except Outage:
            raise
        except Exception:
            self._deliver()  # else results would not be recorded, and their messages sent again and again
            raise
        return self._deliver() or placed > 0

    def _deliver(self) -> bool:
        """Records results, and starts attempts. Returns whether it had anything to do. Raises Outage."""
        self._collect(0)
        results = self._prepare_results()
        endpoints = self._database.read(self._list_claimable)
        attempts = self._record(results, endpoints)
        self._start_threads(self._waiting.qsize())  # those that still wait for a thread
        for attempt in attempts:
            self._running[attempt.endpoint_id] += 1
            self._waiting.put(attempt)
        self._start_threads(min(self.running, self._most, FIRST_THREADS) - len(self._threads))
        self._is_full = self.running >= self._most or any(self._free_for(each) <= 0 for each in endpoints)
        return bool(results or attempts)

    def _prepare_results(self) -> list[Result]:
        """Returns the results to be recorded, after their claims were noted. Raises Outage."""
        results = sorted(self._results, key=_endpoint_of)  # each process locks in one order
        self._note_claims(results)
        return results

    def _record(self, results: list[Result], endpoints: list[WebhookEndpointRow]) -> list[Attempt]:
        """Records results, and returns new attempts at these endpoints. Both are one unit of work. If it fails and
        there are results, they are recorded one by one, without new attempts. Raises Outage, and without results any
        error."""
        if not results and not endpoints:
            return []
        try:
            statuses, attempts = self._database.write(lambda unit: self._record_and_claim(unit, results, endpoints))
        except Outage:
            raise  # the next step tries it again
        except Exception as error:
            if not results:
                raise
            _log.warning("webhook_results_not_recorded_together", results=len(results), error=type(error).__name__)
            for result in results:
                self._record_alone(result)
            return []
        for result, status in zip(results, statuses, strict=True):
            self._finish(result, status)
        return attempts

    def _record_alone(self, result: Result) -> None:
        """Records one result. If the database refuses it, it is dropped: its attempt counts as lost, and is made again.
        Raises Outage."""
        status = None
        try:
            status = self._database.write(lambda unit: record(unit, result, self._ids))
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

    def _note_claims(self, results: list[Result]) -> None:
        delivered = [result.attempt.event_id for result in results if result.delivered]
        for event_id in self._database.read(lambda unit: unit.outbox.list_of_topic(CLAIMED, delivered)):
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

    def _record_and_claim(
        self, unit: UnitOfWork, results: list[Result], endpoints: list[WebhookEndpointRow]
    ) -> tuple[list[DeliveryStatus], list[Attempt]]:
        statuses = [record(unit, result, self._ids) for result in results]
        attempts: list[Attempt] = []
        free, lost_at = self._most - self.running + len(results), WallTime(unit.wall + LOST_AFTER)
        for endpoint in endpoints:
            most = min(free - len(attempts), self._free_for(endpoint))
            if most > 0:
                attempts += self._claim(unit, endpoint, lost_at, most)
        return statuses, attempts

    def _claim(self, unit: UnitOfWork, endpoint: WebhookEndpointRow, lost_at: WallTime, most: int) -> list[Attempt]:
        try:
            secrets = tuple(unit.webhook_endpoints.open_secrets(endpoint, unit.wall))
        except SealBroken:
            _log.error("webhook_secret_not_readable", endpoint=endpoint.id)
            return []
        claimed = unit.webhook_deliveries.claim(endpoint.id, unit.wall, lost_at, most)
        messages = unit.webhook_deliveries.load_messages([row.event_id for row in claimed]) if claimed else {}
        forced = unit.faults.fail_attempts(endpoint.merchant_id, len(claimed)) if self._has_faults and claimed else []
        return [
            Attempt.of(
                row, endpoint, secrets, messages.get(row.event_id) or self._render_again(unit, row.event_id), status
            )
            for row, status in zip_longest(claimed, forced)
        ]

    def _render_again(self, unit: UnitOfWork, event_id: str) -> WebhookMessageRow | None:
        message = unit.outbox.load(event_id)
        rendered = None if message is None else render_or_log(self._render, message, unit.wall)
        if rendered is not None:
            unit.webhook_deliveries.insert([rendered], [])
        return rendered

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
        if self._results:
            with suppress(Outage):
                self._record(self._prepare_results(), [])


def _endpoint_of(result: Result) -> str:
    return result.attempt.endpoint_id
