"""When a delivery is tried again, and when an endpoint waits or is disabled."""

from collections.abc import Callable
from datetime import timedelta
from random import random

RETRIES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The time from each attempt to the next one (the schedule of Standard Webhooks 1.0.0): ten attempts in 75 hours and 35
minutes."""

ATTEMPTS = len(RETRIES) + 1
JITTER = 0.2
"""The largest part by which a wait is longer or shorter, so that not all deliveries come back at once."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
"""The longest wait that a receiver's Retry-After can ask for."""

WARN_AFTER = timedelta(hours=24)
"""How long an endpoint fails without one success before the operator is warned."""

DISABLE_AFTER = timedelta(days=5)
"""How long an endpoint fails without one success before it is disabled."""

SLOW_STATUSES = frozenset({429, 502, 503, 504})
"""Statuses that say that the receiver is too busy or not there: the endpoint gets nothing for a while."""

GONE = 410
"""The status with which a receiver asks to be disabled."""

FAILURES_IN_A_ROW = 10
"""From so many failures in a row the endpoint gets nothing for a while, whatever they are."""

SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)


def next_wait(tries: int, retry_after: timedelta | None = None, draw: Callable[[], float] = random) -> timedelta | None:
    """Returns how long to wait after the failure of attempt number `tries`, counted from 1, or None after the last one.
    `retry_after` is the wait that the receiver asked for. `draw` returns a number from 0 to 1."""
    if tries >= ATTEMPTS:
        return None
    wait = RETRIES[tries - 1] * (1 + JITTER * (2 * draw() - 1))
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_RETRY_AFTER))


def pause(failures: int, status: int | None, retry_after: timedelta | None = None) -> timedelta | None:
    """Returns how long an endpoint gets nothing after so many failures in a row, the last with this HTTP status (None
    without a response). None if it gets the next message at once."""
    is_slow = status in SLOW_STATUSES
    if not is_slow and failures < FAILURES_IN_A_ROW:
        return None
    doublings = min(failures - (1 if is_slow else FAILURES_IN_A_ROW), 10)
    wait = min(SHORTEST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_RETRY_AFTER))


def parse_retry_after(text: str | None) -> timedelta | None:
    """Returns the wait in a Retry-After header in seconds (RFC 9110 section 10.2.3). None for a date, which needs no
    such precision here, and for anything else."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 9:
        return None
    return timedelta(seconds=int(text))
