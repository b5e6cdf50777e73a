"""Results of worker threads, delivered to futures of the event loop."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any


class Deliveries:
    """Delivers results to the futures of one event loop. Results that become ready at the same moment wake the loop
    once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready = deque[tuple["asyncio.Future[Any]", Any, BaseException | None]]()
        self._scheduled = False

    def deliver(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None = None) -> None:
        """Sets the result or the error of a future, unless it is done. Called by any thread. Does nothing if the loop
        is closed: the server has ended."""
        self._ready.append((future, result, error))
        if not self._scheduled:
            self._scheduled = True
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._deliver_all)

    def _deliver_all(self) -> None:
        self._scheduled = False  # before the first is taken, so that none that is added meanwhile stays
        while self._ready:
            future, result, error = self._ready.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


class LoopDeliveries:
    """The deliveries of the running event loop. A server has one loop, tests have several."""

    def __init__(self) -> None:
        self._newest: Deliveries | None = None

    def of_running_loop(self) -> Deliveries:
        """Returns the deliveries of the event loop that calls this."""
        loop = asyncio.get_running_loop()
        if self._newest is None or self._newest.loop is not loop:
            self._newest = Deliveries(loop)
        return self._newest
