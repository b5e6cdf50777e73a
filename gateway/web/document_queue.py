"""The queue of GraphQL documents: a few are executed at once, the others wait, in turn by client.

It is used on the event loop only. A document that waits in the queue occupies no thread. One that is executed and waits
for a shared commit pauses its turn: more documents then share the commit.
"""

import asyncio
from collections import Counter, OrderedDict, deque

SEND_AGAIN_AFTER = 1
"""Seconds to wait before a document that found the queue full is sent again."""


MOST_PAUSED = 14
"""The largest number of documents that wait for a shared commit, each with its thread."""

EXPENSIVE = 0.02
"""Seconds of the processor from which on a document is expensive. A usual one takes a tenth."""


class QueueFull(Exception):
    """The document cannot wait. `by_client` is True if the client's own documents fill its part of the queue, and False
    if the whole queue is full."""

    def __init__(self, *, by_client: bool) -> None:
        super().__init__("The queue is full.")
        self.by_client = by_client


class DocumentQueue:
    """At most `at_once` documents have a turn, and up to MOST_PAUSED more a paused one. Up to `waiting` others wait, up
    to `waiting_per_client` of one client. A free turn goes to the waiting client with the fewest turns; among equals,
    to the one whose last turn ended first. Documents of one client get their turns in the order of their arrival. A
    client whose last document was expensive leaves one turn to others, if there are several: otherwise they would
    always wait for the end of a document."""

    def __init__(self, *, at_once: int, waiting: int, waiting_per_client: int) -> None:
        self._at_once, self._most, self._most_per_client = at_once, waiting, waiting_per_client
        self._turns: Counter[str] = Counter()
        self._running = self._paused = self._waiting = 0
        self._expensive: set[str] = set()  # clients with turns or waiting documents
        self._by_client: OrderedDict[str, deque[asyncio.Future[bool]]] = OrderedDict()

    def is_free_for(self, client_id: str) -> bool:
        """Whether a document of this client would get its turn at once."""
        return self._has_free_turn and not (
            client_id in self._expensive and self._turns[client_id] >= max(1, self._at_once - 1)
        )

    @property
    def _has_free_turn(self) -> bool:
        return self._running < self._at_once and self._running + self._paused < self._at_once + MOST_PAUSED

    @property
    def waiting(self) -> int:
        """The number of documents that wait."""
        return self._waiting

    async def take_turn(self, client_id: str, over: "asyncio.Future[None]") -> bool:
        """Returns True when the document has its turn; then `end_turn` must be called. Returns False if `over` is done
        first: the document has left the queue. Raises QueueFull."""
        if self.is_free_for(client_id):
            self._start(client_id)
            return True
        own = self._by_client.get(client_id, ())
        if len(own) >= self._most_per_client or self._waiting >= self._most:
            raise QueueFull(by_client=len(own) >= self._most_per_client)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._by_client.setdefault(client_id, deque()).append(turn)
        self._waiting += 1

        def leave(_: "asyncio.Future[None]") -> None:
            if not turn.done():
                self._leave(client_id, turn)
                turn.set_result(False)

        over.add_done_callback(leave)
        try:
            return await turn
        except asyncio.CancelledError:  # the server cancels its requests
            if turn.cancelled():
                self._leave(client_id, turn)
            elif turn.result():
                self.end_turn(client_id)
            raise
        finally:
            over.remove_done_callback(leave)

    def end_turn(self, client_id: str, cpu_seconds: float = 0.0) -> None:
        """Ends a turn of this client, in which its document took this much of the processor, and gives the turn to the
        next waiting document."""
        if cpu_seconds >= EXPENSIVE:
            self._expensive.add(client_id)
        else:
            self._expensive.discard(client_id)
        self._running -= 1
        self._turns[client_id] -= 1
        if not self._turns[client_id]:
            del self._turns[client_id]
        if client_id in self._by_client:
            self._by_client.move_to_end(client_id)
        self._start_waiting()
        if client_id not in self._turns and client_id not in self._by_client:
            self._expensive.discard(client_id)

    def pause_turn(self) -> None:
        """Lets another document begin while one with a turn waits for a shared commit."""
        self._running -= 1
        self._paused += 1
        self._start_waiting()

    def resume_turn(self) -> None:
        """Ends the pause of a turn. It goes on at once, so for a moment more documents than usual have a turn."""
        self._paused -= 1
        self._running += 1

    def _start_waiting(self) -> None:
        while self._has_free_turn and self._start_next():
            pass

    def _start(self, client_id: str) -> None:
        self._running += 1
        self._turns[client_id] += 1

    def _start_next(self) -> bool:
        """Takes the next document from the queue and gives it its turn, unless its request was just cancelled. False if
        no waiting client may have a turn."""
        client_id = self._choose_client()
        if client_id is None:
            return False
        turn = self._by_client[client_id][0]
        self._leave(client_id, turn)
        if client_id in self._by_client:
            self._by_client.move_to_end(client_id)
        if not turn.done():
            self._start(client_id)
            turn.set_result(True)
        return True

    def _choose_client(self) -> str | None:
        without_turn = next((each for each in self._by_client if each not in self._turns), None)
        if without_turn is not None:
            return without_turn
        free = filter(self.is_free_for, self._by_client)
        return min(free, key=lambda each: self._turns[each], default=None)

    def _leave(self, client_id: str, turn: "asyncio.Future[bool]") -> None:
        turns = self._by_client.get(client_id)
        if turns is None or turn not in turns:
            return
        turns.remove(turn)
        self._waiting -= 1
        if not turns:
            del self._by_client[client_id]
