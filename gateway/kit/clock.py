"""Two kinds of time, as two types.

Wall time is what other people's clocks agree on: tokens, proofs, sessions, retries, log time. Business time is a
partner's own: consents, decisions, due dates, windows. In a sandbox a partner moves its business time forward.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NewType

WallTime = NewType("WallTime", datetime)
"""A moment in UTC by the machine's clock."""

BusinessTime = NewType("BusinessTime", datetime)
"""A moment in UTC by a partner's clock."""

WallClock = Callable[[], WallTime]
"""Returns the present moment, aware, in UTC, to the microsecond."""


def wall_clock() -> WallTime:
    """The machine's present moment in UTC."""
    return WallTime(datetime.now(UTC))


def business_time(wall: WallTime, offset_seconds: int) -> BusinessTime:
    """The business time of a partner whose clock is `offset_seconds` ahead of wall time."""
    return BusinessTime(wall + timedelta(seconds=offset_seconds))


def rfc3339(moment: datetime) -> str:
    """The moment in UTC as RFC 3339 with a trailing Z, to the microsecond where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
