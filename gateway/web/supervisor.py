"""The parent of several workers: starts them, starts others for those that die, and ends all of them.

A worker is a process that serves, in an interpreter of its own: forking would copy threads and keys. Its command gets
more arguments: the file descriptors of the listening socket, which all workers share, of a socket to the parent, and of
the memories with the loads and with the metrics of all workers, how many workers there are, and its number among them.
On the socket the worker sends one line: READY, or FAILED with a sentence. The parent sends nothing. When the parent has
ended, also if it was killed, the operating system closes its end of the socket, and the worker must end.
"""

import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.kit.logging import get_announcer
from gateway.kit.metrics import create_shared_numbers
from gateway.web.metrics import TABLE
from gateway.web.worker_loads import create_loads

READY, FAILED = b"ready", b"failed "
"""What a worker reports: that it serves, or the sentence why it cannot."""

SPARE_DEATHS = 3
"""How many workers more than there are may die within WINDOW. Then a new one would die, too."""

WINDOW = 60.0
"""The seconds within which deaths are counted."""

FIRST_DELAY = 1.0
"""The first wait before a worker is started again, in seconds. Each further one is twice as long."""

RETRY_AFTER = 5.0
"""Seconds until a worker is started again that could not start, while others serve: for example in an outage."""

MORE_TIME = 0.5
"""Seconds beyond their time to end, after which workers are killed. Only a worker that hangs needs them."""

_LONGEST_REPORT = 4_096
_ENDING = (signal.SIGTERM, signal.SIGINT)
_log = get_announcer(__name__)


class WorkersFailed(Exception):
    """The workers cannot serve. The message is a sentence for the operator."""


