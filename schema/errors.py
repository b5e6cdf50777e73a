"""Top-level errors of a response: their codes, their content for the caller, and their entry in the operator's log.

Codes: GRAPHQL_PARSE_FAILED (not GraphQL, or too many tokens), GRAPHQL_VALIDATION_FAILED (does not fit the schema or
a limit), BAD_USER_INPUT (variables, arguments, cursors), BAD_REQUEST (the HTTP request or the operation name),
PERSISTED_QUERY_NOT_SUPPORTED (`extensions.persistedQuery`), DOCUMENT_NOT_FOUND (an unknown `documentId`),
DOCUMENT_ID_REQUIRED (a text, where only registered documents are executed), MAX_COST_EXCEEDED (the document costs too
much), THROTTLED (the client has too few points left, or too many documents that wait), UNAUTHENTICATED, FORBIDDEN
(`requiredScopes` lists the alternatives), INTERNAL_SERVER_ERROR (`requestId` is in the operator's log too), UNAVAILABLE
(an outage, or too many documents wait), DEADLINE_EXCEEDED (the request took too long), and the code of a GatewayError
that a query field raises, such as SCORE_UNAVAILABLE.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError

from gateway.domain.errors import Forbidden, GatewayError, Misconfigured, RateLimitReached
from gateway.kit.deadline import DeadlineExceeded
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.store.outages import code_member

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_REQUEST = "BAD_REQUEST"
MAX_COST_EXCEEDED = "MAX_COST_EXCEEDED"
THROTTLED = "THROTTLED"
PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
DOCUMENT_ID_REQUIRED = "DOCUMENT_ID_REQUIRED"
UNAUTHENTICATED = "UNAUTHENTICATED"
INTERNAL = "INTERNAL_SERVER_ERROR"
MASKED = "Internal server error"
UNAVAILABLE = "UNAVAILABLE"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
NOT_SUPPORTED = "PersistedQueryNotSupported"
"""Apollo Server's message. Apollo Client looks for it."""
NOTHING_RECORDED = (
    "The gateway cannot be used at the moment. Nothing was recorded. Send the same request again later, with the same"
    " idempotency key."
)
TOOK_TOO_LONG = (
    "The request took too long and was ended. Nothing was recorded. Send the same request again later, with the same"
    " idempotency key."
)
MAYBE_RECORDED = (
    "The connection to the database was lost during the commit, so this may have been recorded. Send the same request"
    " again later, with the same idempotency key: it is recorded once."
)
NOT_READ_BACK = (
    "This was recorded, but the result cannot be read at the moment. Send the same request again later, with the same"
    " idempotency key, to get the result."
)

_log = get_logger(__name__)


class BadUserInput(GraphQLError):
    """An argument that fits the schema but is not valid: a page size, a cursor."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": BAD_USER_INPUT})


def body(errors: Sequence[Mapping[str, Any]], request_id: str) -> dict[str, Any]:
    """Returns a response without data, for a request that could not run."""
    return {"errors": list(errors), "extensions": {"requestId": request_id}}


def plain(code: str, message: str) -> dict[str, Any]:
    """Returns an error without a location in the document."""
    return {"message": message, "extensions": {"code": code}}


def internal(request_id: str, exception: BaseException, path: Sequence[str | int] | None = None) -> dict[str, Any]:
    """Logs an exception and returns a masked error. The log entry has code, path, request id and the exception's type.
    It has no message, document or literal, because those may contain personal data."""
    _log.error(
        "graphql_failed",
        code=INTERNAL,
        path=None if path is None else list(path),
        request_id=request_id,
        exception=type(exception).__name__,
        **code_member(exception),
    )
    return {"message": MASKED, "extensions": {"code": INTERNAL, "requestId": request_id}}


def request_error(error: GraphQLError, code: str) -> dict[str, Any]:
    """Returns an error of parsing, validation or variables, with its locations in the document."""
    return {**_located(error), "message": error.message, "extensions": {"code": code}}


def unavailable(outage: Outage, request_id: str, message: str = NOTHING_RECORDED) -> dict[str, Any]:
    """Logs an outage and returns its error. A request that took too long has a code of its own."""
    outage_log.report(outage, "/graphql", request_id=request_id)
    if isinstance(outage, DeadlineExceeded):
        message = TOOK_TOO_LONG if message == NOTHING_RECORDED else message
        return {"message": message, "extensions": {"code": DEADLINE_EXCEEDED, "requestId": request_id}}
    return {"message": message, "extensions": {"code": UNAVAILABLE, "requestId": request_id}}


def field_error(error: GraphQLError, request_id: str, *, of_mutation: bool) -> dict[str, Any]:
    """Returns an error of one field. A GatewayError keeps its message and code; any other exception is masked. With
    `of_mutation`, an outage in a field of a payload says that the mutation was recorded."""
    located = _located(error)
    cause = _cause(error)
    if isinstance(cause, Outage):
        recorded = NOT_READ_BACK if of_mutation and not is_of_root(error.path) else NOTHING_RECORDED
        return {**unavailable(cause, request_id, MAYBE_RECORDED if cause.uncertain else recorded), **located}
    if isinstance(cause, GatewayError) and not isinstance(cause, Misconfigured):
        return {"message": cause.message, **located, "extensions": _extensions(cause)}
    if isinstance(cause, GraphQLError):
        if "code" in (cause.extensions or {}):
            return {"message": cause.message, **located, "extensions": dict(cause.extensions or {})}
        if error.nodes and not isinstance(error.nodes[0], FieldNode):
            # graphql-core locates an invalid argument at its value, and its own failures at the field
            return {"message": cause.message, **located, "extensions": {"code": BAD_USER_INPUT}}
    return {**internal(request_id, cause, error.path), **located}


def deadline_exceeded(errors: Sequence[GraphQLError] | None) -> bool:
    """Whether one of the errors is that the request took too long."""
    return any(isinstance(_cause(error), DeadlineExceeded) for error in errors or ())


def is_of_root(path: Sequence[str | int] | None) -> bool:
    """Whether this is the path of a root field, and not of a field below it."""
    return path is None or len(path) <= 1


def _extensions(error: GatewayError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, Forbidden):
        extensions["requiredScopes"] = [list(group) for group in error.required]
    if isinstance(error, RateLimitReached):
        extensions["retryAfter"] = max(1, int(error.retry_after.total_seconds()))
    return extensions


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _located(error: GraphQLError) -> dict[str, Any]:
    return dict(_locations(error))


def _locations(error: GraphQLError) -> Iterator[tuple[str, Any]]:
    if error.locations:
        yield "locations", [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        yield "path", list(error.path)
