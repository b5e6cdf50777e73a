"""Threads that run several jobs: what a job that waits lets its thread do, and what it keeps."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gateway.kit.switching import MOST_SUSPENDED, Signal, do_when_idle, new_signal
from tests.support.http_server import wait_until
from tests.support.jobs import JobList, run_jobs

REQUEST: ContextVar[str] = ContextVar("request", default="none")


@contextmanager
def one_thread(*jobs: Callable[[], None]) -> Iterator[JobList]:
    with run_jobs(1, *jobs) as running:
        yield running


def test_thread_runs_another_job_while_one_waits() -> None:
    done = list[str]()
    signals = [new_signal()]

    def first() -> None:
        signals[0] = new_signal()
        signals[0].wait()
        done.append("first")

    def second() -> None:
        done.append("second")
        signals[0].notify()

    with one_thread(first, second) as jobs:
        jobs.wait()
    assert done == ["second", "first"]


def test_signal_that_comes_before_the_wait_ends_it_at_once() -> None:
    done = list[str]()

    def job() -> None:
        signal = new_signal()
        signal.notify()
        signal.wait()
        done.append("job")

    with one_thread(job, lambda: done.append("other")) as jobs:
        jobs.wait()
    assert done == ["job", "other"]


def test_signal_of_another_thread_resumes_a_job() -> None:
    waiting, seen = threading.Event(), list[int]()

    def notify_later(signal: Signal) -> None:
        waiting.wait(5)
        signal.notify()

    def job() -> None:
        before = threading.get_ident()
        signal = new_signal()
        threading.Thread(target=notify_later, args=(signal,)).start()
        waiting.set()
        signal.wait()
        seen.extend((before, threading.get_ident()))

    with one_thread(job) as jobs:
        jobs.wait()
    assert seen[0] == seen[1], "a job stays on its thread"


def test_signal_wakes_only_the_thread_of_its_job() -> None:
    times = 50

    def job() -> None:
        for _ in range(times):
            signal = new_signal()
            threading.Timer(0.001, signal.notify).start()
            signal.wait()

    with run_jobs(2, job, lambda: None) as jobs:
        jobs.wait()
    assert jobs.asked < times * 1.5


def test_each_job_keeps_its_context() -> None:
    seen = list[str]()

    def job(name: str) -> Callable[[], None]:
        def run() -> None:
            REQUEST.set(name)
            signal = new_signal()
            signals.append(signal.notify)
            signal.wait()
            seen.append(REQUEST.get())

        return run

    signals = list[Callable[[], None]]()
    with one_thread(job("a"), job("b"), job("c")) as jobs:
        wait_until(lambda: len(signals) == 3)
        for notify in signals:
            notify()
        jobs.wait()
    assert seen == ["a", "b", "c"]
    assert REQUEST.get() == "none"


def test_context_of_a_job_does_not_stay_after_its_end() -> None:
    class Name(str):
        """A text to which weak references are possible."""

    def job() -> None:
        name = Name("ended")
        names.append(weakref.ref(name))
        REQUEST.set(name)

    names = list[weakref.ref[Name]]()
    with one_thread(job) as jobs:
        jobs.wait()
        wait_until(lambda: names[0]() is None)


def test_idle_work_waits_for_jobs_that_are_ready() -> None:
    done = list[str]()

    def first() -> None:
        do_when_idle(lambda: done.append("idle work"))
        done.append("first")

    with one_thread(first, lambda: done.append("second")) as jobs:
        jobs.wait()
        wait_until(lambda: len(done) == 3)
    assert done == ["first", "second", "idle work"]


def test_idle_work_does_not_wait_for_ever() -> None:
    done = list[str]()

    def first() -> None:
        do_when_idle(lambda: done.append("idle work"))

    others = [lambda: done.append("job")] * (2 * MOST_SUSPENDED)
    with one_thread(first, *others) as jobs:
        jobs.wait()
    assert done.index("idle work") == MOST_SUSPENDED


def test_idle_work_is_done_at_once_on_another_thread() -> None:
    done = list[str]()
    do_when_idle(lambda: done.append("idle work"))
    assert done == ["idle work"]


def test_time_of_other_jobs_is_not_counted() -> None:
    signals = list[Callable[[], None]]()

    def waits() -> None:
        signal = new_signal()
        signals.append(signal.notify)
        signal.wait()

    def computes() -> None:
        began = time.thread_time()
        while time.thread_time() < began + 0.02:
            pass
        signals[0]()

    with one_thread(waits, computes) as jobs:
        jobs.wait()
        waited, computed = jobs.seconds
    assert waited < 0.01 < 0.02 <= computed


def test_threads_end_after_they_were_closed() -> None:
    with run_jobs(2, *[lambda: None] * 4) as jobs:
        jobs.wait()
        threads = [thread for thread in threading.enumerate() if thread.name.startswith(jobs.name)]
        assert threads
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
