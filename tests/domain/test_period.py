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
    "text",
    [
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
