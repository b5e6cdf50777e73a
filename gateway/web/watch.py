"""Watches the client and the deadline of a request while its document waits or is executed."""

import asyncio
from collections.abc import Callable
from math import inf

from starlette.types import Receive

from gateway.kit.deadline import Deadline

WATCH_AFTER = 0.2
"""Seconds after which the connection is watched. Most documents are executed before."""


class Watch:
    """Cancels a deadline when the client disconnects. `is_gone` is True then. The body of the request must have been
    read. Used on the event loop."""

    def __init__(self, receive: Receive, deadline: Deadline) -> None:
        self._receive, self._deadline = receive, deadline
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._give_up: Callable[[], None] | None = None
        self.is_gone = False

    def start(self, give_up: Callable[[], None]) -> None:
        """Starts to watch. `give_up` is called when the client disconnects, and when the deadline is over or is
        cancelled."""
        self._give_up = give_up
        self._deadline.on_cancel(self._finish)
        after = min(WATCH_AFTER, self._deadline.remaining())
        self._timer = asyncio.get_running_loop().call_later(after, self._start_watching)

    def end(self) -> None:
        """Ends the watch: nothing is called any more."""
        self._give_up = None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start_watching(self) -> None:
        self._task = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        remaining = self._deadline.remaining()
        try:
            async with asyncio.timeout(None if remaining == inf else remaining):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            self._finish()
        else:
            self.is_gone = True
            self._deadline.cancel()

    def _finish(self) -> None:
        if self._give_up is not None:
            self._give_up()
