"""Valkey: short-lived state shared by the processes of a deployment. Its URL holds a password and is never logged."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from valkey import Valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as ConnectionLost
from valkey.exceptions import ValkeyError
from valkey.retry import Retry

from gateway.kit.outage import Outage

TIMEOUT = 2.0
"""The largest number of seconds for a connection and for each reply. It is short, because requests wait for it."""


class SharedStateDown(Outage):
    """Valkey does not respond, so the state of other processes is unknown. Requests that need it fail (503)."""

    def __init__(self, code: str = "down") -> None:
        super().__init__("valkey", code, "The shared store does not respond.")


class EvictionAllowed(SharedStateDown):
    """Valkey may drop keys before they expire, so it would forget used proofs and counted attempts."""

    def __init__(self, policy: str) -> None:
        super().__init__("EVICTION_POLICY")
        self.policy = policy


def connect(url: str) -> Valkey:
    """Returns a thread-safe client with a pool of connections. Nothing is sent before the first command. A connection
    that was lost while idle is reopened once. Raises ValueError for an invalid URL."""
    return Valkey.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
        retry_on_error=[ConnectionLost],
    )


@contextmanager
def shared_state_errors() -> Iterator[None]:
    """Raises SharedStateDown for every failure of Valkey in the block, without its cause, which may name hosts. Its
    code is the type of the failure, such as OutOfMemoryError."""
    try:
        yield
    except (ValkeyError, OSError) as error:
        raise SharedStateDown(type(error).__name__) from None


def require_no_eviction(client: Valkey) -> None:
    """Raises EvictionAllowed unless the server's `maxmemory-policy` is noeviction. Raises SharedStateDown."""
    with shared_state_errors():
        memory: Any = client.info("memory")
    policy = str(memory.get("maxmemory_policy"))
    if policy != "noeviction":
        raise EvictionAllowed(policy)