@dataclass
class _Worker:
    """A worker. `control` is this process's end of their socket, `number` that of the worker's load, and `report` what
    the worker has sent."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket
    number: int
    report: bytes = b""

    @property
    def serves(self) -> bool:
        return self.report.startswith(READY)

    @property
    def failure(self) -> str | None:
        """Why it cannot start, None if it has not said so."""
        return (
            self.report.removeprefix(FAILED).decode(errors="replace").strip()
            if self.report.startswith(FAILED)
            else None
        )


class Supervisor:
    """Runs `count` workers that accept connections at `listener`. `grace` is how long they may take to end, in seconds.
    `command` is the command of a worker without the arguments for one worker. `metrics` are those
    of all workers."""

    def __init__(self, command: Sequence[str], listener: socket.socket, count: int, grace: float) -> None:
        self._command, self._listener, self._count, self._grace = command, listener, count, grace
        self._workers: list[_Worker] = []
        self._deaths: deque[float] = deque()
        self._starts: list[float] = []  # when workers are started again
        self._selector = selectors.DefaultSelector()
        self._started, self._loads = False, create_loads(count)
        self.metrics = create_shared_numbers(TABLE.size, count)

    def run(self, on_started: Callable[[], None]) -> None:
        """Starts the workers, calls `on_started` once when all serve, and returns after SIGTERM or SIGINT, when they
        have ended. A second signal kills them. Raises WorkersFailed, also when they have ended, if one cannot start, or
        if too many die."""
        with self._receiving_signals() as signals:
            try:
                self._starts = [time.monotonic()] * self._count
                while not self._is_ending(signals()):
                    self._start_due()
                    self._replace_dead()
                    if not self._started and sum(worker.serves for worker in self._workers) == self._count:
                        self._started = True
                        on_started()
                    self._wait(min(self._starts, default=None))
            finally:
                self._end(signals)

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [moment for moment in self._starts if moment <= now]
        self._starts = [moment for moment in self._starts if moment > now]
        for _ in due:
            try:
                self._start()
            except OSError as error:  # there are too many processes, for example
                self._retry(f"No process could be started: {error.strerror}.")

    def _start(self) -> None:
        """Starts a worker. It is in a process group of its own, so that Ctrl-C in a terminal reaches this process
        only, which then ends all workers in their time."""
        control, theirs = socket.socketpair()
        with theirs:
            shared = (self._loads.descriptor, self.metrics.descriptor)
            descriptors = (self._listener.fileno(), theirs.fileno(), *shared)
            number = min(set(range(self._count)) - {worker.number for worker in self._workers})
            try:
                process = subprocess.Popen(  # noqa: S603  # our own command
                    [*self._command, *map(str, (*descriptors, self._count, number))],
                    stdin=subprocess.DEVNULL,
                    pass_fds=descriptors,
                    process_group=0,
                )
            except OSError:
                control.close()
                raise
        control.setblocking(False)
        worker = _Worker(process, control, number)
        self._selector.register(control, selectors.EVENT_READ, worker)
        self._workers.append(worker)

    def _replace_dead(self) -> None:
        """Plans the start of a worker for each that has ended. Raises WorkersFailed."""
        for worker in [each for each in self._workers if each.process.poll() is not None]:
            self._workers.remove(worker)
            self._loads.clear(worker.number)
            self.metrics.clear(TABLE.gauges, worker.number)
            if worker.control.fileno() >= 0:
                self._receive(worker)
            end = _describe_end(worker.process.returncode)
            if worker.failure is not None:
                self._retry(worker.failure)
            elif not self._started and not worker.serves:
                raise WorkersFailed(f"A worker could not start: it ended {end}.")
            else:
                self._starts.append(time.monotonic() + self._delay(worker.process.pid, end))

    def _retry(self, failure: str) -> None:
        """Plans another start of a worker that could not start. Raises WorkersFailed if this is the start of the
        server, or if no other worker serves."""
        if not self._started or not any(worker.serves for worker in self._workers):
            raise WorkersFailed(failure)
        _log.warning("worker_not_started", message=failure)
        self._starts.append(time.monotonic() + RETRY_AFTER)

    def _delay(self, pid: int, end: str) -> float:
        """Counts the death of a worker. Returns how long to wait before the next start, in seconds: nothing for as many
        deaths as there are workers, then longer each time. Raises WorkersFailed if too many have died."""
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] <= now - WINDOW:
            self._deaths.popleft()
        extra = len(self._deaths) - self._count
        if extra > SPARE_DEATHS:
            raise WorkersFailed(
                f"Workers have ended {len(self._deaths)} times within {WINDOW:.0f} seconds, the last one {end}. The log"
                " has the lines worker_ended."
            )
        delay = FIRST_DELAY * 2 ** (extra - 1) if extra > 0 else 0.0
        _log.warning("worker_ended", worker=pid, ended=end, starts_again_in=delay)
        return delay

    def _receive(self, worker: _Worker) -> None:
        """Reads what the worker has sent."""
        try:
            while data := worker.control.recv(_LONGEST_REPORT):
                worker.report += data
        except BlockingIOError:
            return
        except ConnectionError:  # it was killed
            pass
        self._selector.unregister(worker.control)  # nothing more comes, and SIGCHLD says that the process has ended
        worker.control.close()

    def _wait(self, until: float | None) -> None:
        """Waits for a signal, for a worker's report or end, or until this moment."""
        timeout = None if until is None else max(0.0, until - time.monotonic())
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Worker):
                self._receive(key.data)

    def _end(self, signals: Callable[[], list[int]]) -> None:
        """Ends all workers: at once after one more signal, otherwise in their time. The listening socket is closed
        first, so that no connection waits for a worker that will not come."""
        self._listener.close()
        deadline = time.monotonic() + self._grace + MORE_TIME
        for worker in self._workers:
            worker.process.terminate()
        while alive := [each for each in self._workers if each.process.poll() is None]:
            if time.monotonic() >= deadline or self._is_ending(signals()):
                _log.warning("workers_killed", workers=[each.process.pid for each in alive])
                for worker in alive:
                    worker.process.kill()
                    worker.process.wait()
                break
            self._wait(deadline)
        for worker in self._workers:
            worker.control.close()
        self._selector.close()

    @staticmethod
    def _is_ending(numbers: list[int]) -> bool:
        """Whether one of these signals ends the server. SIGHUP does if the server runs in a terminal, which was closed
        then."""
        if signal.SIGHUP in numbers:
            if sys.stdin is not None and sys.stdin.isatty():
                return True
            _log.warning("sighup_ignored")
        return any(number in numbers for number in _ENDING)

    @contextmanager
    def _receiving_signals(self) -> Iterator[Callable[[], list[int]]]:
        """Collects signals within the block, also that a worker has ended, and yields a function that returns those
        since its last call."""
        sender, receiver = socket.socketpair()
        with sender, receiver:
            sender.setblocking(False)
            receiver.setblocking(False)
            self._selector.register(receiver, selectors.EVENT_READ)
            previous = {
                number: signal.signal(number, lambda *_: None) for number in (*_ENDING, signal.SIGHUP, signal.SIGCHLD)
            }
            signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)

            def received() -> list[int]:
                try:
                    return list(receiver.recv(_LONGEST_REPORT))
                except BlockingIOError:
                    return []

            try:
                yield received
            finally:
                signal.set_wakeup_fd(-1)
                for number, handler in previous.items():
                    signal.signal(number, handler)


def _describe_end(code: int) -> str:
    """How a process has ended, by its return code."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
