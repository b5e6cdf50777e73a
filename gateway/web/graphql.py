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
from dataclasses import dataclass, replace
from math import inf
from typing import Any
from uuid import uuid4

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from gateway.domain.api_version import API_VERSION
from gateway.domain.fault import Fault, FaultKind
from gateway.domain.identity.principal import Principal
from gateway.kit import json
from gateway.kit.deadline import Deadline, DeadlineExceeded, current_deadline
from gateway.kit.deliveries import LoopDeliveries
from gateway.kit.outage import RETRY_AFTER
from gateway.oauth.token_check import Authentication
from gateway.services.sandbox.faults import SandboxFaultService
from gateway.web.document_queue import SEND_AGAIN_AFTER, DocumentQueue, QueueFull
from gateway.web.faults import HTML, close_connection
from gateway.web.faults import respond as respond_with_fault
from gateway.web.graphql_request import Disconnected, Refusal, check_headers, read_body, read_request
from gateway.web.metrics import CLIENT_QUEUE_FULL, POINTS, QUEUE_FULL, Metrics
from gateway.web.negotiation import GRAPHQL_RESPONSE, JSON, choose_media_type
from gateway.web.watch import Watch
from gateway.web.worker_threads import WorkerThreads
from schema.engine import Engine, Executed, GraphQLRequest
from schema.errors import (
    PERSISTED_QUERY_NOT_SUPPORTED,
    THROTTLED,
    UNAVAILABLE,
    body,
    internal,
    plain,
    unavailable,
)

_CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in (JSON, GRAPHQL_RESPONSE, HTML)}


@dataclass(frozen=True, slots=True)
class _Response:
    """A response: its status and body, and the seconds after which the request can be sent again. `media_type` is that
    of the response of a proxy, None for the negotiated one. `delay` and `is_lost` are injected faults: how many seconds
    later it is sent, and whether the connection is closed instead."""

    status: int
    content: bytes
    retry_after: int | None = None
    media_type: str | None = None
    delay: float = 0
    is_lost: bool = False


class _Busy(Refusal):
    """The document cannot wait in the queue."""

    def __init__(self, *, by_client: bool) -> None:
        message = "This client has too many waiting requests." if by_client else "Too many requests are waiting."
        super().__init__(
            429 if by_client else 503,
            f"{message} Nothing was executed. Send the request again later.",
            code=THROTTLED if by_client else UNAVAILABLE,
            **{"Retry-After": str(SEND_AGAIN_AFTER)},
        )


class GraphQLEndpoint:
    """An ASGI application for PATH and DATED_PATH, behind a middleware that sets scope["state"]["authenticate"].

    The token check, parsing, execution and the unit of work run on one thread of the queue, when the document has its
    turn. If the document must wait and the client of its token is not known, the token is checked first. A waiting
    document is not executed if its client has disconnected or its deadline is over; a running one is ended, except for
    a commit that has begun. The middleware handles Unauthenticated. Only a sandbox has `faults`.
    """

    def __init__(
        self,
        engine: Engine,
        queue: DocumentQueue,
        threads: WorkerThreads,
        metrics: Metrics | None = None,
        *,
        largest_body: int,
        faults: SandboxFaultService | None = None,
    ) -> None:
        self._faults = faults
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
            check_headers(scope, media_type, headers)
            request = read_request(await read_body(headers, receive, self._largest_body), headers)
        except Disconnected:
            return
        except Refusal as refusal:
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
            if response.delay:
                await asyncio.sleep(response.delay)
            if response.is_lost:
                close_connection(scope)
                return
            extra = {} if response.retry_after is None else {"Retry-After": str(response.retry_after)}
            sent_as = response.media_type or media_type or JSON
            await _send_response(send, response.status, response.content, sent_as, extra)

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
            return _Response(503, content, RETRY_AFTER)
        return response

    def _respond(
        self, request: GraphQLRequest, authenticate: Authentication, request_id: str, media_type: str | None
    ) -> _Response:
        with self._engine.one_snapshot():
            principal = authenticate()
            if principal.has_faults and self._faults is not None:
                fault = self._take_fault(self._faults, request, principal, authenticate)
                if fault is not None:
                    return self._respond_with_fault(fault, request, principal, request_id, media_type)
            return self._respond_to(request, principal, request_id, media_type)

    def _take_fault(
        self, faults: SandboxFaultService, request: GraphQLRequest, principal: Principal, authenticate: Authentication
    ) -> Fault | None:
        """Returns the injected fault of a call. Raises UseDpopNonceError if that is the fault."""
        if self._engine.reads_sandbox_only(request, principal):
            return None
        fault = faults.take(principal, authenticate)
        if fault is not None and fault.kind is FaultKind.DPOP_NONCE:
            authenticate.demand_nonce(fault.value or "")
        return fault

    def _respond_with_fault(
        self, fault: Fault, request: GraphQLRequest, principal: Principal, request_id: str, media_type: str | None
    ) -> _Response:
        faulty = respond_with_fault(fault, request_id, media_type)
        if faulty is not None:
            return _Response(faulty.status, faulty.content, faulty.retry_after, faulty.media_type)
        response = self._respond_to(request, replace(principal, fault=fault), request_id, media_type)
        is_lost = fault.kind is FaultKind.DROP_RESPONSE
        return replace(response, delay=fault.latency.total_seconds(), is_lost=is_lost)

    def _respond_to(
        self, request: GraphQLRequest, principal: Principal, request_id: str, media_type: str | None
    ) -> _Response:
        try:
            executed = self._engine.execute(request, principal, request_id)
            content = json.encode(executed.body)
        except Exception as error:  # noqa: BLE001  # whatever it is, the response is JSON of GraphQL
            return _Response(500, json.encode(body([internal(request_id, error)], request_id)))
        if executed.unavailable:
            return _Response(503, content, RETRY_AFTER)
        if executed.retry_after is not None:
            self._metrics.count_refusal(POINTS)
            return _Response(429, content, executed.retry_after)
        is_request_error = not executed.ran and media_type == GRAPHQL_RESPONSE and not _is_not_supported(executed)
        return _Response(400 if is_request_error else 200, content)


def _is_not_supported(executed: Executed) -> bool:
    return bool(executed.body["errors"][0]["extensions"]["code"] == PERSISTED_QUERY_NOT_SUPPORTED)


async def _refuse(send: Send, refusal: Refusal, request_id: str, media_type: str) -> None:
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
