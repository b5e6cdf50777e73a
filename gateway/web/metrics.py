"""What a server counts about itself, and the endpoint for it, which has an address of its own.

No number is about a client, a merchant or a person: all labels are in this file.
"""

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.metrics import CONTENT_TYPE, Histogram, Metric, MetricTable, SharedNumbers, create_numbers
from gateway.sources.remote.failures import FETCHED, STALE, UNAVAILABLE, Cause
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from schema.compiled.reasons import Reason

PATH = "/metrics"
GRAPHQL, PAGES = "graphql", "pages"
_ROUTES = {
    "graphql": GRAPHQL,
    "oauth": "oauth",
    ".well-known": "oauth",
    "healthz": "health",
    "readyz": "health",
    "static": "static",
    "schema.graphql": "static",
    "webhooks": "streams",
}
"""The group of a path, by its first segment. All others are pages."""

_GROUPS = (GRAPHQL, "oauth", PAGES, "static", "health", "streams")
_STATUSES = ("2xx", "3xx", "4xx", "5xx", "none")
_NO_STATUS = 6
_COMPILED, _GRAPHQL_CORE = "compiled", "graphql-core"
_CACHES = (("texts",), ("trusted",))
QUEUE_FULL, CLIENT_QUEUE_FULL, POINTS = "queue_full", "client_queue_full", "points"

