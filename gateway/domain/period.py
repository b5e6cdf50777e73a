"""Periods between two times in UTC, and the text form of times: RFC 3339 with a trailing Z."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.errors import InvalidInput

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)  # datetime.fromisoformat also accepts dates without a time, week dates, and offsets such as +08:60
_LEAP_SECOND = "60"


def format_moment(moment: datetime) -> str:
    """Returns RFC 3339 in UTC, "2026-11-02T09:00:00Z". Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def format_milliseconds(moment: datetime) -> str:
    """Returns RFC 3339 in UTC with three digits of the second, "2026-11-02T09:00:00.123Z"; what is below them is cut
    off. Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_moment(text: object) -> datetime:
    """Parses an RFC 3339 text to a datetime in UTC. Raises InvalidInput INVALID for any other text.

    A fraction of a second may have any number of digits; those after the sixth are cut off. A leap second (RFC 3339
    section 5.7) is the second that follows it. It is accepted where one can be: at 23:59:60 UTC on the last day of a
    month.
    """
    match = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        day, hour_and_minute, second, fraction, offset = match.groups()
        is_leap = second == _LEAP_SECOND
        written = f"{day}T{hour_and_minute}{'59' if is_leap else second}.{(fraction or '')[:6]:0<6}{offset.upper()}"
        try:
            moment = datetime.fromisoformat(written).astimezone(UTC)
            if not is_leap:
                return moment
            following = moment + timedelta(seconds=1)
            if following.day == 1 and (following.hour, following.minute, following.second) == (0, 0, 0):
                return following
        except (ValueError, OverflowError):
            pass  # a date that does not exist, such as 31 February, or that is not in the years 1 to 9999 in UTC
    raise InvalidInput("INVALID", 'a time must be RFC 3339, such as "2026-11-02T09:00:00Z"')


@dataclass(frozen=True, slots=True)
class Period:
    """A period from `start` to `end`, both converted to UTC.

    Raises InvalidInput INVALID_PERIOD at ("end",) unless `end` is later, and ValueError for a datetime without a time
    zone.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            object.__setattr__(self, name, _in_utc(getattr(self, name), name))
        if self.end <= self.start:
            raise InvalidInput("INVALID_PERIOD", "end must be later than start", ("end",))

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def document(self) -> dict[str, str]:
        """Returns {"start": "2026-11-02T09:00:00Z", "end": ...}; `from_document` reads it."""
        return {"start": format_moment(self.start), "end": format_moment(self.end)}

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> "Period":
        """Reads a period from its document. Raises InvalidInput with the field that cannot be read."""
        moments = []
        for name in ("start", "end"):
            try:
                moments.append(parse_moment(document[name]))
            except InvalidInput as error:
                raise error.with_prefix(name) from None
        return cls(*moments)


def earliest_start(ask: Mapping[str, Any]) -> datetime | None:
    """Returns the start of the period in an ask (UTC), the earliest if there are several. None for an ask without
    one."""
    starts = (
        parse_moment(value["start"])
        for member in ask.values()
        for value in dict(member).values()
        if isinstance(value, Mapping) and value.keys() == {"start", "end"}
    )
    return min(starts, default=None)


def _in_utc(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("INVALID_PERIOD", f"{name} is outside the years 1 to 9999", (name,)) from None
