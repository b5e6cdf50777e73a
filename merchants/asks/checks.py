"""Checks of an ask's fields that adapters share. Each raises InvalidInput with a path into the ask."""

from datetime import datetime, timedelta

from gateway.domain.errors import InvalidInput
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.period import Period
from gateway.kit.text import is_blank

EARLIEST_START = timedelta(days=1)
"""A period may have started at most this long ago."""
LONGEST_TEXT = 64


def check_amount(amount: Money, currency: str, *path: str) -> None:
    """Raises InvalidInput below `path` unless the amount is in `currency`, above zero and at most MAX_MINOR."""
    if amount.currency != currency:
        raise InvalidInput("UNSUPPORTED_CURRENCY", f"must be {currency}", (*path, "currency"))
    if not 0 < amount.minor <= MAX_MINOR:
        raise InvalidInput("INVALID_AMOUNT", "must be above zero, and not too large", (*path, "amount"))


def check_text(text: str, *path: str) -> None:
    """Raises InvalidInput at `path` unless the text has a visible character and at most LONGEST_TEXT characters. Which
    characters it may have is checked for every text of an ask, when the ask is read."""
    if is_blank(text) or len(text) > LONGEST_TEXT:
        raise InvalidInput("INVALID", f"must be a text of 1 to {LONGEST_TEXT} characters", path)


def check_length(length: timedelta, shortest: timedelta, longest: timedelta, *path: str) -> None:
    """Raises InvalidInput at `path` unless `length` is from `shortest` to `longest`."""
    if not shortest <= length <= longest:
        raise InvalidInput("INVALID", f"must be from {_in_words(shortest)} to {_in_words(longest)}", path)


def check_period(period: Period, now: datetime, furthest: timedelta, longest: timedelta, *path: str) -> None:
    """Raises InvalidInput below `path` unless the period starts at most EARLIEST_START before and at most `furthest`
    after `now`, ends after `now`, and lasts at most `longest`."""
    if period.start < now - EARLIEST_START:
        raise InvalidInput("INVALID_PERIOD", "may not start in the past", (*path, "start"))
    if period.start > now + furthest:
        raise InvalidInput("INVALID_PERIOD", f"must start within {_in_words(furthest)}", (*path, "start"))
    if period.end <= now:
        raise InvalidInput("INVALID_PERIOD", "must end in the future", (*path, "end"))
    if period.length > longest:
        raise InvalidInput("INVALID_PERIOD", f"may last at most {_in_words(longest)}", (*path, "end"))


def _in_words(length: timedelta) -> str:
    return f"{length.days} days" if length.days else f"{length.seconds // 60} minutes"
