"""What a client asks for with the parameters of its request for a stream."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic, topic_named
from gateway.domain.period import parse_moment
from gateway.kit.clock import WallTime
from gateway.services.purge import WEBHOOKS_KEPT_FOR
from schema.errors import BAD_REQUEST

_ALLOWANCE = timedelta(minutes=1)
"""A client computes its moment 30 days ago before it sends the request."""

_LARGEST_POSITION = 2**63 - 1
_PARAMETERS = frozenset({"after", "since", "topic"})


class Refusal(Exception):
    """The request is refused with this status, code, message and response headers."""

    def __init__(self, status: int, message: str, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Selection:
    """What a client asks for. `after` is the position behind which the stream begins, None for its default."""

    after: int | None
    since: WallTime | None
    topics: tuple[Topic, ...]


def read_selection(request: Request, now: WallTime) -> Selection:
    """What the request asks for. Raises Refusal (400)."""
    query = request.query_params
    if query.keys() - _PARAMETERS:  # not repeated in the message: it may be a token
        raise Refusal(400, "The parameters are after, since and topic. Send the token in the Authorization header.")
    after, since = _single(query.getlist("after"), "after"), _single(query.getlist("since"), "since")
    last_id = _single(request.headers.getlist("last-event-id"), "Last-Event-ID")
    position = last_id if last_id is not None else after
    return Selection(
        None if position is None else _read_position(position),
        None if since is None else _read_since(since, now),
        _read_topics(query.getlist("topic")),
    )


def _single(values: list[str], name: str) -> str | None:
    if len(values) > 1:
        raise Refusal(400, f"{name} may be there once.")
    return values[0] if values else None


def _read_position(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST_POSITION):
        raise Refusal(400, "Last-Event-ID and after must be the id of an event of this stream, a number.")
    return int(text)


def _read_since(text: str, now: WallTime) -> WallTime:
    try:
        since = WallTime(parse_moment(text))
    except InvalidInput as error:
        raise Refusal(400, f"since: {error.message}") from None
    if not WallTime(now - WEBHOOKS_KEPT_FOR - _ALLOWANCE) <= since <= now + _ALLOWANCE:
        raise Refusal(400, "since must be a moment within the last 30 days.")
    return since


def _read_topics(names: list[str]) -> tuple[Topic, ...]:
    try:
        return tuple(dict.fromkeys(topic_named(name) for name in names)) or tuple(Topic)
    except ValueError:
        raise Refusal(400, "A topic is not known. docs/reference/webhooks.md lists the topics.") from None
