"""Errors at the top level of an answer: their codes, what a caller is told, and what the operator's log keeps.

Codes: GRAPHQL_PARSE_FAILED (not GraphQL, or too many tokens), GRAPHQL_VALIDATION_FAILED (does not fit the schema or
a limit), BAD_USER_INPUT (variables, arguments, cursors), BAD_REQUEST (the HTTP request or the operation name),
UNAUTHENTICATED, FORBIDDEN (`requiredScopes` names the alternatives), INTERNAL_SERVER_ERROR (`requestId` finds it
in the operator's log), and the code of whichever GatewayError a query field raised, such as SCORE_UNAVAILABLE.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError

from gateway.domain.errors import Forbidden, GatewayError, LimitReached, Misconfigured
from gateway.kit.logging import get_logger

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_REQUEST = "BAD_REQUEST"
UNAUTHENTICATED = "UNAUTHENTICATED"
INTERNAL = "INTERNAL_SERVER_ERROR"
MASKED = "Internal server error"

_log = get_logger(__name__)


class BadUserInput(GraphQLError):
    """An argument that fits the schema and still cannot be used: a page size, a cursor."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": BAD_USER_INPUT})


def body(errors: Sequence[Mapping[str, Any]], request_id: str) -> dict[str, Any]:
    """An answer without data: the request could not run."""
    return {"errors": list(errors), "extensions": {"requestId": request_id}}


def plain(code: str, message: str) -> dict[str, Any]:
    """One error that belongs to no place in the document."""
    return {"message": message, "extensions": {"code": code}}


def internal(request_id: str, exception: BaseException, path: Sequence[str | int] | None = None) -> dict[str, Any]:
    """A masked error. The log gets code, path, request id and the exception's type: no message, no document, no
    literal, because those may hold personal data."""
    _log.error(
        "graphql_failed",
        code=INTERNAL,
        path=None if path is None else list(path),
        request_id=request_id,
        exception=type(exception).__name__,
    )
    return {"message": MASKED, "extensions": {"code": INTERNAL, "requestId": request_id}}


def request_error(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error of parsing, validation or variables, with its places in the document."""
    return {**_placed(error), "message": error.message, "extensions": {"code": code}}


def field_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """An error of one field, as told to the caller: refusals speak for themselves, everything else is masked."""
    placed = _placed(error)
    cause = _cause(error)
    if isinstance(cause, GatewayError) and not isinstance(cause, Misconfigured):
        return {"message": cause.message, **placed, "extensions": _extensions(cause)}
    if isinstance(cause, GraphQLError):
        if "code" in (cause.extensions or {}):
            return {"message": cause.message, **placed, "extensions": dict(cause.extensions or {})}
        if error.nodes and not isinstance(error.nodes[0], FieldNode):
            # graphql-core places what is wrong with an argument at its value, and its own failures at the field
            return {"message": cause.message, **placed, "extensions": {"code": BAD_USER_INPUT}}
    return {**internal(request_id, cause, error.path), **placed}


def _extensions(error: GatewayError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, Forbidden):
        extensions["requiredScopes"] = [list(group) for group in error.required]
    if isinstance(error, LimitReached):
        extensions["retryAfter"] = max(1, int(error.retry_after.total_seconds()))
    return extensions


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _placed(error: GraphQLError) -> dict[str, Any]:
    return dict(_places(error))


def _places(error: GraphQLError) -> Iterator[tuple[str, Any]]:
    if error.locations:
        yield "locations", [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        yield "path", list(error.path)
