"""A wall clock that tests move."""

from datetime import UTC, datetime, timedelta

from gateway.kit.clock import BusinessTime, WallTime, business_time

NOON = WallTime(datetime(2026, 11, 23, 12, tzinfo=UTC))
"""The time at which a test's clock starts."""

BUSINESS_NOON: BusinessTime = business_time(NOON, 0)
"""The same time as business time of a partner without a clock offset."""


class MovableClock:
    """A gateway.kit.clock.WallClock that changes only by `advance`. Call it or read `now` for the time."""

    def __init__(self, now: WallTime = NOON) -> None:
        self.now = now

    def __call__(self) -> WallTime:
        return self.now

    def advance(self, duration: timedelta | None = None, **units: float) -> WallTime:
        """Moves forward by a timedelta or its units, as in `advance(minutes=5)`. Returns the new time."""
        self.now += duration if duration is not None else timedelta(**units)
        return self.now
