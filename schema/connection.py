"""Relay connections: their types, page requests, and cursors that are valid in one order only."""

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
from schema.types.node import parse_id

DEFAULT_SIZE, MAX_SIZE = 20, 100
_LONGEST_CURSOR = 300

Position = tuple[datetime, str]
"""The position of an item: its time in the connection's order, then its id."""
T = TypeVar("T")
NodeT = TypeVar("NodeT")

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Number of items from the start, 1 to {MAX_SIZE}. {DEFAULT_SIZE} if first and last are absent."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only items after this cursor.")]
Last = Annotated[
    int | None,
    strawberry.argument(description=f"Number of items from the end, 1 to {MAX_SIZE}. Not together with first."),
]
Before = Annotated[str | None, strawberry.argument(description="Only items before this cursor.")]


@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    bounds: strawberry.Private["PageBounds"]
    size: strawberry.Private[int]

    @resolved("Whether there are items after this page.")
    def has_next_page(self) -> bool:
        return self.bounds.has_next

    @resolved("Whether there are items before this page.")
    def has_previous_page(self) -> bool:
        return self.bounds.has_previous

    @resolved("Cursor of the first item. Null if the page is empty.")
    def start_cursor(self) -> str | None:
        return self.bounds.cursor(0) if self.size else None

    @resolved("Cursor of the last item. Null if the page is empty.")
    def end_cursor(self) -> str | None:
        return self.bounds.cursor(self.size - 1) if self.size else None


@strawberry.type(description="One {noun} in a list.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="Opaque position of the {noun}. Pass it as after or before.")
    node: NodeT = strawberry.field(description="The {noun}.")


@strawberry.type(description="A page of {nouns}.")
class Connection(Generic[NodeT]):
    bounds: strawberry.Private["PageBounds"]
    items: strawberry.Private[list[NodeT]]

    @resolved("The {nouns} with their cursors.")
    def edges(self) -> list[Edge[NodeT]]:
        return [Edge(cursor=self.bounds.cursor(number), node=node) for number, node in enumerate(self.items)]

    @resolved("The {nouns} without cursors.")
    def nodes(self) -> list[NodeT]:
        return self.items

    @resolved("Position of this page in the list.")
    def page_info(self) -> PageInfo:
        return PageInfo(bounds=self.bounds, size=len(self.items))


@dataclass(frozen=True, slots=True)
class PageBounds:
    """The position of a page in its list: the order, the position of an item by its index on the page, and whether
    there are other items."""

    order: str
    position: Callable[[int], Position]
    has_next: bool
    has_previous: bool

    def cursor(self, index: int) -> str:
        """Returns the cursor of an item by its index on the page."""
        return cursor(self.order, self.position(index))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page: `size` items from the start, or from the end if `backward`."""

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

    def bounds(self, order: str, position_of: Callable[[T], Position]) -> PageBounds:
        """Returns the page's position in the list. `position_of` returns the position of an item in this order."""
        return PageBounds(order, lambda index: position_of(self.items[index]), self.has_next, self.has_previous)


def page_request(order: str, first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Returns the page request of these arguments; null counts as absent. Raises BadUserInput."""
    if _is_present(first) and _is_present(last):
        raise BadUserInput("Use first or last, not both.")
    name, size = ("last", last) if _is_present(last) else ("first", first if _is_present(first) else DEFAULT_SIZE)
    if size is None or not 1 <= size <= MAX_SIZE:
        raise BadUserInput(f"{name} must be 1 to {MAX_SIZE}.")
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
    """Returns the requested page of a complete list of items with their positions. Raises BadUserInput for the cursor
    of another list."""
    indexes = {at[1]: index for index, (at, _) in enumerate(items)}
    for name, position_ in (("after", request.after), ("before", request.before)):
        if position_ is not None and position_[1] not in indexes:
            raise BadUserInput(f"{name} is not a cursor of this list.")
    start = indexes[request.after[1]] + 1 if request.after else 0
    stop = indexes[request.before[1]] if request.before else len(items)
    selected = items[start:stop]
    page = cut_page(selected[::-1] if request.backward else selected, request)
    return Connection(bounds=page.bounds(order, lambda item: item[0]), items=[node_of(item) for _, item in page.items])


def load_page(request: PageRequest, load: Callable[..., Sequence[T]]) -> Page[T]:
    """Returns the page of a list whose cursors are ids. `load` takes the number of items, and `backward`, `after` and
    `before`; it raises InvalidInput for the id of an item of another list. Raises BadUserInput for such a cursor."""
    after, before = (at[1] if at else None for at in (request.after, request.before))
    try:
        items = load(request.size + 1, backward=request.backward, after=after, before=before)
    except InvalidInput as error:
        raise BadUserInput(f"{(error.field or ('cursor',))[0]} is not a cursor of this list.") from None
    return cut_page(items, request)


def cut_page(items: Sequence[T], request: PageRequest) -> Page[T]:
    """Returns the requested page. `items` are in the direction of `request`, and one more than its size if the list
    goes on."""
    more, items = len(items) > request.size, items[: request.size]
    if request.backward:
        return Page(items[::-1], has_next=request.before is not None, has_previous=more)
    return Page(items, has_next=more, has_previous=request.after is not None)


def cursor(order: str, at: Position) -> str:
    """Returns the cursor of a position: base64url of a JSON array, opaque to callers."""
    moment, identifier = at
    return base64url(json.encode([order, format_moment(moment), identifier]))


def position(argument: str, order: str, text: str) -> Position:
    """Returns the position in a cursor of this order. Raises BadUserInput for any other text."""
    try:
        if len(text) > _LONGEST_CURSOR:
            raise ValueError("too long")
        cursor_order, moment, identifier = json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = (parse_moment(moment), identifier)
        if cursor_order != order or cursor(order, at) != text:
            raise ValueError("another connection")
        if not isinstance(identifier, str) or parse_id(identifier) is None:
            raise ValueError("no id")  # the database compares it, and rejects a NUL
    except (ValueError, TypeError, binascii.Error, InvalidInput):
        raise BadUserInput(f"{argument} is not a cursor of this connection in this order.") from None
    return at


def _is_present(size: int | None) -> bool:
    return size is not None and size is not strawberry.UNSET
