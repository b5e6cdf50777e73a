"""Valkey: what the processes of one deployment share for a while. Its address holds a password: it is never logged."""

from collections.abc import Iterator
from contextlib import contextmanager

from valkey import Valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as ConnectionLost
from valkey.exceptions import ValkeyError
from valkey.retry import Retry

SCHEMES = ("valkey://", "valkeys://", "unix://")
PATIENCE = 2.0
"""Seconds that a connection, and each answer, may take. A request waits for it, so it is short."""


class SharedStateDown(Exception):
    """Valkey does not answer, so nobody knows what other processes have seen. What needs to know is refused (503)."""

    def __init__(self) -> None:
        super().__init__("The shared store does not answer.")


def connect(url: str) -> Valkey:
    """A client with a pool of connections, safe on any thread. Nothing is sent before the first command. A connection
    that was lost while idle is opened again once. Raises ValueError for an address that cannot be read."""
    return Valkey.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
        retry_on_error=[ConnectionLost],
    )


@contextmanager
def answered() -> Iterator[None]:
    """Turns every failure of Valkey within into SharedStateDown. The cause, which may name hosts, is left behind."""
    try:
        yield
    except (ValkeyError, OSError):
        raise SharedStateDown from None
