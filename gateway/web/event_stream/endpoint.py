"""GET /webhooks/stream: the events of a merchant as server-sent events, for a developer (`gateway sandbox listen`). A
live deployment does not have it.

| what happened                                       | status |
| --------------------------------------------------- | ------ |
| the stream has begun                                | 200    |
| an unknown, repeated or invalid parameter           | 400    |
| no valid token, by the token check                  | 401    |
| the token lacks the scope                           | 403    |
| another method                                      | 405    |
| too many streams of the merchant, or of the process | 429    |
| an outage                                           | 503    |

The stream ends when its token does, at an outage and when the server ends. A client then connects again, with the id of
its last event.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.domain.errors import Unauthenticated
from gateway.domain.events import Topic, wire_name
from gateway.domain.identity.principal import Principal
from gateway.kit import json
from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.outage import Outage, outage_log
from gateway.kit.server_sent_events import MEDIA_TYPE, write_comment, write_event, write_start
from gateway.oauth.token_check import Authentication, TokenCheck
from gateway.services.container import Container
from gateway.services.webhooks.feed import EventFeed, FeedEvent
from gateway.services.webhooks.rendering import EventRenderer
from gateway.web.event_stream.selection import Refusal, Selection, read_selection
from schema.errors import THROTTLED, body, plain

PATH = "/webhooks/stream"
SCOPE = "webhooks:manage"
DELIVERY = "delivery"
"""The field of an event with what the headers of a delivery are made from."""

MOST_PER_MERCHANT, MOST_IN_ALL = 5, 20
"""The largest numbers of open streams of one process."""

POLL_INTERVAL = 0.25
"""Seconds between two looks at the database for one stream."""

TOKEN_CHECK_INTERVAL = 2.0
KEEP_ALIVE_INTERVAL = 15.0
RECONNECT_AFTER = 1.0
BATCH = 50
"""The largest number of events that a stream has in memory."""

_T = TypeVar("_T")
_HEADERS = [
    (b"content-type", f"{MEDIA_TYPE}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class _OpenStreams:
    """The streams of this process by merchant. Used on the event loop."""

    def __init__(self) -> None:
        self._of_merchant: Counter[str] = Counter()

    @contextmanager
    def one_more(self, merchant_id: str) -> Iterator[None]:
        """Counts a stream in the block. Raises Refusal at a limit."""
        if self._of_merchant[merchant_id] >= MOST_PER_MERCHANT:
            raise _too_many(f"The merchant has {MOST_PER_MERCHANT} open streams. End one of them first.")
        if self._of_merchant.total() >= MOST_IN_ALL:
            raise _too_many(f"The server has {MOST_IN_ALL} open streams, and takes no more.")
        self._of_merchant[merchant_id] += 1
        try:
            yield
        finally:
            self._of_merchant[merchant_id] -= 1


def routes(container: Container) -> list[Route]:
    """GET /webhooks/stream."""
    return [Route(PATH, TokenCheck(WebhookStream(container), container))]


class WebhookStream:
    """An ASGI application behind the token check. All streams read the database on one worker thread in turn, so they
    cannot occupy the threads of others."""

    def __init__(self, container: Container) -> None:
        self._container, self._streams, self._turn = container, _OpenStreams(), CapacityLimiter(1)
        self._feed = EventFeed(container.database, EventRenderer(container.registry, container.environment))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream, or a refusal. Raises Unauthenticated and Outage before the response has begun."""
        request = Request(scope, receive)
        authenticate: Authentication = request.state.authenticate
        try:
            principal = await self._run(authenticate)
            _require_scope(principal, request)
            selection = read_selection(request, self._container.clock())
            with self._streams.one_more(principal.merchant_id):
                start = await self._run(lambda: self._start(selection))
                stream = _Stream(self, authenticate, principal, selection, start, send)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_end_at_disconnect, receive, tasks.cancel_scope)
                    await stream.send_events()
                    tasks.cancel_scope.cancel()
        except Refusal as refusal:
            request_id = str(request.state.request_id)
            content = body([plain(refusal.code, refusal.message)], request_id)
            headers = {"Cache-Control": "no-store", **refusal.headers}
            await JSONResponse(content, refusal.status, headers)(scope, receive, send)

    @property
    def is_ending(self) -> bool:
        """Whether the server ends."""
        return self._container.deadlines.is_ending

    def now(self) -> WallTime:
        """The wall time."""
        return self._container.clock()

    async def check(self, authenticate: Authentication) -> Principal:
        """The principal of the token now. Raises Unauthenticated and Outage."""
        return await self._run(authenticate)

    async def list_after(self, merchant_id: str, position: int, selection: Selection) -> list[FeedEvent]:
        """The next events. Raises Outage."""
        return await self._run(
            lambda: self._feed.list_after(
                merchant_id, position, topics=selection.topics, since=selection.since, limit=BATCH
            )
        )

    def _start(self, selection: Selection) -> int:
        if selection.after is not None:
            return selection.after
        return 0 if selection.since is not None else self._feed.last_position()

    async def _run(self, work: Callable[[], _T]) -> _T:
        """Runs work on a worker thread, with a deadline of its own: that of the request is over after some seconds."""
        with self._container.deadlines.running():
            async with self._turn:
                return await anyio.to_thread.run_sync(work)


