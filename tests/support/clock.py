"""A wall clock that tests move by hand."""

from datetime import UTC, datetime, timedelta

from gateway.kit.clock import BusinessTime, WallTime, business_time

NOON = WallTime(datetime(2026, 11, 23, 12, tzinfo=UTC))
"""The moment at which the clocks of tests begin."""

BUSINESS_NOON: BusinessTime = business_time(NOON, 0)
"""The same moment by the clock of a partner that has not moved it."""


class MovableClock:
    """A gateway.kit.clock.WallClock: call it, or read `now`. It stands still until `advance` moves it."""

    def __init__(self, now: WallTime = NOON) -> None:
        self.now = now

    def __call__(self) -> WallTime:
        return self.now

    def advance(self, duration: timedelta | None = None, **units: float) -> WallTime:
        """Moves forward by a timedelta or by its units, as in `advance(minutes=5)`; returns the new moment."""
        self.now += duration if duration is not None else timedelta(**units)
        return self.now
