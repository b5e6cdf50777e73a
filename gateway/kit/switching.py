"""Threads that run several jobs: while one job waits for a signal, its thread runs the next.

A job is written as plain blocking code. It runs as a greenlet: to switch between two jobs of a thread takes a
microsecond, while to switch between two threads includes a wait for the interpreter's lock. Only `Signal.wait`
switches. A job that blocks in another way, such as for an answer of a socket, blocks its thread. So what may wait for
seconds is called with `run_apart`.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from threading import Condition, Lock, Thread
from typing import Protocol, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

MOST_SUSPENDED = 32
"""The largest number of jobs of one thread that wait for a signal. It also bounds for how many jobs idle work waits."""


class Signal(Protocol):
    """Ends a wait. Made by `new_signal` for the work that waits."""

    def wait(self) -> None:
        """Blocks until `notify` has been called once more than `wait`."""

    def notify(self) -> None:
        """Ends the wait, from any thread."""


class Job(Protocol):
    """What a switching thread runs."""

    @property
    def context(self) -> Context:
        """The context that `run` has."""

    def run(self) -> None:
        """Does the work. Raises nothing."""

    def end(self, cpu_seconds: float) -> None:
        """Called after `run`, with the seconds of the processor that it took, without those of other jobs meanwhile."""


class Jobs(Protocol):
    """Where switching threads get their jobs."""

    def take(self, *, beside_others: bool) -> Job | None:
        """Returns the next job, or None if there is none now. `beside_others` is True if other jobs of the thread wait
        for a signal: they can go on only when this job waits too, or has ended. Called under `changed`."""


class SwitchingThreads:
    """Up to `count` threads, each started when it is first needed. `changed` guards the jobs: hold it to change them,
    and call `wake` after a new one."""

    def __init__(self, name: str, count: int, jobs: Jobs) -> None:
        self._name, self._count, self._closed = name, count, False
        self.jobs, self.changed = jobs, Lock()
        self._threads: list[_SwitchingThread] = []
        self._idle: list[_SwitchingThread] = []  # those that wait and have not been notified

    @property
    def is_closed(self) -> bool:
        """Whether the threads end. They run the jobs that wait, and may not see a new one."""
        return self._closed

    @property
    def free(self) -> int:
        """The number of threads that would take a new job at once."""
        return self._count - sum(thread.is_busy or not thread.can_take for thread in self._threads)

    def wake(self) -> None:
        """Lets a thread take a new job. Called under `changed`. Raises RuntimeError if there is no thread and none can
        be started."""
        idle = next((thread for thread in reversed(self._idle) if thread.can_take), None)
        if idle is not None:
            self.resume(idle)
        elif len(self._threads) < self._count and not self._closed:
            thread = _SwitchingThread(f"{self._name} {len(self._threads) + 1}", self)
            try:
                thread.start()
            except RuntimeError:  # the system allows no more threads
                if not self._threads:
                    raise
            else:
                self._threads.append(thread)

    def wake_all(self) -> None:
        """Lets every thread look for something to do. Called under `changed`."""
        for thread in tuple(self._idle):
            self.resume(thread)

    def resume(self, thread: "_SwitchingThread") -> None:
        """Lets this thread look for something to do, if it waits. Called under `changed`."""
        if thread in self._idle:
            self._idle.remove(thread)
            thread.may_go_on.notify()

    def wait_for_change(self, thread: "_SwitchingThread", *, can_end: bool) -> bool:
        """Waits until there may be something to do for the calling thread. Returns False if the threads were closed and
        the thread, which `can_end`, has nothing more to do. Called under `changed`."""
        if self._closed and can_end:
            return False
        self._idle.append(thread)
        thread.may_go_on.wait()
        return True

    def close(self) -> None:
        """Ends the threads when they have nothing to do. Returns at once."""
        with self.changed:
            self._closed = True
            self.wake_all()


class _SwitchingThread(Thread):
    """One thread. It resumes jobs whose wait is over, then takes new ones, and does idle work if there is neither."""

    def __init__(self, name: str, threads: SwitchingThreads) -> None:
        super().__init__(name=name, daemon=True)
        self.threads, self.suspended = threads, 0
        self.may_go_on = Condition(threads.changed)
        self.ready = deque[_Running]()
        self._unused: list[_Running] = []
        self._idle_work = deque[Callable[[], None]]()
        self._taken = 0  # new jobs since there is idle work
        self.is_busy = False

    @property
    def can_take(self) -> bool:
        """Whether this thread may take a new job, when it has nothing else to do."""
        return self.suspended < MOST_SUSPENDED and (not self._idle_work or self._taken < MOST_SUSPENDED)

    def run(self) -> None:
        while (following := self._next()) is not None:
            if isinstance(following, _Running):
                self._switch_to(following)
            else:
                following()

    def do_when_idle(self, work: Callable[[], None]) -> None:
        """Lets this thread call `work` when no job is ready, after at most MOST_SUSPENDED new ones. Called by a job."""
        if not self._idle_work:
            self._taken = 0
        self._idle_work.append(work)

    def _switch_to(self, running: "_Running") -> None:
        began = time.thread_time()
        running.switch()
        running.spent += time.thread_time() - began
        if running.has_ended:
            running.end()
            self._unused.append(running)

    def _next(self) -> "_Running | Callable[[], None] | None":
        """Waits for something to do. None if the thread must end."""
        threads = self.threads
        with threads.changed:
            self.is_busy = False
            try:
                while True:
                    if self.ready:
                        return self.ready.popleft()
                    job = threads.jobs.take(beside_others=self.suspended > 0) if self.can_take else None
                    if job is not None:
                        self._taken += 1
                        running = self._unused.pop() if self._unused else _Running(self)
                        running.start(job)
                        return running
                    if self._idle_work:
                        return self._idle_work.popleft()
                    if not threads.wait_for_change(self, can_end=not self.suspended):
                        return None
            finally:
                self.is_busy = True


class _Running(greenlet):
    """A job that a thread has taken. When it has ended, the greenlet runs the next job: to make a greenlet takes twenty
    times as long as to switch to one."""

    def __init__(self, thread: _SwitchingThread) -> None:
        super().__init__()
        self.thread, self.spent, self.has_ended = thread, 0.0, False
        self.job: Job | None = None

    def start(self, job: Job) -> None:
        """Lets the next switch to this greenlet begin the job."""
        self.job, self.spent, self.has_ended = job, 0.0, False
        self.gr_context = job.context

    def run(self) -> None:
        """Runs one job after the other, each until it has ended."""
        while self.job is not None:
            self.job.run()
            self.has_ended = True
            self.pause()

    def end(self) -> None:
        """Ends the job, and forgets it, so that nothing of its request stays in memory."""
        job, self.job, self.gr_context = self.job, None, None
        if job is not None:
            job.end(self.spent)

    def pause(self) -> None:
        """Lets the thread do other work, until it switches to this job again. Called by the job."""
        assert self.parent is not None  # the thread's own greenlet, which made this one
        self.parent.switch()


class _JobSignal:
    """The signal of a job: its thread does other work meanwhile."""

    def __init__(self, running: _Running) -> None:
        self._running, self._is_waiting, self._notified = running, False, False

    def wait(self) -> None:
        thread = self._running.thread
        with thread.threads.changed:
            if self._notified:
                self._notified = False
                return
            self._is_waiting = True
            thread.suspended += 1
        self._running.pause()

    def notify(self) -> None:
        thread = self._running.thread
        with thread.threads.changed:
            if not self._is_waiting:
                self._notified = True
                return
            self._is_waiting = False
            thread.suspended -= 1
            thread.ready.append(self._running)
            thread.threads.resume(thread)


class _ThreadSignal:
    """The signal of work that has its thread for itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lock.acquire()

    def wait(self) -> None:
        self._lock.acquire()

    def notify(self) -> None:
        self._lock.release()


def new_signal() -> Signal:
    """Returns a signal for which only the calling work may wait."""
    current = getcurrent()
    return _JobSignal(current) if isinstance(current, _Running) else _ThreadSignal()


def do_when_idle(work: Callable[[], None]) -> None:
    """Calls `work`, which raises nothing: on a switching thread when it has no job that is ready, elsewhere at once."""
    current = getcurrent()
    if isinstance(current, _Running):
        current.thread.do_when_idle(work)
    else:
        work()


def run_apart(work: Callable[[], T]) -> T:
    """Returns the result of work that waits long for something else than a signal. A switching thread lets a thread of
    its own do it, with the context of the job, and runs other jobs meanwhile. Raises what the work raises, and
    RuntimeError if no thread can be started."""
    if not isinstance(getcurrent(), _Running):
        return work()
    signal, context = new_signal(), copy_context()
    done = Future[T]()

    def run() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  # it is raised in the job
            done.set_exception(error)
        finally:
            signal.notify()

    Thread(target=run, name="apart", daemon=True).start()
    signal.wait()
    return done.result()
