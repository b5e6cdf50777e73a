"""The handlers of the page about the partner's business time."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic, wire_name
from gateway.domain.period import format_moment, parse_moment
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.sandbox.clock import ClockMove, PartnerClock
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.own_forms import FOREIGN_FORM
from gateway.web.pages.partners.desk import CLOCK, Desk
from gateway.web.site.redirects import page_address, see_other
from gateway.web.site.site import Site
from gateway.web.texts import Texts, msgid

LENGTHS = {
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
    "P7D": timedelta(days=7),
    "P30D": timedelta(days=30),
}
"""The lengths by which a button moves the clock, by its value."""

TO_NEXT = "next"
MOST_EVENTS = 100
_TOO_FAR = msgid("The clock cannot be moved so far.")
_NOTHING_DUE = msgid("Nothing falls due later.")


@dataclass(frozen=True, slots=True)
class Move:
    """The move before this page, as in its address: the wall time at which it began, the last position before it, and
    whether it came to its target."""

    began: WallTime
    position: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ClockState:
    """The clock, the next moment at which something falls due, and the events of the move."""

    clock: PartnerClock
    next_due: BusinessTime | None
    events: list[OutboxRow]


def routes(site: Site) -> list[Route]:
    """GET and POST /partners/clock."""
    page = ClockPage(site)
    return [Route(CLOCK, page.show), Route(CLOCK, page.move, methods=["POST"])]


class ClockPage:
    """The page and its buttons."""

    def __init__(self, site: Site) -> None:
        self._desk, self._service = Desk(site), site.container.sandbox.clock

    async def show(self, request: Request) -> Response:
        """The clock, and after a move the events that it caused."""
        session = await self._desk.sessions.require(request)
        move = _read_move(request)
        state = await self._desk.read(lambda unit: self._load(unit, session.partner_id, move))
        texts = self._desk.site.renderer.texts(request)
        return self._desk.page(
            request,
            session,
            "clock/clock.html",
            section=CLOCK,
            now=texts.moment(state.clock.now),
            ahead=texts.length(state.clock.offset) if state.clock.offset else "",
            next_due=texts.moment(state.next_due) if state.next_due else "",
            lengths=[(value, texts.length(length)) for value, length in LENGTHS.items()],
            to_next=TO_NEXT,
            move=move,
            events=[_describe(texts, each) for each in state.events],
            most=MOST_EVENTS,
        )

    async def move(self, request: Request) -> Response:
        """Moves the clock by the `move` of the form, a length or to the next moment at which something falls due; 303
        back to the page. 422 for another value, and for a move that is too long."""
        session, form = await self._desk.sessions.submitted(request)
        wanted = form.get("move", "")
        if wanted not in LENGTHS and wanted != TO_NEXT:
            raise PageError(422, FOREIGN_FORM, address=CLOCK)
        try:
            moved = await run_in_threadpool(self._move, session.partner_id, wanted)
        except InvalidInput:
            raise PageError(422, _TOO_FAR, address=CLOCK) from None
        if moved is None:
            raise PageError(422, _NOTHING_DUE, address=CLOCK)
        parameters = {
            "began": format_moment(moved.began),
            "after": str(moved.position),
            "early": None if moved.is_complete else "1",
        }
        return see_other(page_address(CLOCK, parameters))

    def _move(self, partner_id: str, wanted: str) -> ClockMove | None:
        if wanted != TO_NEXT:
            return self._service.advance(partner_id, LENGTHS[wanted])
        following = self._desk.container.database.read(lambda unit: self._service.find_next(unit, partner_id))
        return None if following is None else self._service.set(partner_id, following)

    def _load(self, unit: UnitOfWork, partner_id: str, move: Move | None) -> ClockState:
        events = (
            [] if move is None else self._service.list_caused(unit, partner_id, move.began, move.position, MOST_EVENTS)
        )
        return ClockState(self._service.read(unit, partner_id), self._service.find_next(unit, partner_id), events)


def _read_move(request: Request) -> Move | None:
    """The move in the address, None if there is none that can be read."""
    parameters = request.query_params
    try:
        began, position = parse_moment(parameters.get("began", "")), int(parameters.get("after", "")[:18])
    except (InvalidInput, ValueError):
        return None
    return Move(WallTime(began), position, parameters.get("early") != "1")


def _describe(texts: Texts, event: OutboxRow) -> tuple[str, str, str]:
    """The topic, the id of the subject and the time of an event."""
    return wire_name(Topic(event.topic)), event.aggregate_id, texts.moment(parse_moment(event.payload["occurredAt"]))
