"""How workers accept connections at one socket: the worker with the fewest connections first.

The operating system wakes all workers that wait at a listening socket, and the first one that runs takes all new
connections. Clients and proxies keep connections open, so one worker could have all of them for hours. Therefore each
worker writes how many it has into memory that all share, and one with more than another waits a moment before it
accepts. A wrong number costs that moment and nothing else, and the number of a worker that hangs is ignored.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette

from gateway.kit.deadline import Deadlines
from gateway.kit.logging import get_logger
from gateway.settings import Settings
from gateway.web.http_server import Server
from gateway.web.worker_loads import WorkerLoads

PATIENCE = 0.005
"""Seconds that a worker with more connections than another leaves a new connection to that one."""

_RETRY_AFTER = 1.0
_log = get_logger(__name__)


class Acceptor:
    """Accepts connections at a socket that others accept at, too. `has_more` says whether another one has fewer
    connections, and `serve` serves an accepted one."""

    def __init__(
        self, listener: socket.socket, has_more: Callable[[], bool], serve: Callable[[socket.socket], None]
    ) -> None:
        self._listener, self._has_more, self._serve = listener, has_more, serve
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept_or_wait)

    def close(self) -> None:
        """Accepts no more connections. The socket stays open."""
        self._loop.remove_reader(self._listener)
        if self._timer is not None:
            self._timer.cancel()

    def _accept_or_wait(self) -> None:
        if self._has_more():
            self._wait(PATIENCE)
        else:
            self._accept()

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._timer = self._loop.call_later(seconds, self._accept_after_waiting)

    def _accept_after_waiting(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener, self._accept_or_wait)
        self._accept()

    def _accept(self) -> None:
        """Accepts one connection, if there is one."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # no file is free
            _log.error("accept_failed", error=type(error).__name__, errno=error.errno)
            self._wait(_RETRY_AFTER)
            return
        connection.setblocking(False)
        self._serve(connection)


class WorkerServer(Server):
    """The server of one worker. `number` is that of its load, and `on_started` is called once it accepts
    connections."""

    def __init__(
        self,
        app: Starlette,
        settings: Settings,
        deadlines: Deadlines,
        *,
        loads: WorkerLoads,
        number: int,
        on_started: Callable[[], None],
    ) -> None:
        super().__init__(app, settings, deadlines)
        self._loads, self._number, self._on_started = loads, number, on_started
        self._acceptor: Acceptor | None = None
        self._load = 0
        self._opening = set[asyncio.Task[None]]()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections from now on."""
        await super().startup([])
        self._report_load(0)
        for listener in sockets or ():
            self._acceptor = Acceptor(listener, lambda: self._loads.has_more(self._number), self._serve_connection)
        self._on_started()

    async def on_tick(self, counter: int) -> bool:
        """Called every 0.1 s."""
        self._report_load(len(self._connections))
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the server as `Server` does."""
        if self._acceptor is not None:
            self._acceptor.close()
        self._loads.clear(self._number)
        await super().shutdown(sockets)

    def _report_load(self, connections: int) -> None:
        self._load = connections
        self._loads.set(self._number, connections)

    def _serve_connection(self, connection: socket.socket) -> None:
        self._report_load(self._load + 1)  # it is not one of the connections yet
        task = asyncio.get_running_loop().create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(lambda: self._make_protocol(loop), connection)
        except OSError:  # the client has closed it
            connection.close()

    def _make_protocol(self, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
        )
        return protocol
