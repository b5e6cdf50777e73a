"""Values and exceptions of resolvers that fail."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from graphql import GraphQLError, Undefined

Record = Callable[..., None]


class WithMessage(Exception):
    """An exception whose message is an attribute."""

    def __init__(self) -> None:
        super().__init__("the text")
        self.message = "the message"


class Unreadable:
    """A value that cannot be iterated, although it has the method."""

    def __iter__(self) -> Iterator[Any]:
        raise ValueError("not readable")

    def __repr__(self) -> str:
        return "<unreadable>"


class RaisingOnce:
    """An iterator that raises between its items."""

    def __init__(self, record: Record) -> None:
        self._record, self._step = record, 0

    def __iter__(self) -> "RaisingOnce":
        return self

    def __next__(self) -> Any:
        self._step += 1
        self._record("step", self._step)
        if self._step == 2:
            raise ArithmeticError("the second item")
        if self._step == 4:
            raise StopIteration
        return None

    def __repr__(self) -> str:
        return "<raising once>"


def _raising(record: Record) -> Iterator[Any]:
    yield None
    record("raises")
    raise ArithmeticError("the end of the items")


def fail(random: Random, record: Record) -> Any:
    """Raises an exception, or returns a value that is wrong for most types."""
    kind = random.randrange(18)
    raised: dict[int, Exception] = {
        0: ValueError("broken"),
        1: KeyError("key"),
        2: StopIteration(),
        3: WithMessage(),
        4: GraphQLError("for clients", extensions={"code": "X"}),
        5: GraphQLError("located elsewhere", path=["elsewhere", 0]),
    }
    if kind in raised:
        raise raised[kind]
    returned: dict[int, Callable[[], Any]] = {
        6: lambda: ValueError("returned"),
        7: lambda: GraphQLError("returned", extensions={"code": "Y"}),
        8: lambda: None,
        9: lambda: Undefined,
        10: lambda: "text",
        11: lambda: random.choice([0, 1, 2, 7, 2**40, float("nan"), float("inf")]),
        12: lambda: {"key": "value"},
        13: lambda: [None, "text", 7, ValueError("in a list"), []],
        14: Unreadable,
        15: lambda: RaisingOnce(record),
        16: lambda: _raising(record),
        17: lambda: (None, (1, (ValueError("deep"),))),
    }
    return returned[kind]()


def wrong_type(random: Random) -> Any:
    """Returns what a type resolver must not return, or raises."""
    name = random.choice([None, "Query", "I0", "Nowhere", "String", 5, "D", "raise"])
    if name == "raise":
        raise LookupError("no type")
    return name
