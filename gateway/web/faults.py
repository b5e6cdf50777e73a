"""What a client of a sandbox gets if its call has an injected fault."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.error_catalogue import ERRORS
from gateway.domain.fault import Fault, FaultKind
from gateway.kit import json
from gateway.kit.outage import RETRY_AFTER
from gateway.web.connections import CLOSE_CONNECTION
from gateway.web.negotiation import GRAPHQL_RESPONSE
from schema.errors import PERSISTED_QUERY_NOT_SUPPORTED, body, plain

HTML = "text/html"
_REASONS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_STATUSES = {"INTERNAL_SERVER_ERROR": 500, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 503}
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class FaultyResponse:
    """A response in place of that of an execution: its status, body and type, and the seconds after which the request
    can be sent again."""

    status: int
    content: bytes
    media_type: str | None = None
    retry_after: int | None = None


def respond(fault: Fault, request_id: str, media_type: str | None) -> FaultyResponse | None:
    """Returns the response to a call with this fault, None if the call is executed nevertheless."""
    if fault.kind is FaultKind.HTTP_STATUS:
        status = fault.status
        title = f"{status} {_REASONS[status]}"
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        return FaultyResponse(status, page.encode(), HTML, RETRY_AFTER if status in _BUSY else None)
    if fault.kind is FaultKind.GRAPHQL_ERROR_CODE:
        code = fault.value or ""
        usual = 400 if media_type == GRAPHQL_RESPONSE and code != PERSISTED_QUERY_NOT_SUPPORTED else 200
        status = _STATUSES.get(code, usual)
        message = f"{ERRORS[code].meaning} This error was forced by sandboxFaultInject."
        content = json.encode(body([plain(code, message)], request_id))
        return FaultyResponse(status, content, None, RETRY_AFTER if status in _BUSY else None)
    return None


def close_connection(scope: MutableMapping[str, Any]) -> None:
    """Closes the connection of a request without a response. Raises ConnectionAbortedError if the server cannot."""
    extensions: Mapping[str, Callable[[], None]] = scope.get("extensions") or {}
    if CLOSE_CONNECTION not in extensions:
        raise ConnectionAbortedError("this server cannot close a connection without a response")
    extensions[CLOSE_CONNECTION]()
