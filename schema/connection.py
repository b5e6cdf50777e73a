"""Relay connections over keysets: what a caller may ask for, and cursors that only mean something in their order."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import strawberry

from gateway.domain.errors import InvalidInput
from gateway.domain.period import format_moment, parse_moment
from gateway.kit import json
from gateway.kit.crypto import base64url
from schema.errors import BadUserInput
from schema.types.node import looked_up

DEFAULT, MOST = 20, 100
_LONGEST_CURSOR = 300

Position = tuple[datetime, str]
"""Where an item stands: its time in the connection's order, then its id."""
T = TypeVar("T")

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the front, 1 to {MOST}; {DEFAULT} if neither first nor last is given."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description=f"How many from the back, 1 to {MOST}; not with first.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item; null if there is none.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item; null if there is none.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One page as it was asked for: `size` items from the front, or from the back."""

    size: int
    backward: bool
    after: Position | None
    before: Position | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page as it is answered, in the connection's order."""

    items: Sequence[T]
    has_next: bool
    has_previous: bool

    def info(self, cursors: Sequence[str]) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )


def asked(order: str, first: int | None, after: str | None, last: int | None, before: str | None) -> Asked:
    """The page that these arguments ask for; null counts as absent. Raises BadUserInput."""
    if _given(first) and _given(last):
        raise BadUserInput("Give first or last, not both.")
    name, size = ("last", last) if _given(last) else ("first", first if _given(first) else DEFAULT)
    if size is None or not 1 <= size <= MOST:
        raise BadUserInput(f"{name} must be 1 to {MOST}.")
    return Asked(
        size=size,
        backward=name == "last",
        after=position("after", order, after) if after else None,
        before=position("before", order, before) if before else None,
    )


def page(found: Sequence[T], wanted: Asked) -> Page[T]:
    """Cuts what was found, one item more than asked where there is one, walking in the direction of `wanted`."""
    more, items = len(found) > wanted.size, found[: wanted.size]
    if wanted.backward:
        return Page(items[::-1], has_next=wanted.before is not None, has_previous=more)
    return Page(items, has_next=more, has_previous=wanted.after is not None)


def cut(whole: Sequence[tuple[Position, T]], wanted: Asked) -> Page[tuple[Position, T]]:
    """The page of a list that is all there, each item with its position. Raises BadUserInput for a cursor of another
    list."""
    places = {at[1]: place for place, (at, _) in enumerate(whole)}
    for name, given in (("after", wanted.after), ("before", wanted.before)):
        if given is not None and given[1] not in places:
            raise BadUserInput(f"{name} is not a cursor of this list.")
    start = places[wanted.after[1]] + 1 if wanted.after else 0
    stop = places[wanted.before[1]] if wanted.before else len(whole)
    within = whole[start:stop]
    return page(within[::-1] if wanted.backward else within, wanted)


def cursor(order: str, at: Position) -> str:
    """The cursor of a position: opaque to callers, base64url of a JSON array."""
    moment, identifier = at
    return base64url(json.encode([order, format_moment(moment), identifier]))


def position(argument: str, order: str, text: str) -> Position:
    """The position that a cursor of this order names. Raises BadUserInput for any other text."""
    try:
        if len(text) > _LONGEST_CURSOR:
            raise ValueError("too long")
        found_order, moment, identifier = json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = (parse_moment(moment), identifier)
        if found_order != order or cursor(order, at) != text:
            raise ValueError("of another connection")
        if not isinstance(identifier, str) or looked_up(identifier) is None:
            raise ValueError("of nothing of ours")  # it is compared in the database, which refuses a NUL even then
    except (ValueError, TypeError, binascii.Error, InvalidInput):
        raise BadUserInput(f"{argument} is not a cursor of this connection in this order.") from None
    return at


def _given(size: int | None) -> bool:
    return size is not None and size is not strawberry.UNSET
