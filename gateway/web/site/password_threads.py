"""The threads that hash passwords."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import to_thread

from gateway.web.errors import PageError
from gateway.web.site.site import Site
from gateway.web.texts import msgid

P = ParamSpec("P")
T = TypeVar("T")
_BUSY = msgid("Many people are signing in right now. Please try again in a few seconds.")

MOST_WAITING = 100
"""The number of forms with a password that may wait for a thread. Their requests are kept in memory meanwhile."""

RETRY_AFTER = 5
"""Seconds to wait before a form that could not wait is sent again."""


async def run_hashing(site: Site, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Returns the result of the function, which hashes a password in a thread for that. Raises PageError (429) if too
    many others wait."""
    threads = site.threads.logins
    if threads.statistics().tasks_waiting >= MOST_WAITING:
        raise PageError(429, _BUSY, retry_after=RETRY_AFTER)
    return await to_thread.run_sync(partial(function, *arguments, **options), limiter=threads)
