"""Wall time, business time, and the text form of times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.period import parse_moment
from gateway.kit.clock import WallTime, business_time, rfc3339, wall_clock

NOON = WallTime(datetime(2026, 11, 23, 12, tzinfo=UTC))
SHANGHAI = timezone(timedelta(hours=8))


def test_wall_clock_is_in_utc_and_monotonic() -> None:
    one, other = wall_clock(), wall_clock()
    assert one.tzinfo is UTC
    assert one <= other
    assert abs(datetime.now(UTC) - one) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("offset", "moment"),
    [
        pytest.param(0, NOON, id="none"),
        pytest.param(86_400, NOON + timedelta(days=1), id="a-day-ahead"),
        pytest.param(-60, NOON - timedelta(minutes=1), id="a-minute-behind"),
    ],
)
def test_business_time_is_wall_time_plus_the_offset(offset: int, moment: datetime) -> None:
    assert business_time(NOON, offset) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(NOON, "2026-11-23T12:00:00Z", id="whole-second"),
        pytest.param(NOON + timedelta(microseconds=1), "2026-11-23T12:00:00.000001Z", id="microsecond"),
        pytest.param(NOON.astimezone(SHANGHAI), "2026-11-23T12:00:00Z", id="another-zone"),
    ],
)
def test_rfc3339_is_in_utc_with_z(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


@given(st.datetimes(timezones=st.sampled_from([UTC, SHANGHAI]), min_value=datetime(2, 1, 1)))  # noqa: DTZ001
def test_rfc3339_round_trips(moment: datetime) -> None:
    assert parse_moment(rfc3339(moment)) == moment
