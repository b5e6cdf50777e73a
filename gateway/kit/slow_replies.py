"""Lets others know that work waits for a reply that takes long, so that they do not wait for that work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_if_slow: ContextVar[Callable[[], object] | None] = ContextVar("if_slow", default=None)


@contextmanager
def calling_if_slow(callback: Callable[[], object]) -> Iterator[None]:
    """Calls the callback each time that `report_slow` is called in the block, in the same thread."""
    token = _if_slow.set(callback)
    try:
        yield
    finally:
        _if_slow.reset(token)


def report_slow() -> None:
    """Says that the work of this context waits for a reply that takes long."""
    callback = _if_slow.get()
    if callback is not None:
        callback()
