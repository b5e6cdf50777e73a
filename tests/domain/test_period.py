"""Periods and times: kept in UTC, formatted as RFC 3339 with Z."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidInput
from gateway.domain.period import Period, format_moment, parse_moment

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_round_trip(moment: datetime) -> None:
    assert parse_moment(format_moment(moment)) == moment


def test_times_are_formatted_in_utc() -> None:
    assert format_moment(NINE) == "2026-11-02T09:00:00Z"
    assert format_moment(datetime(2026, 11, 2, 17, tzinfo=timezone(timedelta(hours=8)))) == "2026-11-02T09:00:00Z"
    assert parse_moment("2026-11-02T17:00:00+08:00") == NINE
    assert parse_moment("2026-11-02t09:00:00z").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-11-02T09:00:00.1234567Z", NINE.replace(microsecond=123456), id="E8-seven-digits"),
        pytest.param("2026-11-02T09:00:00.999999999Z", NINE.replace(microsecond=999999), id="E8-truncated"),
        pytest.param(f"2026-11-02T09:00:00.{'0' * 500}1Z", NINE, id="E8-many-digits"),
        pytest.param("2026-11-02T09:00:00.5Z", NINE.replace(microsecond=500000), id="E8-one-digit"),
        pytest.param("2026-11-03T08:59:00+23:59", NINE, id="E8-largest-offset"),
        pytest.param("2026-11-01T09:01:00-23:59", NINE, id="E8-smallest-offset"),
        pytest.param("2026-11-02T09:00:00-00:00", NINE, id="E8-unknown-local-offset"),
        pytest.param("1990-12-31T23:59:60Z", datetime(1991, 1, 1, tzinfo=UTC), id="E8-leap-second"),
        pytest.param("1990-12-31T15:59:60-08:00", datetime(1991, 1, 1, tzinfo=UTC), id="E8-leap-second-with-offset"),
        pytest.param("2026-11-30T23:59:60.25z", datetime(2026, 12, 1, 0, 0, 0, 250000, UTC), id="E8-leap-fraction"),
        pytest.param("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC), id="E8-first-year"),
        pytest.param(
            "9999-12-31T23:59:59.9999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), id="E8-last-moment"
        ),
    ],
)
def test_every_form_of_rfc_3339_is_read(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-11-02T09:00:00+08:60", id="E8-offset-of-60-minutes"),
        pytest.param("2026-11-02T09:00:00+24:00", id="E8-offset-of-24-hours"),
        pytest.param("2026-11-02T09:00:00+08:00:30", id="E8-offset-with-seconds"),
        pytest.param("2026-11-02T09:00:00+0800", id="E8-offset-without-colon"),
        pytest.param("2026-11-02T09:00:00.Z", id="E8-no-digit"),
        pytest.param("2026-11-02T09:00:00,5Z", id="E8-comma"),
        pytest.param("2026-11-29T23:59:60Z", id="E8-leap-second-within-a-month"),
        pytest.param("2026-11-30T22:59:60Z", id="E8-leap-second-within-a-day"),
        pytest.param("2026-11-30T23:59:60+08:00", id="E8-leap-second-elsewhere-in-utc"),
        pytest.param("2026-11-02T09:00:61Z", id="E8-second-61"),
        pytest.param("2026-11-02T24:00:00Z", id="E8-hour-24"),
        pytest.param("0000-12-31T23:59:59Z", id="E8-year-0"),
        pytest.param("0001-01-01T00:00:00+00:01", id="E8-before-the-first-year-in-utc"),
        pytest.param("9999-12-31T23:59:60Z", id="E8-leap-second-of-the-last-year"),
        pytest.param("２026-11-02T09:00:00Z", id="E8-fullwidth-digit"),
        "",
        "2026-11-02",
        "2026-11-02T09:00:00",
        "20261102T090000Z",
        "2026-W45-1",
        "2026-02-31T00:00:00Z",
        None,
        5,
        "2026-11-02T25:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "2026-11-02 09:00:00Z",
        "2026-11-02T09:00:00Z\n",
    ],
)
def test_other_texts_are_refused(text: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_moment(text)
    assert refused.value.code == "INVALID"


def test_a_period_keeps_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    period = Period(datetime(2026, 11, 2, 17, tzinfo=shanghai), datetime(2026, 11, 3, 17, tzinfo=shanghai))
    assert period.start == NINE
    assert period.start.tzinfo is UTC
    assert period.length == timedelta(days=1)
    assert period.document() == {"start": "2026-11-02T09:00:00Z", "end": "2026-11-03T09:00:00Z"}
    assert Period.from_document(period.document()) == period


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1)])
def test_a_period_ends_after_it_starts(length: timedelta) -> None:
    with pytest.raises(InvalidInput) as refused:
        Period(NINE, NINE + length)
    assert (refused.value.code, refused.value.field) == ("INVALID_PERIOD", ("end",))


def test_period_requires_time_zones_and_valid_years() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Period(datetime(2026, 11, 2), NINE)  # noqa: DTZ001  # a missing zone is the point
    with pytest.raises(ValueError, match="time zone"):
        format_moment(datetime(2026, 11, 2))  # noqa: DTZ001
    with pytest.raises(InvalidInput) as refused:
        Period(NINE, datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))))
    assert refused.value.code == "INVALID_PERIOD"


def test_an_unreadable_document_names_the_field() -> None:
    with pytest.raises(InvalidInput) as refused:
        Period.from_document({"start": "2026-11-02T09:00:00Z", "end": "soon"})
    assert refused.value.field == ("end",)
