"""The GraphQL endpoint: POST only, JSON only, one operation at a time (GraphQL over HTTP, working draft).

| what happened                                          | status |
| ------------------------------------------------------ | ------ |
| the operation ran, with or without field errors        | 200    |
| parsing, validation, variables or operation name fail  | 400, but 200 where only application/json is accepted |
| documentId names no registered document of the client, or a text is sent where only these are executed | the same |
| the body is not JSON, or not a GraphQL request         | 400    |
| an unknown hash in extensions.persistedQuery, or one with a text | 200, as Apollo Server answers |
| no valid token, by the token check                     | 401    |
| the client has too few points left                     | 429, with Retry-After |
| another method; Accept; too large; Content-Type        | 405, 406, 413, 415 |
| the client has too many documents in the queue         | 429    |
| the queue is full                                      | 503    |
| an unexpected exception, also in the encoding          | 500    |
| an outage or a deadline, and nothing of the document ran | 503, with Retry-After |

A request error has no `data`. The statuses are those that the audits of graphql-http expect.
"""

import asyncio
from collections.abc import Mapping
from math import inf
from typing import Any
from uuid import uuid4

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from gateway.domain.api_version import API_VERSION
from gateway.kit import json
from gateway.kit.deadline import Deadline, DeadlineExceeded, current_deadline
from gateway.kit.deliveries import LoopDeliveries
from gateway.kit.outage import RETRY_AFTER
from gateway.oauth.token_check import Authentication
from gateway.web.document_queue import SEND_AGAIN_AFTER, DocumentQueue, QueueFull
from gateway.web.metrics import CLIENT_QUEUE_FULL, POINTS, QUEUE_FULL, Metrics
from gateway.web.negotiation import GRAPHQL_RESPONSE, JSON, choose_media_type, is_json
from gateway.web.watch import Watch
from gateway.web.worker_threads import WorkerThreads
from schema.engine import Engine, Executed, GraphQLRequest
from schema.errors import (
    BAD_REQUEST,
    NOT_SUPPORTED,
    PERSISTED_QUERY_NOT_SUPPORTED,
    THROTTLED,
    UNAVAILABLE,
    body,
    internal,
    plain,
    unavailable,
)

COST_DEBUG = "x-cost-debug"
"""A request header. In a sandbox its value "fields" adds the cost of each field to the response."""


_CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in (JSON, GRAPHQL_RESPONSE)}

_Response = tuple[int, bytes, int | None]
"""Status and body of a response, and the seconds after which the request can be sent again."""


