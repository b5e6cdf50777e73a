"""The scalars of the contract. Invalid syntax is a request error. A value that only the domain can reject (an unknown
currency, too many decimals) is accepted here and becomes a user error with its path."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.duration import format_duration, parse_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.period import format_moment, parse_moment

DecimalText = NewType("DecimalText", str)
"""A plain decimal number as text. It is never converted to a float."""
CurrencyCode = NewType("CurrencyCode", str)
Url = NewType("Url", str)

_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_URL = re.compile(r"https://(?![^/?#]*@)[!-~]{1,2000}", re.ASCII)


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


def _scalar(
    name: str, description: str, serialize: Callable[[Any], Any], parse: Callable[[Any], Any]
) -> ScalarDefinition:
    """A scalar whose errors about a value in the document are located at this value."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return strawberry.scalar(
        name=name, description=description, serialize=serialize, parse_value=parse, parse_literal=parse_literal
    )


SCALARS: dict[object, ScalarDefinition] = {
    datetime: _scalar(
        name="DateTime",
        description="Date and time (RFC 3339), for example 2026-11-02T09:00:00Z. Responses are in UTC. Input may"
        " have any offset, and any number of decimals of a second: those after the sixth are cut off. A leap second is"
        " the second that follows it. The same moment with another offset is the same input.",
        serialize=format_moment,
        parse=_parsed(parse_moment, 'a DateTime is a string, such as "2026-11-02T09:00:00Z"'),
    ),
    timedelta: _scalar(
        name="Duration",
        description="Duration (ISO 8601) in weeks, days, hours, minutes and seconds, for example P7D or PT90M. Not"
        " negative, and at most 3660 days. PT60M and PT1H are the same input.",
        serialize=format_duration,
        parse=_parsed(parse_duration, 'a Duration is a string, such as "P7D"'),
    ),
    DecimalText: _scalar(
        name="Decimal",
        description="Exact decimal number as a string, for example 3000.00. Do not convert it to a float. Equal"
        " numbers, such as 1.5 and 1.50, are the same input.",
        serialize=str,
        parse=_text(_DECIMAL, 'a Decimal is a string with a plain number, such as "3000.00"'),
    ),
    CurrencyCode: _scalar(
        name="CurrencyCode",
        description="Currency code (ISO 4217), for example CNY. A scalar, so that new currencies do not break clients.",
        serialize=str,
        parse=_text(_CURRENCY, "a CurrencyCode is a string of three letters"),
    ),
    Url: _scalar(
        name="URL",
        description="Absolute https URL without user information.",
        serialize=str,
        parse=_text(_URL, "a URL is an absolute https address without user information"),
    ),
}


def optional_text(text: str | None) -> str | None:
    """Returns the text of an optional input, None for null and absent. An empty text stays empty, so that the services
    can reject it."""
    return None if text is None or text is strawberry.UNSET else text
