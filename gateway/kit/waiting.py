"""Lets the owner of a thread know that its work waits for other work, so that more work can begin meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_observer: ContextVar[Callable[[bool], object] | None] = ContextVar("observer", default=None)


@contextmanager
def observed_by(observer: Callable[[bool], object]) -> Iterator[None]:
    """Calls the observer when work of this context begins to wait (True) and when it goes on (False), in its thread."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@contextmanager
def waiting() -> Iterator[None]:
    """The block only waits: it uses neither the processor nor a connection."""
    observer = _observer.get()
    if observer is None:
        yield
        return
    observer(True)
    try:
        yield
    finally:
        observer(False)