class _Refusal(Exception):
    """The request is refused with this status, message and response headers."""

    def __init__(self, status: int, message: str, *, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers


class _Busy(_Refusal):
    """The document cannot wait in the queue."""

    def __init__(self, *, by_client: bool) -> None:
        message = "This client has too many waiting requests." if by_client else "Too many requests are waiting."
        super().__init__(
            429 if by_client else 503,
            f"{message} Nothing was executed. Send the request again later.",
            code=THROTTLED if by_client else UNAVAILABLE,
            **{"Retry-After": str(SEND_AGAIN_AFTER)},
        )


class _Disconnected(Exception):
    """The client disconnected before its request was complete."""


class GraphQLEndpoint:
    """An ASGI application for PATH and DATED_PATH, behind a middleware that sets scope["state"]["authenticate"].

    The token check, parsing, execution and the unit of work run on one thread of the queue, when the document has its
    turn. If the document must wait and the client of its token is not known, the token is checked first. A waiting
    document is not executed if its client has disconnected or its deadline is over; a running one is ended, except for
    a commit that has begun. The middleware handles Unauthenticated.
    """

    def __init__(
        self,
        engine: Engine,
        queue: DocumentQueue,
        threads: WorkerThreads,
        metrics: Metrics | None = None,
        *,
        largest_body: int,
    ) -> None:
        self._engine, self._queue, self._threads, self._largest_body = engine, queue, threads, largest_body
        self._deliveries = LoopDeliveries()
        self._metrics = metrics or Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: Mapping[str, Any] = scope.get("state", {})
        request_id = str(state.get("request_id") or uuid4().hex)
        headers = Headers(scope=scope)
        media_type = choose_media_type(", ".join(headers.getlist("accept")))
        authenticate: Authentication = state["authenticate"]
        try:
            _check_headers(scope, media_type, headers)
            request = _read(await _body(headers, receive, self._largest_body), headers)
        except _Disconnected:
            return
        except _Refusal as refusal:
            # A missing token is reported first.
            await to_thread.run_sync(authenticate, limiter=self._threads.token_checks)
            await _refuse(send, refusal, request_id, media_type or JSON)
            return
        try:
            response = await self._execute(request, authenticate, request_id, media_type, receive)
        except QueueFull as full:
            self._metrics.count_refusal(CLIENT_QUEUE_FULL if full.by_client else QUEUE_FULL)
            await _refuse(send, _Busy(by_client=full.by_client), request_id, media_type or JSON)
            return
        if response is not None:
            status, content, retry_after = response
            extra = {} if retry_after is None else {"Retry-After": str(retry_after)}
            await _send_response(send, status, content, media_type or JSON, extra)

    async def _execute(
        self,
        request: GraphQLRequest,
        authenticate: Authentication,
        request_id: str,
        media_type: str | None,
        receive: Receive,
    ) -> _Response | None:
        """Returns the response when a thread of the queue has executed the document. None if the client disconnects
        while the document waits. Raises QueueFull, and what the token check raises."""
        deadline, deliveries = current_deadline() or Deadline(inf), self._deliveries.of_running_loop()
        if authenticate.client_id is None and not self._queue.is_free_for(""):
            await to_thread.run_sync(authenticate, limiter=self._threads.token_checks)
        done: asyncio.Future[_Response | None] = deliveries.loop.create_future()

        def run() -> None:
            try:
                response = self._respond(request, authenticate, request_id, media_type)
            except BaseException as error:  # noqa: BLE001  # it is raised by the request
                deliveries.deliver(done, None, error)
            else:
                deliveries.deliver(done, response)

        def give_up() -> None:
            if self._queue.remove(document) and not done.done():
                done.set_result(None)

        document, watch = self._queue.put(authenticate.client_id or "", run), Watch(receive, deadline)
        try:
            watch.start(give_up)
            response = await done
        finally:
            watch.end()
            self._queue.remove(document)  # if the server cancels the request
        if response is None and not watch.is_gone:
            content = json.encode(body([unavailable(DeadlineExceeded(), request_id)], request_id))
            return 503, content, RETRY_AFTER
        return response

    def _respond(
        self, request: GraphQLRequest, authenticate: Authentication, request_id: str, media_type: str | None
    ) -> _Response:
        with self._engine.one_snapshot():
            principal = authenticate()
            try:
                executed = self._engine.execute(request, principal, request_id)
                content = json.encode(executed.body)
            except Exception as error:  # noqa: BLE001  # whatever it is, the response is JSON of GraphQL
                return 500, json.encode(body([internal(request_id, error)], request_id)), None
        if executed.unavailable:
            return 503, content, RETRY_AFTER
        if executed.retry_after is not None:
            self._metrics.count_refusal(POINTS)
            return 429, content, executed.retry_after
        is_request_error = not executed.ran and media_type == GRAPHQL_RESPONSE and not _is_not_supported(executed)
        return 400 if is_request_error else 200, content, None


def _is_not_supported(executed: Executed) -> bool:
    return bool(executed.body["errors"][0]["extensions"]["code"] == PERSISTED_QUERY_NOT_SUPPORTED)


def _check_headers(scope: Scope, media_type: str | None, headers: Headers) -> None:
    """Raises _Refusal for a wrong method, Accept, Content-Type or Content-Encoding."""
    if scope["method"] != "POST":
        raise _Refusal(405, "Send a POST request.", Allow="POST")
    if media_type is None:
        raise _Refusal(406, f"Accept must allow {GRAPHQL_RESPONSE} or {JSON}.")
    if not is_json(headers.get("content-type")) or headers.get("content-encoding", "identity") != "identity":
        raise _Refusal(415, f"The request must be {JSON} in UTF-8, without Content-Encoding.")


async def _body(headers: Headers, receive: Receive, largest: int) -> bytes:
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or len(announced) > 9 or int(announced) > largest:
        raise _too_large(largest)
    received = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        received += message.get("body", b"")
        if len(received) > largest:
            raise _too_large(largest)
        if not message.get("more_body", False):
            return bytes(received)


def _too_large(largest: int) -> _Refusal:
    return _Refusal(413, f"A request may have at most {largest} bytes.")


def _read(content: bytes, headers: Headers) -> GraphQLRequest:
    try:
        request = json.decode_unique(json.without_mark(content))
    except ValueError:
        raise _Refusal(400, "The body is not JSON, or has a member twice.") from None
    if isinstance(request, list):
        raise _Refusal(400, "Batches are not supported. Send one operation at a time.")
    if not isinstance(request, dict):
        raise _Refusal(400, "The body must be a JSON object.")
    query, name, document_id = request.get("query"), request.get("operationName"), request.get("documentId")
    variables, extensions = request.get("variables"), request.get("extensions")
    is_persisted_query = isinstance(extensions, dict) and "persistedQuery" in extensions
    if is_persisted_query:
        document_id = _persisted_query_id(request)
    if document_id is not None and query is not None:
        raise _Refusal(400, "Send query or documentId, not both.")
    if document_id is not None and not (isinstance(document_id, str) and document_id):
        raise _Refusal(400, "documentId must be a string that is not empty.")
    if document_id is None and not (isinstance(query, str) and query.strip()):
        raise _Refusal(400, "query must be a string that is not empty.")
    if not isinstance(name, str | None):
        raise _Refusal(400, "operationName must be a string.")
    if not isinstance(variables, dict | None) or not isinstance(extensions, dict | None):
        raise _Refusal(400, "variables and extensions must be objects.")
    return GraphQLRequest(
        query, variables, name or None, headers.get(COST_DEBUG) == "fields", document_id, is_persisted_query
    )


def _persisted_query_id(request: Mapping[str, Any]) -> str:
    """Returns the identifier in `extensions.persistedQuery`, as Apollo Client sends that of a document in a manifest.
    Raises _Refusal for a request that also has a text, with which a client would register it: message, code and status
    are Apollo Server's, and the client then sends its documents in full."""
    persisted_query = request["extensions"]["persistedQuery"]
    document_id = persisted_query.get("sha256Hash") if isinstance(persisted_query, dict) else None
    is_alone = request.get("query") is None and request.get("documentId") is None
    if is_alone and isinstance(document_id, str) and document_id:
        return document_id
    raise _Refusal(200, NOT_SUPPORTED, code=PERSISTED_QUERY_NOT_SUPPORTED)


async def _refuse(send: Send, refusal: _Refusal, request_id: str, media_type: str) -> None:
    content = json.encode(body([plain(refusal.code, refusal.message)], request_id))
    await _send_response(send, refusal.status, content, media_type, refusal.headers)


async def _send_response(send: Send, status: int, content: bytes, media_type: str, extra: Mapping[str, str]) -> None:
    headers = [
        (b"content-type", _CONTENT_TYPES[media_type]),
        (b"content-length", b"%d" % len(content)),
        (b"cache-control", b"no-store"),
        (b"x-api-version", API_VERSION.encode()),
        *((name.lower().encode(), value.encode()) for name, value in extra.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
