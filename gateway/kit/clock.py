"""The two kinds of time, as two types.

Wall time is the real time, used for tokens, proofs, sessions, retries and log entries. Business time belongs to a
partner and is used for consents, decisions, due dates and windows. In a sandbox a partner can move its business time
forward.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NewType

WallTime = NewType("WallTime", datetime)
"""A moment in UTC by the machine's clock."""

BusinessTime = NewType("BusinessTime", datetime)
"""A moment in UTC by a partner's clock."""

CLOCK_ALLOWANCE = timedelta(seconds=15)
"""By how much the clock of a client may differ from ours, for every moment that a client sends."""

WallClock = Callable[[], WallTime]
"""Returns the current time as an aware datetime in UTC, in microseconds."""


def wall_clock() -> WallTime:
    """Returns the machine's current time in UTC."""
    return WallTime(datetime.now(UTC))


def business_time(wall: WallTime, offset_seconds: int) -> BusinessTime:
    """Returns the business time of a partner whose clock is `offset_seconds` ahead of wall time."""
    return BusinessTime(wall + timedelta(seconds=offset_seconds))


def offset_between(wall: WallTime, business: BusinessTime) -> int:
    """Returns how far a partner's clock must be ahead, in whole seconds, to be at `business` or just after it."""
    earlier: datetime = wall
    later: datetime = business
    return math.ceil((later - earlier).total_seconds())


def rfc3339(moment: datetime) -> str:
    """Returns RFC 3339 in UTC with a trailing Z, with microseconds only if they are not zero."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
