"""Lets others know that work waits for a reply that takes long, so that they do not wait for that work."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from gateway.kit.context_values import ContextValue

_if_slow: ContextVar[Callable[[], object] | None] = ContextVar("if_slow", default=None)


def calling_if_slow(callback: Callable[[], object]) -> AbstractContextManager[None]:
    """Returns a context in which each call of `report_slow` by the same thread calls the callback."""
    return ContextValue(_if_slow, callback)


def report_slow() -> None:
    """Says that the work of this context waits for a reply that takes long."""
    callback = _if_slow.get()
    if callback is not None:
        callback()
