"""A wall clock that tests move by hand."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""The moment at which the clocks of tests begin."""


class MovableClock:
    """A gateway.kit.clock.WallClock: call it, or read `now`. It stands still until `advance` moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, duration: timedelta | None = None, **units: float) -> datetime:
        """Moves forward by a timedelta or by its units, as in `advance(minutes=5)`; answers the new moment."""
        self.now += duration if duration is not None else timedelta(**units)
        return self.now
