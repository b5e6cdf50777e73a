"""Two times. Wall time is what other people's clocks agree on: sessions, log time, proofs. Business time is a
partner's own: consent and token life, due dates. In a sandbox a partner moves its business time forward."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

WallClock = Callable[[], datetime]
"""Answers the present moment, aware, in UTC, to the microsecond."""


def wall_clock() -> datetime:
    """The machine's present moment in UTC."""
    return datetime.now(UTC)


def business_time(wall: datetime, offset_seconds: int) -> datetime:
    """The business time of a partner whose clock stands `offset_seconds` ahead of the wall."""
    return wall + timedelta(seconds=offset_seconds)


def rfc3339(moment: datetime) -> str:
    """The moment in UTC as RFC 3339 with a trailing Z, to the microsecond where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
