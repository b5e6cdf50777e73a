"""ISO 8601 durations in exact units."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.duration import LONGEST, format_duration, parse_duration
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "length", "written"),
    [
        ("P7D", timedelta(days=7), "P7D"),
        ("P1W", timedelta(days=7), "P7D"),
        ("PT90M", timedelta(minutes=90), "PT90M"),
        ("PT1H30M", timedelta(minutes=90), "PT90M"),
        ("P1DT2H", timedelta(days=1, hours=2), "P1DT2H"),
        ("PT3600S", timedelta(hours=1), "PT1H"),
        ("PT0S", timedelta(0), "PT0S"),
        ("P0D", timedelta(0), "PT0S"),
        ("PT1.5S", timedelta(seconds=1.5), "PT1.5S"),
        ("P3660D", LONGEST, "P3660D"),
        pytest.param("PT60M", timedelta(hours=1), "PT1H", id="E10-equal-durations"),
        pytest.param("PT1,5S", timedelta(seconds=1.5), "PT1.5S", id="E8-comma"),
        pytest.param("PT0.1234567S", timedelta(microseconds=123456), "PT0.123456S", id="E8-seven-digits"),
        pytest.param("P1W2D", timedelta(days=9), "P9D", id="E8-weeks-and-days"),
    ],
)
def test_parse_and_format(text: str, length: timedelta, written: str) -> None:
    assert parse_duration(text) == length
    assert format_duration(length) == written


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_survives_being_written(length: timedelta) -> None:
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "-P1D",
        "P-1D",
        "+P1D",
        "p1d",
        "1D",
        pytest.param("P999999999W", id="E8-overflow-in-weeks"),
        pytest.param("P999999999DT999999999H", id="E8-overflow-in-hours"),
        pytest.param("PT1.S", id="E8-no-digit"),
        "P1H",
        "PT1D",
        "P1D ",
        "P1D\n",
        "P1.5D",
        "PT1.5H",
        7,
        "P3661D",
        "P3660DT1S",
        "P1D1W",
        "PT1M1H",
        "P" + "9" * 60 + "D",
        "P" * 99,
        None,
        timedelta(1),
        "P１D",
    ],
)
def test_other_texts_are_refused(text: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_duration(text)
    assert refused.value.code == "INVALID"


@pytest.mark.parametrize("text", ["P1Y", "P3M", "P1Y2M3D", "P1M1D", "P1YT1H"])
def test_years_and_months_are_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidInput, match="years and months"):
        parse_duration(text)


def test_negative_duration_cannot_be_formatted() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize("text", ["-P1D", "P-1D", "PT-1H"])
def test_e8_negative_duration_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidInput, match="negative"):
        parse_duration(text)