EXECUTIONS = Metric(
    "gateway_graphql_executions_total",
    "counter",
    "Executed operations, by executor and, for graphql-core, by the reason why no compiled function was used.",
    ("executor", "reason"),
    ((_COMPILED, ""), *((_GRAPHQL_CORE, each.name.lower()) for each in Reason)),
)
OPERATIONS = Metric(
    "gateway_compiled_operations",
    "gauge",
    "Operations in the caches of compiled operations, by the kind of their documents.",
    ("documents",),
    _CACHES,
)
OPERATION_BYTES = Metric(
    "gateway_compiled_operations_bytes",
    "gauge",
    "Estimated size of the caches of compiled operations.",
    ("documents",),
    _CACHES,
)
REQUESTS = Metric(
    "gateway_http_requests_total",
    "counter",
    "HTTP requests, by group of routes and status; none if the client disconnected before a response.",
    ("route", "status"),
    tuple((group, status) for group in _GROUPS for status in _STATUSES),
)
RATE_LIMITED = Metric(
    "gateway_http_rate_limited_total",
    "counter",
    "Responses with status 429, by group of routes.",
    ("route",),
    tuple((group,) for group in _GROUPS),
)
DURATION = Histogram(
    "gateway_graphql_duration_seconds",
    "Time of GraphQL requests, from the header to the end of the response, with the time in the queue.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
REFUSALS = Metric(
    "gateway_graphql_refusals_total",
    "counter",
    "Documents that were refused because of the load: the queue is full, the client has too many documents in it, or"
    " the client has too few points.",
    ("reason",),
    ((QUEUE_FULL,), (CLIENT_QUEUE_FULL,), (POINTS,)),
)
WAITING = Metric("gateway_graphql_waiting", "gauge", "Documents that wait in the queue.")
UNITS = Metric("gateway_sqlite_units_total", "counter", "Committed units of work that write, on SQLite.")
COMMITS = Metric("gateway_sqlite_commits_total", "counter", "Commits on SQLite. Units that waited together share one.")
SCORES = Metric(
    "gateway_remote_scores_total",
    "counter",
    "Requests for a score that the remote provider was needed for, by outcome and, if it gave no usable answer, by the"
    " cause.",
    ("outcome", "cause"),
    (
        (FETCHED, ""),
        *((outcome, cause.value) for outcome in (STALE, UNAVAILABLE) for cause in Cause),
    ),
)
WEBHOOKS = Metric(
    "gateway_webhook_attempts_total",
    "counter",
    "Attempts to deliver a webhook, by what they led to: delivered, pending (it is tried again), or failed (given up).",
    ("outcome",),
    tuple((each.value.lower(),) for each in DeliveryStatus),
)
LOGGED = Metric(
    "gateway_request_log_entries_total",
    "counter",
    "GraphQL requests for the request log of a sandbox: written, or dropped because too many came at once or the"
    " database could not be used.",
    ("outcome",),
    (("written",), ("dropped",)),
)
WORKERS = Metric("gateway_serving_processes", "gauge", "Processes that serve.")

TABLE = MetricTable(
    (
        *(EXECUTIONS, OPERATIONS, OPERATION_BYTES, REQUESTS, RATE_LIMITED, DURATION, REFUSALS, WAITING, UNITS, COMMITS),
        *(SCORES, WEBHOOKS, LOGGED, WORKERS),
    )
)


class Metrics:
    """The metrics of this process. Safe to use from any thread."""

    def __init__(self, numbers: SharedNumbers | None = None) -> None:
        self._numbers = numbers or create_numbers(TABLE.size)
        executions, requests = TABLE.places(EXECUTIONS), TABLE.places(REQUESTS)
        self._executions: dict[Reason | None, int] = {
            None: executions[_COMPILED, ""],
            **{each: executions[_GRAPHQL_CORE, each.name.lower()] for each in Reason},
        }
        self._requests = {
            (group, first_digit): requests[group, status]
            for group in _GROUPS
            for first_digit, status in enumerate(_STATUSES, 2)
        }
        self._refusals, self._rate_limited = TABLE.places(REFUSALS), TABLE.places(RATE_LIMITED)
        self._operations, self._bytes = TABLE.places(OPERATIONS), TABLE.places(OPERATION_BYTES)
        self._scores, self._webhooks, self._logged = (TABLE.places(each) for each in (SCORES, WEBHOOKS, LOGGED))
        self._units, self._commits = TABLE.places(UNITS)[()], TABLE.places(COMMITS)[()]
        self._waiting, self._workers = TABLE.places(WAITING)[()], TABLE.places(WORKERS)[()]
        self._duration = TABLE.start(DURATION)

    def count_execution(self, reason: Reason | None) -> None:
        """Counts an operation. `reason` is None if compiled functions executed it."""
        self._numbers.add(self._executions[reason])

    def count_request(self, path: str, status: int | None, seconds: float) -> None:
        """Counts a request. `status` is None if it had no response."""
        group = _ROUTES.get(path[1:].partition("/")[0], PAGES)
        self._numbers.add(self._requests[group, _NO_STATUS if status is None else min(5, max(2, status // 100))])
        if group == GRAPHQL:
            self._numbers.observe(DURATION, self._duration, seconds)
        if status == 429:
            self._numbers.add(self._rate_limited[group,])

    def count_refusal(self, reason: str) -> None:
        """Counts a document that was refused because of the load."""
        self._numbers.add(self._refusals[reason,])

    def count_commit(self, units: int) -> None:
        """Counts a commit of so many units of work."""
        self._numbers.add(self._commits)
        self._numbers.add(self._units, units)

    def count_score(self, outcome: str, cause: str) -> None:
        """Counts a request for a score that the remote provider was needed for. `cause` is "" if it gave an answer."""
        self._numbers.add(self._scores[outcome, cause])

    def count_webhook(self, status: DeliveryStatus) -> None:
        """Counts an attempt to deliver a webhook, by the status of the delivery after it."""
        self._numbers.add(self._webhooks[status.value.lower(),])

    def count_logged(self, written: int, dropped: int) -> None:
        """Counts requests for the request log of a sandbox."""
        if written:
            self._numbers.add(self._logged["written",], written)
        if dropped:
            self._numbers.add(self._logged["dropped",], dropped)

    def set_gauges(self, *, texts: tuple[int, int], trusted: tuple[int, int], waiting: int) -> None:
        """Sets the gauges: number and bytes of the compiled operations of both kinds of documents, and how many
        documents wait."""
        for name, (number, size) in (("texts", texts), ("trusted", trusted)):
            self._numbers.set(self._operations[name,], number)
            self._numbers.set(self._bytes[name,], size)
        self._numbers.set(self._waiting, waiting)
        self._numbers.set(self._workers, 1)


class CountRequests:
    """ASGI middleware that counts requests. It is the outermost one."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), None

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            self._metrics.count_request(scope["path"], status, time.perf_counter() - began)


class MetricsServer:
    """Serves GET /metrics at a listening socket, on threads of its own."""

    def __init__(self, listener: socket.socket, numbers: SharedNumbers) -> None:
        self._server = ThreadingHTTPServer(
            listener.getsockname()[:2], _handler(lambda: TABLE.write(numbers.totals()).encode()), False
        )
        self._server.socket.close()
        self._server.socket, self._server.daemon_threads = listener, True

    def start(self) -> None:
        """Serves until the process ends."""
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Ends the server. Tests call it."""
        self._server.shutdown()
        self._server.server_close()


def _handler(write: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        server_version, sys_version = "Sesame", ""

        def do_GET(self) -> None:
            found = self.path.partition("?")[0] == PATH
            content = write() if found else b"GET /metrics\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", CONTENT_TYPE if found else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Writes no log of requests."""

    return Handler
