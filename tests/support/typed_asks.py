"""Random asks, drawn from the field types of any adapter, and built-in adapters in other currencies."""

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import InvalidInput
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.period import Period
from merchants.adapter import SAMPLE_NOW, MerchantAdapter
from merchants.policies.tables import read_table

Adapter = MerchantAdapter[Any]

MOMENTS = (
    SAMPLE_NOW,
    datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC),  # a second before clocks in Europe go forward
    datetime(2027, 10, 31, 0, 30, tzinfo=UTC),  # in the hour before they go back
    datetime(2028, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC),
)
moments = st.sampled_from(MOMENTS) | st.integers(0, 13 * 366 * 86400).map(
    lambda seconds: MOMENTS[0] + timedelta(seconds=seconds)
)
"""Times of a request. All policies are in force from 1 November 2026 on."""

_AMOUNT = re.compile(r'((?:maximum|at_most|at_least) = ")([0-9]+\.[0-9]{2})"')
_WORTH = {"CNY": "1", "JPY": "20", "KWD": "0.04", "BHD": "0.05", "CLF": "0.004"}
CURRENCIES = tuple(_WORTH)
"""Currencies with 2, 0, 3, 3 and 4 decimals."""

_offsets = st.sampled_from([timezone(timedelta(minutes=minutes)) for minutes in (-720, -210, 0, 60, 120, 480, 840)])
_lengths = st.integers(1, 60 * 86400) | st.integers(0, 1100).map(lambda days: days * 86400)


@cache
def in_currency(adapter: type[Adapter], currency: str) -> Adapter:
    """The adapter with its policy in another currency, with amounts of the same value."""
    if currency == adapter.policy.currency:
        return adapter()
    file = Path(inspect.getfile(adapter)).with_name("policy.toml")

    def scaled(match: re.Match[str]) -> str:
        return f'{match[1]}{Decimal(match[2]) * Decimal(_WORTH[currency]):.{EXPONENTS[currency]}f}"'

    text = _AMOUNT.sub(scaled, file.read_text(encoding="utf-8")).replace('"CNY"', f'"{currency}"')
    table = read_table(text, adapter.columns, f"{file.parent.name} in {currency}", adapter.benefits)
    other: type[Adapter] = type(adapter.__name__, (adapter,), {"policy": table, "later": ()})
    return other()


@cache
def amounts(adapter: Adapter) -> st.SearchStrategy[int]:
    """Amounts in minor units: small ones, at and around each maximum and bound of the policy, between and far above."""
    rules = [rule for table in adapter.policies for rule in table.rules]
    values = [rule.maximum for rule in rules] + [
        value for rule in rules for cell in rule.when for value in cell.tests.values()
    ]
    caps = {value.minor for value in values if isinstance(value, Money)}
    edges = sorted({edge for cap in caps for edge in (cap - 1, cap, cap + 1)})
    beyond = sorted({cap * times for cap in caps for times in (3, 30, 300)})
    wide = st.integers(0, 12).flatmap(lambda digits: st.integers(1, max(1, 10**digits)))
    return (
        st.integers(1, 120)
        | st.sampled_from(edges)
        | st.integers(1, 2 * max(caps))
        | st.sampled_from(beyond)
        | wide
        | st.just(MAX_MINOR)
    )


@st.composite
def asks(draw: st.DrawFn, adapter: Adapter, now: datetime) -> Any:
    """An ask with a value of the right type in every field. Often, but not always, the adapter's check accepts it."""
    values: dict[str, Any] = {}
    largest = 0
    for field in adapter.ask_fields:
        if field.type is Money:
            minor = draw(amounts(adapter))
            if largest and draw(st.booleans()):  # a car must be worth at least its deposit
                minor = max(minor, largest)
            largest = max(largest, minor)
            values[field.name] = Money(minor, adapter.policy.currency)
        elif field.optional and draw(st.booleans()):
            values[field.name] = None
        else:
            values[field.name] = draw(_periods(now) if field.type is Period else _ANY[field.type])
    return adapter.Ask(**values)


def is_valid(adapter: Adapter, ask: Any, now: datetime) -> bool:
    """Whether the adapter's check accepts the ask."""
    try:
        adapter.check(ask, now)
    except InvalidInput:
        return False
    return True


def with_amount(adapter: Adapter, ask: Any, minor: int) -> Any:
    """The same ask with another amount in its first field of type Money."""
    name = next(field.name for field in adapter.ask_fields if field.type is Money)
    return replace(ask, **{name: Money(minor, adapter.policy.currency)})


def _periods(now: datetime) -> st.SearchStrategy[Period]:
    """Periods from now on. Start and end have their own UTC offsets, as when clocks change or a border is crossed."""

    def period(wait: int, length: int, start_zone: timezone, end_zone: timezone) -> Period:
        start = now + timedelta(seconds=wait)
        end = start + timedelta(seconds=max(length, 1))
        return Period(start.astimezone(start_zone), end.astimezone(end_zone))

    return st.builds(period, st.integers(0, 60 * 86400), _lengths, _offsets, _offsets)


_ANY: dict[type[Any], st.SearchStrategy[Any]] = {
    timedelta: st.integers(7, 90).map(lambda days: timedelta(days=days))
    | st.timedeltas(timedelta(hours=1), timedelta(days=1827)),
    Decimal: st.decimals("0.0001", 100, places=4),
    str: st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=64),
    bool: st.booleans(),
    int: st.integers(1, 1000),
}
"""The values of each type. To make a strategy takes longer than to draw from it."""
