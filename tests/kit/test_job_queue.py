"""The queue of jobs: results, errors and contexts of its jobs, and what a job that waits does not stop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from contextvars import ContextVar

import pytest

from gateway.kit.job_queue import JobQueue, QueueClosed
from gateway.kit.switching import new_signal, run_apart

REQUEST: ContextVar[str] = ContextVar("request", default="none")


@pytest.fixture
def queue() -> Iterator[JobQueue]:
    """A queue with one thread."""
    with closing(JobQueue("test", at_once=1)) as queue:
        yield queue


def test_results_and_errors_reach_their_callers(queue: JobQueue) -> None:
    def fail() -> int:
        raise LookupError("no")

    async def scenario() -> None:
        one, error, two = await asyncio.gather(
            queue.run(lambda: 1), queue.run(fail), queue.run(lambda: 2), return_exceptions=True
        )
        assert (one, type(error), two) == (1, LookupError, 2)

    asyncio.run(scenario())


def test_job_has_the_context_of_its_caller(queue: JobQueue) -> None:
    async def ask(name: str) -> str:
        REQUEST.set(name)
        return await queue.run(REQUEST.get)

    async def scenario() -> None:
        assert list(await asyncio.gather(ask("a"), ask("b"))) == ["a", "b"]

    asyncio.run(scenario())


def test_queue_serves_several_event_loops(queue: JobQueue) -> None:
    async def ask() -> int:
        return await queue.run(lambda: 1)

    assert [asyncio.run(ask()) for _ in range(2)] == [1, 1]


def test_caller_that_is_cancelled_does_not_stop_others(queue: JobQueue) -> None:
    released = threading.Event()

    async def scenario() -> None:
        first = asyncio.create_task(queue.run(lambda: released.wait(10)))
        second = asyncio.create_task(queue.run(lambda: 2))
        await asyncio.sleep(0)
        first.cancel()
        released.set()
        assert await second == 2
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(scenario())


def test_job_that_waits_for_a_signal_lets_the_next_run(queue: JobQueue) -> None:
    ends = list[Callable[[], None]]()

    def wait() -> str:
        signal = new_signal()
        ends.append(signal.notify)
        signal.wait()
        return "first"

    async def scenario() -> None:
        first = asyncio.create_task(queue.run(wait))
        await asyncio.sleep(0)
        assert await queue.run(lambda: "second") == "second"
        ends[0]()
        assert await first == "first"

    asyncio.run(scenario())


def test_job_after_the_end_is_refused(queue: JobQueue) -> None:
    async def scenario() -> None:
        await queue.run(lambda: None)
        queue.close()
        with pytest.raises(QueueClosed):
            await queue.run(lambda: None)

    asyncio.run(scenario())


def test_work_apart_lets_the_next_job_run(queue: JobQueue) -> None:
    released = threading.Event()

    def work() -> tuple[bool, str]:
        return released.wait(10), REQUEST.get()

    async def scenario() -> None:
        REQUEST.set("waits")
        first = asyncio.create_task(queue.run(lambda: run_apart(work)))
        await asyncio.sleep(0)
        assert await queue.run(lambda: "second") == "second"
        released.set()
        assert await first == (True, "waits")

    asyncio.run(scenario())


def test_error_of_work_apart_is_raised_in_its_job(queue: JobQueue) -> None:
    def fail() -> int:
        raise LookupError("no")

    async def scenario() -> None:
        with pytest.raises(LookupError):
            await queue.run(lambda: run_apart(fail))

    asyncio.run(scenario())


def test_work_apart_stays_on_a_thread_without_other_jobs() -> None:
    assert run_apart(threading.get_ident) == threading.get_ident()
