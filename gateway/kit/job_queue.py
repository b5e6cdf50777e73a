"""A queue of jobs for requests that need no turn by client: a few threads run them in the order of their arrival.

A job that waits for a shared commit lets its thread run the next job (`gateway.kit.switching`). Work that waits for
something else is called with `run_apart`.
"""

from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TypeVar

from gateway.kit.deliveries import LoopDeliveries
from gateway.kit.outage import Outage
from gateway.kit.switching import Job, SwitchingThreads

T = TypeVar("T")


class QueueClosed(Outage):
    """The server ends, and takes no new work."""

    def __init__(self) -> None:
        super().__init__("server", "CLOSED", "The server ends.")


class _QueuedJob:
    """Calls `run` in the context of the request that made this job."""

    __slots__ = ("context", "run")

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run
        self.context: Context = copy_context()

    def end(self, cpu_seconds: float) -> None:
        """Does nothing."""


class JobQueue:
    """Up to `at_once` threads run the jobs. They are started when they are first needed."""

    def __init__(self, name: str, *, at_once: int) -> None:
        self._threads = SwitchingThreads(name, at_once, self)
        self._waiting = deque[_QueuedJob]()
        self._deliveries = LoopDeliveries()

    async def run(self, work: Callable[[], T]) -> T:
        """Returns the result of `work`, which runs on a thread of the queue in the context of the caller. Raises what
        it raises, QueueClosed after `close`, and RuntimeError if there is no thread and none can be started."""
        deliveries = self._deliveries.of_running_loop()
        done = deliveries.loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  # it is raised where the job is waited for
                deliveries.deliver(done, None, error)
            else:
                deliveries.deliver(done, result)

        job = _QueuedJob(run)
        with self._threads.changed:
            if self._threads.is_closed:
                raise QueueClosed
            self._waiting.append(job)
            try:
                self._threads.wake()
            except RuntimeError:  # nothing would run it
                self._waiting.remove(job)
                raise
        result: T = await done
        return result

    def take(self, *, beside_others: bool) -> Job | None:
        """Removes the next job and returns it, None if there is none. Called by the threads."""
        return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Takes no new job, and ends the threads when none waits. Returns at once."""
        self._threads.close()
