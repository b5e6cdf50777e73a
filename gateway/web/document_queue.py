"""The queue of GraphQL documents: a few threads execute them, in turn by client.

A document that waits in the queue occupies no thread. One that waits for a shared commit lets its thread execute the
next document: more documents then share the commit.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from contextvars import Context, copy_context

from gateway.kit.switching import SwitchingThreads

SEND_AGAIN_AFTER = 1
"""Seconds to wait before a document that found the queue full is sent again."""


EXPENSIVE = 0.02
"""Seconds of the processor from which on a document is expensive. A usual one takes a tenth."""


class QueueFull(Exception):
    """The document cannot wait. `by_client` is True if the client's own documents fill its part of the queue, and False
    if the whole queue is full or the server ends."""

    def __init__(self, *, by_client: bool) -> None:
        super().__init__("The queue is full.")
        self.by_client = by_client


class Document:
    """A document in the queue, or in a thread. `run` executes it, in the context of the request, and raises nothing."""

    __slots__ = ("_queue", "client_id", "context", "run")

    def __init__(self, queue: "DocumentQueue", client_id: str, run: Callable[[], None]) -> None:
        self._queue, self.client_id, self.run = queue, client_id, run
        self.context: Context = copy_context()

    def end(self, cpu_seconds: float) -> None:
        """Ends the turn of this document."""
        self._queue.end_turn(self.client_id, cpu_seconds)


class DocumentQueue:
    """`at_once` threads execute documents. Up to `waiting` others wait, up to `waiting_per_client` of one client. The
    next turn is of the waiting client with the fewest turns; among equals, of the one whose last turn ended first.
    Documents of one client get their turns in the order of their arrival.

    A client whose last document was expensive leaves one thread to others, if there are several: otherwise they would
    always wait for the end of a document. For the same reason its documents begin only on a thread on which no other
    document waits for a commit.
    """

    def __init__(self, *, at_once: int, waiting: int, waiting_per_client: int) -> None:
        self._most_turns_of_expensive = max(1, at_once - 1)
        self._most, self._most_per_client = waiting, waiting_per_client
        self._threads = SwitchingThreads("documents", at_once, self)
        self._lock = self._threads.changed
        self._turns: Counter[str] = Counter()
        self._waiting = 0
        self._expensive: set[str] = set()  # clients with turns or waiting documents
        self._by_client: OrderedDict[str, deque[Document]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """The number of documents that wait."""
        return self._waiting

    def is_free_for(self, client_id: str) -> bool:
        """Whether a document of this client would get its turn at once."""
        with self._lock:
            return self._waiting < self._threads.free and self._may_begin(client_id)

    def put(self, client_id: str, run: Callable[[], None]) -> Document:
        """Adds a document of this client, which a thread will execute by calling `run`. Raises QueueFull."""
        document = Document(self, client_id, run)
        with self._lock:
            free, own = self._threads.free, self._by_client.get(client_id)
            by_client = own is not None and len(own) - free >= self._most_per_client
            if by_client or self._waiting - free >= self._most or self._threads.is_closed:
                raise QueueFull(by_client=by_client)
            if own is None:
                self._by_client[client_id] = own = deque()
            own.append(document)
            self._waiting += 1
            if client_id in self._expensive:
                self._threads.wake_all()  # not each thread may begin it
            try:
                self._threads.wake()
            except RuntimeError:  # nothing would execute it
                self._leave(document)
                raise QueueFull(by_client=False) from None
        return document

    def remove(self, document: Document) -> bool:
        """Removes a document that waits. False if it does not wait any more: it is or was executed, or was removed."""
        with self._lock:
            return self._leave(document)

    def take(self, *, beside_others: bool) -> Document | None:
        """Gives the next turn: removes its document from the queue and returns it. None if no document may begin."""
        client_id = self._choose_client(beside_others=beside_others)
        if client_id is None:
            return None
        document = self._by_client[client_id][0]
        self._leave(document)
        if client_id in self._by_client:
            self._by_client.move_to_end(client_id)
        self._turns[client_id] += 1
        return document

    def end_turn(self, client_id: str, cpu_seconds: float) -> None:
        """Ends a turn of this client, in which its document took this much of the processor."""
        with self._lock:
            if cpu_seconds >= EXPENSIVE:
                self._expensive.add(client_id)
            else:
                self._expensive.discard(client_id)
            self._turns[client_id] -= 1
            if not self._turns[client_id]:
                del self._turns[client_id]
            if client_id in self._by_client:
                self._by_client.move_to_end(client_id)
                self._threads.wake()  # its next document may have waited for the end of this one
            elif client_id not in self._turns:
                self._expensive.discard(client_id)

    def close(self) -> None:
        """Takes no new document, and ends the threads when none waits. Returns at once."""
        self._threads.close()

    def _may_begin(self, client_id: str) -> bool:
        return client_id not in self._expensive or self._turns[client_id] < self._most_turns_of_expensive

    def _choose_client(self, *, beside_others: bool) -> str | None:
        chosen = None
        for client_id in self._by_client:
            if beside_others and client_id in self._expensive:
                continue
            if client_id not in self._turns:
                return client_id
            if self._may_begin(client_id) and (chosen is None or self._turns[client_id] < self._turns[chosen]):
                chosen = client_id
        return chosen

    def _leave(self, document: Document) -> bool:
        documents = self._by_client.get(document.client_id)
        if documents is None or document not in documents:
            return False
        documents.remove(document)
        self._waiting -= 1
        if not documents:
            del self._by_client[document.client_id]
        return True
