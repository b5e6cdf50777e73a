"""Jobs for switching threads, without a queue of documents."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context

from gateway.kit.switching import Job, SwitchingThreads
from tests.support.http_server import wait_until


class _Job:
    def __init__(self, jobs: "JobList", run: Callable[[], None], number: int) -> None:
        self._jobs, self.run, self._number = jobs, run, number
        self.context: Context = copy_context()

    def end(self, cpu_seconds: float) -> None:
        self._jobs.ended[self._number] = cpu_seconds


class JobList:
    """Jobs that are taken in their order. `ended` has the seconds of those that have ended, by their number. `asked`
    counts how often a thread looked for one."""

    name = "test"

    def __init__(self, *jobs: Callable[[], None]) -> None:
        self.ended = dict[int, float]()
        self._count, self.asked = len(jobs), 0
        self._waiting = deque(_Job(self, run, number) for number, run in enumerate(jobs))

    @property
    def seconds(self) -> list[float]:
        """The seconds of each job, in the order of the jobs."""
        return [self.ended[number] for number in range(self._count)]

    def take(self, *, beside_others: bool) -> Job | None:
        self.asked += 1
        return self._waiting.popleft() if self._waiting else None

    def wait(self) -> None:
        """Waits until all jobs have ended."""
        wait_until(lambda: len(self.ended) == self._count)


@contextmanager
def run_jobs(threads: int, *jobs: Callable[[], None]) -> Iterator[JobList]:
    """Lets switching threads run these jobs. Closes the threads at the end of the block."""
    listed = JobList(*jobs)
    switching = SwitchingThreads(listed.name, threads, listed)
    with switching.changed:
        for _ in range(threads):
            switching.wake()
    try:
        yield listed
    finally:
        switching.close()
