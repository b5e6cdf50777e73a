"""Relay connections: their types, the page that a caller asks for, and cursors that are valid in one order only."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import strawberry

from gateway.domain.errors import InvalidInput
from gateway.domain.period import format_moment, parse_moment
from gateway.kit import json
from gateway.kit.crypto import base64url
from schema.directives import resolved
from schema.errors import BadUserInput
from schema.types.node import looked_up

DEFAULT, MOST = 20, 100
_LONGEST_CURSOR = 300

Position = tuple[datetime, str]
"""Where an item stands: its time in the connection's order, then its id."""
T = TypeVar("T")
NodeT = TypeVar("NodeT")

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


@strawberry.type(description="One {noun} in a list.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="Opaque position of this {noun}, for after and before.")
    node: NodeT = strawberry.field(description="The {noun}.")


@strawberry.type(description="A page of {noun}s, oldest first.")
class Connection(Generic[NodeT]):
    place: strawberry.Private["Place"]
    items: strawberry.Private[list[NodeT]]

    @resolved("The {noun}s with their cursors.")
    def edges(self) -> list[Edge[NodeT]]:
        return [Edge(cursor=self.place.cursor(number), node=node) for number, node in enumerate(self.items)]

    @resolved("The {noun}s alone.")
    def nodes(self) -> list[NodeT]:
        return self.items

    @resolved("Where this page lies.")
    def page_info(self) -> PageInfo:
        place, last = self.place, len(self.items) - 1
        return PageInfo(
            has_next_page=place.has_next,
            has_previous_page=place.has_previous,
            start_cursor=place.cursor(0) if self.items else None,
            end_cursor=place.cursor(last) if self.items else None,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies in its list: the order, the position of each of its items, and whether there are others."""

    order: str
    positions: Sequence[Position]
    has_next: bool
    has_previous: bool

    def cursor(self, number: int) -> str:
        """The cursor of the item of this number on the page, from 0."""
        return cursor(self.order, self.positions[number])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a caller asks for: `size` items from the front, or from the back if `backward`."""

    size: int
    backward: bool
    after: Position | None
    before: Position | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page in the connection's order."""

    items: Sequence[T]
    has_next: bool
    has_previous: bool

    def place(self, order: str, positions: Sequence[Position]) -> Place:
        """Where the page lies. `positions` are those of its items in this order."""
        return Place(order, positions, self.has_next, self.has_previous)


def page_request(order: str, first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """The page that these arguments ask for; null counts as absent. Raises BadUserInput."""
    if _given(first) and _given(last):
        raise BadUserInput("Give first or last, not both.")
    name, size = ("last", last) if _given(last) else ("first", first if _given(first) else DEFAULT)
    if size is None or not 1 <= size <= MOST:
        raise BadUserInput(f"{name} must be 1 to {MOST}.")
    return PageRequest(
        size=size,
        backward=name == "last",
        after=position("after", order, after) if after else None,
        before=position("before", order, before) if before else None,
    )


def connection_of(
    order: str,
    items: Sequence[tuple[Position, T]],
    node_of: Callable[[T], NodeT],
    request: PageRequest,
) -> Connection[NodeT]:
    """The requested page of a list that is complete, each item with its position. Raises BadUserInput for the cursor
    of another list."""
    places = {at[1]: place for place, (at, _) in enumerate(items)}
    for name, given in (("after", request.after), ("before", request.before)):
        if given is not None and given[1] not in places:
            raise BadUserInput(f"{name} is not a cursor of this list.")
    start = places[request.after[1]] + 1 if request.after else 0
    stop = places[request.before[1]] if request.before else len(items)
    within = items[start:stop]
    page = cut_page(within[::-1] if request.backward else within, request)
    return Connection(
        place=page.place(order, [at for at, _ in page.items]), items=[node_of(item) for _, item in page.items]
    )


def cut_page(items: Sequence[T], request: PageRequest) -> Page[T]:
    """The requested page of items in the direction of `request`, which hold one more than its size if there are
    more."""
    more, items = len(items) > request.size, items[: request.size]
    if request.backward:
        return Page(items[::-1], has_next=request.before is not None, has_previous=more)
    return Page(items, has_next=more, has_previous=request.after is not None)


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
