"""A bounded LRU cache of compiled operations.

An operation is compiled when it is executed for the second time, so that a document that is sent once costs nothing
more. One of a trusted document is compiled at once.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from schema.compiled.compiler import CompiledOperation
from schema.compiled.reasons import Reason, Unsupported
from schema.documents import PreparedDocument

_ENTRY = 500
_OF_DOCUMENT, _OF_SOURCE = 80, 4
"""Estimates, measured with tracemalloc: bytes for each character of a document's text, and of the source of functions.
An entry keeps its document, also if the cache of documents has dropped it."""

Key = tuple[PreparedDocument, str | None]


@dataclass(slots=True)
class _Entry:
    """What is known of an operation: its functions, or why there are none."""

    content: CompiledOperation | Reason
    size: int


class CompiledOperations:
    """At most `entries` operations, and `size` bytes of documents and functions by estimate. `at_first_use` compiles an
    operation when it is executed for the first time, as for trusted documents. Safe to use from any thread."""

    def __init__(self, *, entries: int = 512, size: int = 32 << 20, at_first_use: bool = False) -> None:
        self.at_first_use = at_first_use
        self._entries, self._size = entries, size
        self._operations: OrderedDict[Key, _Entry] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def size(self) -> int:
        """The estimated size in bytes."""
        return self._total

    def get(self, key: Key, compile_operation: Callable[[], CompiledOperation]) -> CompiledOperation:
        """Returns the compiled operation. Calls `compile_operation` at the second call for a key, in one thread. Raises
        Unsupported if the operation has not been compiled, with the reason."""
        with self._lock:
            entry = self._operations.get(key)
            if entry is None:
                entry = self._put(key, Reason.FIRST_USE)
                if not self.at_first_use:
                    raise Unsupported(Reason.FIRST_USE)
            content = entry.content
            if key in self._operations:
                self._operations.move_to_end(key)
            if content is Reason.FIRST_USE:
                entry.content = Reason.COMPILING
        if content is not Reason.FIRST_USE:
            if isinstance(content, Reason):
                raise Unsupported(content)
            return content
        compiled: CompiledOperation | Reason = Reason.FIRST_USE  # again at the next use, if compiling fails
        try:
            compiled = compile_operation()
        except Unsupported as unsupported:
            compiled = unsupported.reason
            raise
        finally:
            with self._lock:
                self._put(key, compiled)
        return compiled

    def _put(self, key: Key, content: CompiledOperation | Reason) -> _Entry:
        location = key[0].node.loc
        size = _ENTRY + _OF_DOCUMENT * (location.end if location else 0)
        if isinstance(content, CompiledOperation):
            size += _OF_SOURCE * content.source_size
        entry = _Entry(content, size)
        earlier = self._operations.pop(key, None)
        self._total += entry.size - (earlier.size if earlier else 0)
        self._operations[key] = entry
        while self._operations and (len(self._operations) > self._entries or self._total > self._size):
            _, oldest = self._operations.popitem(last=False)
            self._total -= oldest.size
        return entry


class ExecutionCounts:
    """How many operations were executed by compiled functions, and by graphql-core for each reason. `observe` is called
    with the reason of each, None for compiled functions. Safe to use from any thread."""

    def __init__(self, observe: Callable[[Reason | None], None] | None = None) -> None:
        self._observe = observe
        self._lock = threading.Lock()
        self._compiled = 0
        self._interpreted: Counter[Reason] = Counter()

    @property
    def compiled(self) -> int:
        """The number of operations that were executed by compiled functions."""
        return self._compiled

    @property
    def interpreted(self) -> dict[Reason, int]:
        """The number of operations that graphql-core executed, by reason."""
        with self._lock:
            return dict(self._interpreted)

    def count(self, reason: Reason | None) -> None:
        """Counts one operation. `reason` is None if compiled functions executed it."""
        with self._lock:
            if reason is None:
                self._compiled += 1
            else:
                self._interpreted[reason] += 1
        if self._observe is not None:
            self._observe(reason)
