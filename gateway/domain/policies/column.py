"""The columns of a decision table: their kinds, and the tests of a cell.

Internally each value becomes a key that compares fast: a tier its rank, money its minor units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

Fact = Tier | Money | int | timedelta | bool | str
Key = Any  # int, timedelta, bool or str; the reader of a column ensures that its keys have one type


class ColumnKind(StrEnum):
    """The kind of a column's values: Tier, Money in the table's currency, int, timedelta, bool or word."""

    TIER = "TIER"
    AMOUNT = "AMOUNT"
    COUNT = "COUNT"
    DURATION = "DURATION"
    FLAG = "FLAG"
    WORD = "WORD"


OPERATORS: Mapping[ColumnKind, tuple[str, ...]] = {
    ColumnKind.TIER: ("at_least", "at_most", "one_of"),
    ColumnKind.AMOUNT: ("at_least", "at_most"),
    ColumnKind.COUNT: ("at_least", "at_most", "one_of"),
    ColumnKind.DURATION: ("at_least", "at_most"),
    ColumnKind.FLAG: ("is",),
    ColumnKind.WORD: ("one_of",),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """The test of one column: inclusive bounds, a set of accepted values, or `is_` for a flag."""

    column: str
    at_least: Fact | None = None
    at_most: Fact | None = None
    one_of: tuple[Fact, ...] | None = None
    is_: bool | None = None

    @property
    def tests(self) -> dict[str, Any]:
        """The operators that are set, with their values."""
        named = {"at_least": self.at_least, "at_most": self.at_most, "one_of": self.one_of, "is": self.is_}
        return {operator: value for operator, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The keys that a cell accepts: `members` if it is a set, else from `low` to `high` (None: no upper bound)."""

    members: frozenset[Key] | None = None
    low: Key = None
    high: Key = None

    def predicate(self) -> Callable[[Key], bool]:
        """Returns a function that returns whether a key is accepted."""
        members, low, high = self.members, self.low, self.high
        if members is not None:
            return members.__contains__
        if high is None:
            return lambda key: bool(key >= low)
        return lambda key: bool(low <= key <= high)


def reader(kind: ColumnKind, currency: str) -> Callable[[Any], Key]:
    """Returns a function from a fact to its key. It raises ValueError for a fact of another kind."""

    def amount(value: Any) -> Key:
        if type(value) is not Money or value.currency != currency or value.minor < 0:
            raise ValueError(f"needs Money in {currency}, not negative")
        return value.minor

    return amount if kind is ColumnKind.AMOUNT else _READERS[kind]


def accepted(cell: Cell, kind: ColumnKind, currency: str) -> Accepted:
    """Returns what a cell accepts. Raises ValueError for an operator or a value that does not fit the kind."""
    read, tests = reader(kind, currency), cell.tests
    for operator in tests:
        if operator not in OPERATORS[kind]:
            raise ValueError(f"{operator} does not fit {kind}: use {', '.join(OPERATORS[kind])}")
    if not tests or tests.get("one_of") == ():
        raise ValueError("a cell needs a test")
    if "one_of" in tests and len(tests) > 1:
        raise ValueError("one_of cannot be combined with other tests")
    if "is" in tests:
        return Accepted(members=frozenset({read(tests["is"])}))
    if "one_of" in tests:
        return Accepted(members=frozenset(map(read, tests["one_of"])))
    lowest: Key = timedelta(0) if kind is ColumnKind.DURATION else 0
    low: Key = read(tests["at_least"]) if "at_least" in tests else lowest
    high = read(tests["at_most"]) if "at_most" in tests else None
    if high is not None and low > high:
        raise ValueError("at_least is above at_most")
    if kind is ColumnKind.TIER:  # a set, so that "at_least VERY_GOOD" equals a list of the two highest tiers
        return Accepted(members=frozenset(range(low, len(_RANKS) if high is None else high + 1)))
    return Accepted(low=low, high=high)


_RANKS = {tier: tier.rank for tier in Tier}


def _tier(value: Any) -> Key:
    if type(value) is not Tier:
        raise ValueError("needs a Tier")
    return _RANKS[value]


def _count(value: Any) -> Key:
    if type(value) is not int or value < 0:  # `type`, because True is an int too
        raise ValueError("needs a whole number, not negative")
    return value


def _duration(value: Any) -> Key:
    if type(value) is not timedelta or value < timedelta(0):
        raise ValueError("needs a timedelta, not negative")
    return value


def _flag(value: Any) -> Key:
    if type(value) is not bool:
        raise ValueError("needs true or false")
    return value


def _word(value: Any) -> Key:
    if type(value) is not str:
        raise ValueError("needs a word")
    return value


_READERS: Mapping[ColumnKind, Callable[[Any], Key]] = {
    ColumnKind.TIER: _tier,
    ColumnKind.COUNT: _count,
    ColumnKind.DURATION: _duration,
    ColumnKind.FLAG: _flag,
    ColumnKind.WORD: _word,
}
