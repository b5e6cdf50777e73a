"""The HTTP server of one process: uvicorn with limits for connections and for its own end."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from socket import socket
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from gateway.kit.deadline import Deadlines
from gateway.kit.logging import get_announcer
from gateway.settings import Settings
from gateway.web.connections import BACKLOG, Connections, connection_limits
from gateway.web.http_protocol import LimitedProtocol

_CHECKED_EVERY = 5
"""The ticks of uvicorn between two checks of times, of 0.1 s each."""

_FINISH, _INTERRUPT = 0.6, 0.9
"""The parts of the shutdown's time after which running requests are interrupted, and no longer waited for."""

_STEP = 0.02
_log = get_announcer(__name__)


class Server(uvicorn.Server):
    """Serves an application on one event loop. SIGTERM ends it with exit code 0, within the time of the settings:

    1. It accepts no connection, and closes those without a complete request. Running requests finish,
       and streams of events end.
    2. Requests that still run are interrupted, except for commits, and answered with 503.
    3. At the end of the time the process exits, whatever still runs. A unit of work is committed or not, never in part.

    Without a terminal, SIGHUP does nothing. With one, the terminal was closed, and it ends the server like SIGTERM."""

    def __init__(self, app: Starlette, settings: Settings, deadlines: Deadlines) -> None:
        self._connections, self._deadlines = Connections(connection_limits(settings)), deadlines
        self._grace = settings.shutdown_grace.total_seconds()
        self._ends_at: float | None = None
        proxies = list(settings.trusted_proxies)
        protocol: Any = partial(LimitedProtocol, open_connections=self._connections)
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                backlog=BACKLOG,
            )
        )

    async def on_tick(self, counter: int) -> bool:
        """Called every 0.1 s. Ends connections whose clients are too slow. Returns whether the server must exit."""
        if counter % _CHECKED_EVERY == 0:
            self._connections.check_times(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles SIGTERM and SIGINT. The limit holds from the signal on, whatever the event loop does."""
        super().handle_exit(sig, frame)
        if sig == signal.SIGTERM:
            self._captured_signals.remove(sig)  # uvicorn would end the process with it, and not with exit code 0
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._grace
            threading.Thread(target=self._exit_at_limit, daemon=True).start()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handles signals within the block."""
        with super().capture_signals():
            if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGHUP"):
                yield
                return
            previous = signal.signal(signal.SIGHUP, self._handle_hangup)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, previous)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Ends the server as the class describes."""
        began = time.monotonic() if self._ends_at is None else self._ends_at - self._grace
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        self._deadlines.announce_end()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if not await self._finish(began + _FINISH * self._grace):
            _log.warning("requests_interrupted", tasks=len(self.server_state.tasks))
            self._deadlines.cancel_all()
            if not await self._finish(began + _INTERRUPT * self._grace):
                _log.warning("requests_abandoned", tasks=len(self.server_state.tasks))
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        self._deadlines.cancel_all()  # the scheduler's work
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _finish(self, until: float) -> bool:
        """Waits until all requests are answered and their connections closed. False if they are not at this time."""
        state = self.server_state
        while (state.tasks or state.connections) and not self.force_exit:
            if time.monotonic() >= until:
                return False
            for connection in list(state.connections):
                connection.shutdown()
            await asyncio.sleep(_STEP)
        return True

    def _exit_at_limit(self) -> None:
        """Runs on a thread of its own, because the event loop or a worker thread may wait for something for ever."""
        assert self._ends_at is not None
        time.sleep(max(0.0, self._ends_at - time.monotonic()))
        _log.warning("shutdown_forced", tasks=len(self.server_state.tasks))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _handle_hangup(self, _: int, frame: FrameType | None) -> None:
        if sys.stdin is not None and sys.stdin.isatty():
            self.handle_exit(signal.SIGTERM, frame)
            return  # the terminal was closed
        _log.warning("sighup_ignored")
