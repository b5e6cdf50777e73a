"""ISO 8601 durations in exact units: weeks, days, hours, minutes, seconds.

Years and months are not accepted, because their length depends on the start date. Only seconds may have a fraction, and
no duration is negative. Two texts of the same length, such as PT60M and PT1H, are the same duration.
"""

import re
from datetime import timedelta
from functools import lru_cache

from gateway.domain.errors import InvalidInput

LONGEST = timedelta(days=3660)
"""The longest duration that is accepted: a little more than ten years."""
_LONGEST_SECONDS = LONGEST // timedelta(seconds=1)

_N = r"([0-9]{1,9})"
_EXACT = re.compile(rf"P(?=.)(?:{_N}W)?(?:{_N}D)?(?:T(?=.)(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:[.,]([0-9]+))?S)?)?", re.ASCII)
_NEGATIVE = re.compile(r"-P|P.*-", re.ASCII)
_CALENDAR = re.compile(r"P[0-9WDYM]*[YM]", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Returns the length of an ISO 8601 duration such as "P7D" or "PT90M", from zero to 3660 days.

    Digits of a second after the sixth decimal are cut off. Raises InvalidInput INVALID for any other text.
    """
    if not _is_short_text(text):
        raise _invalid('a duration must be an ISO 8601 string, such as "P7D" or "PT90M"')
    return _parse(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> timedelta:
    """Cached, because every decision that is read has the same few windows."""
    if _CALENDAR.match(text):
        raise _invalid('years and months differ in length: use days or weeks, such as "P365D" or "P30D"')
    if _NEGATIVE.match(text):
        raise _invalid("a duration must not be negative")
    match = _EXACT.fullmatch(text)
    if match is None:
        raise _invalid('a duration has weeks, days, hours, minutes and seconds, such as "P7D" or "PT90M"')
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:5])
    days, minutes = weeks * 7 + days, hours * 60 + minutes
    micro = int(f"{(match[6] or '')[:6]:0<6}")
    if days <= LONGEST.days and minutes <= _LONGEST_SECONDS and seconds <= _LONGEST_SECONDS:
        length = timedelta(days=days, minutes=minutes, seconds=seconds, microseconds=micro)
        if length <= LONGEST:
            return length
    raise _invalid(f"a duration may be at most {LONGEST.days} days")


def format_duration(length: timedelta) -> str:
    """Returns ISO 8601: whole days, and the rest in the largest unit that divides it: "P7D", "PT90M", "P1DT2H", "PT0S".

    Raises ValueError for a negative length.
    """
    if length < timedelta(0):
        raise ValueError("a duration must not be negative")
    day_part = f"P{length.days}D" if length.days else "P"
    if not length.seconds and not length.microseconds:
        return day_part if length.days else "PT0S"
    return f"{day_part}T{_time_part(length.seconds, length.microseconds)}"


def require_grace(grace: timedelta) -> None:
    """Raises ValueError if the grace period is negative."""
    if grace < timedelta(0):
        raise ValueError("a grace period must not be negative")


def _is_short_text(text: object) -> bool:
    return isinstance(text, str) and len(text) <= 80


def _time_part(seconds: int, micro: int) -> str:
    if micro:
        return f"{seconds}.{micro:06d}".rstrip("0") + "S"
    for unit, letter in ((3600, "H"), (60, "M")):
        if seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    return f"{seconds}S"


def _invalid(message: str) -> InvalidInput:
    return InvalidInput("INVALID", message)
