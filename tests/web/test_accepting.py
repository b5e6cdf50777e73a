"""Workers that accept connections at one socket, each on an event loop in a thread of its own."""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from structlog.testing import capture_logs

from gateway.web import accepting
from gateway.web.accepting import Acceptor
from gateway.web.worker_loads import FRESH, WorkerLoads, create_loads
from tests.support.partner_time import until


class FullListener(socket.socket):
    """A listening socket whose first connection cannot be accepted, because no file is free."""

    full = True

    def accept(self) -> tuple[socket.socket, object]:
        if self.full:
            self.full = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


class Accepting:
    """One worker, with `load` connections before. `connections` are those that it has accepted since."""

    def __init__(self, listener: socket.socket, loads: WorkerLoads, number: int, load: int = 0) -> None:
        self._listener, self._loads, self._number, self._load = listener, loads, number, load
        self.connections: list[socket.socket] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Accepts connections within the block."""
        loop, started = asyncio.new_event_loop(), threading.Event()

        async def accept() -> None:
            self._loads.set(self._number, self._load)
            acceptor = Acceptor(self._listener, lambda: self._loads.has_more(self._number), self._serve)
            started.set()
            await over.wait()
            acceptor.close()

        over = asyncio.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=(accept(),))
        thread.start()
        try:
            assert started.wait(10)
            yield
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join(10)
            loop.close()
            for connection in self.connections:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        self.connections.append(connection)
        self._loads.set(self._number, self._load + len(self.connections))


@pytest.fixture
def connect() -> Iterator[Callable[[socket.socket, int], None]]:
    """Opens connections to a listening socket."""
    with ExitStack() as stack:

        def open_connections(listener: socket.socket, number: int) -> None:
            for _ in range(number):
                stack.enter_context(socket.create_connection(listener.getsockname()))

        yield open_connections


def test_connection_goes_to_the_worker_with_fewer(
    connect: Callable[[socket.socket, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "PATIENCE", 20)
    loads = create_loads(2, lambda: 1.0)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        first, second = Accepting(listener, loads, 0, load=100), Accepting(listener, loads, 1)
        with first.running(), second.running():
            connect(listener, 50)
            until(lambda: len(second.connections), lambda number: number == 50)


def test_worker_that_hangs_does_not_keep_others_from_accepting(connect: Callable[[socket.socket, int], None]) -> None:
    loads = create_loads(2, lambda: 1.0)
    loads.set(1, 0)  # this worker never accepts, and counts
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        worker = Accepting(listener, loads, 0)
        with worker.running():
            connect(listener, 50)
            until(lambda: len(worker.connections), lambda number: number == 50)


def test_worker_waits_for_one_with_fewer_connections_that_serves() -> None:
    loads = create_loads(3)
    loads.set(0, 5)
    assert not loads.has_more(0), "the others do not serve yet"
    loads.set(1, 5)
    assert not loads.has_more(0)
    loads.set(2, 4)
    assert loads.has_more(0)
    loads.clear(2)
    assert not loads.has_more(0)


def test_worker_does_not_wait_for_one_that_hangs() -> None:
    now = [1000.0]
    loads = create_loads(2, lambda: now[0])
    loads.set(0, 5)
    loads.set(1, 4)
    now[0] += FRESH / 2
    assert loads.has_more(0)
    now[0] += FRESH
    assert not loads.has_more(0), "the other one has written nothing"


def test_loads_are_shared_by_their_descriptor() -> None:
    loads = create_loads(2)
    loads.set(0, 1)
    other = WorkerLoads(loads.descriptor)
    other.set(1, 0)
    assert loads.has_more(0)


def test_accepting_goes_on_after_no_file_was_free(
    connect: Callable[[socket.socket, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_RETRY_AFTER", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as plain, FullListener(fileno=plain.detach()) as listener:
        worker = Accepting(listener, create_loads(1), 0)
        with capture_logs() as logs, worker.running():
            connect(listener, 1)
            until(lambda: len(worker.connections), lambda number: number == 1)
    assert [(line["event"], line["errno"]) for line in logs] == [("accept_failed", errno.EMFILE)]
