"""The scalars of the contract. What a scalar refuses is a request error; what only the domain can refuse
(a currency nobody knows, too many decimals) passes here and comes back in userErrors with its path."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.period import format_moment, parse_moment

DecimalText = NewType("DecimalText", str)
"""A plain decimal number as text; no float is ever made of it."""
CurrencyCode = NewType("CurrencyCode", str)
Url = NewType("Url", str)

_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_URL = re.compile(r"https://[!-~]{1,2000}", re.ASCII)


def _text(pattern: re.Pattern[str], expected: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise GraphQLError(expected)
        return value

    return parse


def _parsed(parse: Callable[[str], Any], expected: str) -> Callable[[Any], Any]:
    def parse_value(value: Any) -> Any:
        if not isinstance(value, str):
            raise GraphQLError(expected)
        try:
            return parse(value)
        except InvalidInput as error:
            raise GraphQLError(error.message) from None

    return parse_value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 date and time, always sent in UTC with a trailing Z.",
        serialize=format_moment,
        parse_value=_parsed(parse_moment, 'a DateTime is a string, such as "2026-11-02T09:00:00Z"'),
    ),
    timedelta: strawberry.scalar(
        name="Duration",
        description="ISO 8601 duration, for example P7D or PT90M.",
        serialize=format_duration,
        parse_value=_parsed(parse_duration, 'a Duration is a string, such as "P7D"'),
    ),
    DecimalText: strawberry.scalar(
        name="Decimal",
        description="Exact decimal, sent as a string; never a float.",
        serialize=str,
        parse_value=_text(_DECIMAL, 'a Decimal is a string with a plain number, such as "3000.00"'),
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="ISO 4217 currency code, for example CNY. A scalar, so a new currency never breaks a client.",
        serialize=str,
        parse_value=_text(_CURRENCY, "a CurrencyCode is a string of three letters"),
    ),
    Url: strawberry.scalar(
        name="URL",
        description="Absolute https URL.",
        serialize=str,
        parse_value=_text(_URL, "a URL is an absolute https address"),
    ),
}


def given(text: str | None) -> str | None:
    """What was sent for an optional input, None for null and for nothing. An empty text stays one: it is for the
    services to refuse, not for us to overlook."""
    return None if text is None or text is strawberry.UNSET else text