class _Stream:
    """One stream. `position` is that of the last event that was sent."""

    def __init__(
        self,
        source: WebhookStream,
        authenticate: Authentication,
        principal: Principal,
        selection: Selection,
        position: int,
        send: Send,
    ) -> None:
        self._source, self._authenticate, self._principal = source, authenticate, principal
        self._selection, self._position, self._send = selection, position, send
        self._checked_at = self._sent_at = time.monotonic()

    async def send_events(self) -> None:
        """Sends the response, until the token or the server ends, or the database fails."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._write(write_start(str(self._position), RECONNECT_AFTER))
        try:
            while not self._source.is_ending and await self._is_allowed():
                events = await self._source.list_after(self._principal.merchant_id, self._position, self._selection)
                for each in events:  # a slow reader holds this up, so that no more events are read
                    self._position = each.position
                    await self._write(_text_of(each))
                if time.monotonic() >= self._sent_at + KEEP_ALIVE_INTERVAL:
                    await self._write(write_comment("keep-alive"))
                if len(events) < BATCH:
                    await anyio.sleep(POLL_INTERVAL)
        except Outage as outage:
            if not self._source.is_ending:
                outage_log.report(outage, PATH)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_allowed(self) -> bool:
        """Whether the token is valid and has the scope. Whether it was revoked is checked at intervals."""
        if time.monotonic() >= self._checked_at + TOKEN_CHECK_INTERVAL:
            try:
                self._principal = await self._source.check(self._authenticate)
            except Unauthenticated:
                return False
            self._checked_at = time.monotonic()
        return SCOPE in self._principal.allowed and self._source.now() < self._principal.token_expires_at

    async def _write(self, content: bytes) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": True})
        self._sent_at = time.monotonic()


async def _end_at_disconnect(receive: Receive, stream: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel()


def _text_of(each: FeedEvent) -> bytes:
    event, message = each.event, each.message
    if message is None:
        return write_comment(f"{event.id} could not be rendered, see the log of the server")
    delivery: Mapping[str, object] = {
        "id": event.id,
        "subject": event.aggregate_id,
        "sequence": event.sequence,
        "createdAt": rfc3339(event.created_at),
        "contentType": message.content_type,
        "signature": message.signature,
        "header": message.header,
    }
    return write_event(
        wire_name(Topic(event.topic)),
        message.body.decode("utf-8", "replace"),
        last_id=str(each.position),
        **{DELIVERY: json.encode_text(delivery)},
    )


def _require_scope(principal: Principal, request: Request) -> None:
    if request.method != "GET":
        raise Refusal(405, "The method is GET.", Allow="GET")
    if SCOPE not in principal.allowed:
        scheme = "DPoP" if request.headers["authorization"][:4].lower() == "dpop" else "Bearer"
        challenge = f'{scheme} error="insufficient_scope", scope="{SCOPE}"'
        raise Refusal(
            403, f"The token needs the scope {SCOPE}, of a merchant token.", "FORBIDDEN", WWW_Authenticate=challenge
        )


def _too_many(message: str) -> Refusal:
    return Refusal(429, message, THROTTLED, Retry_After="10")
