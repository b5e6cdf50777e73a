"""The shares of the worker threads. No kind of request can occupy all threads. GraphQL documents have threads of their
own, those of their queue."""

from dataclasses import dataclass

from anyio import CapacityLimiter

from gateway.settings import Settings
from gateway.settings.server import TOKEN_CHECKS_AT_ONCE


@dataclass(frozen=True, slots=True)
class WorkerThreads:
    """Each limiter bounds the threads of one kind of work. `others` is the number of threads for everything else, such
    as pages and OAuth endpoints. They use the default limiter."""

    token_checks: CapacityLimiter
    logins: CapacityLimiter
    others: int


def share_threads(settings: Settings) -> WorkerThreads:
    """Returns the shares. With the threads of documents they are the worker threads of the settings, and each has at
    least one."""
    return WorkerThreads(
        token_checks=CapacityLimiter(TOKEN_CHECKS_AT_ONCE),
        logins=CapacityLimiter(settings.password_hashes_at_once),
        others=settings.other_threads,
    )
