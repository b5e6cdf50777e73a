"""Reads a GraphQL request: checks the headers, and decodes the body."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from gateway.kit import json
from gateway.web.negotiation import GRAPHQL_RESPONSE, JSON, is_json
from schema.engine import GraphQLRequest
from schema.errors import BAD_REQUEST, NOT_SUPPORTED, PERSISTED_QUERY_NOT_SUPPORTED

COST_DEBUG = "x-cost-debug"
"""A request header. In a sandbox its value "fields" adds the cost of each field to the response."""


class Refusal(Exception):
    """The request is refused with this status, message and response headers."""

    def __init__(self, status: int, message: str, *, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers


class Disconnected(Exception):
    """The client disconnected before its request was complete."""


def check_headers(scope: Scope, media_type: str | None, headers: Headers) -> None:
    """Raises Refusal for a wrong method, Accept, Content-Type or Content-Encoding."""
    if scope["method"] != "POST":
        raise Refusal(405, "Send a POST request.", Allow="POST")
    if media_type is None:
        raise Refusal(406, f"Accept must allow {GRAPHQL_RESPONSE} or {JSON}.")
    if not is_json(headers.get("content-type")):
        raise Refusal(415, f"The header Content-Type must be {JSON}, and the body JSON in UTF-8.")
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "Send the body without Content-Encoding.")


async def read_body(headers: Headers, receive: Receive, largest: int) -> bytes:
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or len(announced) > 9 or int(announced) > largest:
        raise _too_large(largest)
    received = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        received += message.get("body", b"")
        if len(received) > largest:
            raise _too_large(largest)
        if not message.get("more_body", False):
            return bytes(received)


def _too_large(largest: int) -> Refusal:
    return Refusal(413, f"A request may have at most {largest} bytes.")


def read_request(content: bytes, headers: Headers) -> GraphQLRequest:
    try:
        request = json.decode_unique(json.without_mark(content))
    except ValueError:
        raise Refusal(400, "The body is not JSON, or has a member twice.") from None
    if isinstance(request, list):
        raise Refusal(400, "Batches are not supported. Send one operation at a time.")
    if not isinstance(request, dict):
        raise Refusal(400, "The body must be a JSON object.")
    query, name, document_id = request.get("query"), request.get("operationName"), request.get("documentId")
    variables, extensions = request.get("variables"), request.get("extensions")
    is_persisted_query = isinstance(extensions, dict) and "persistedQuery" in extensions
    if is_persisted_query:
        document_id = _persisted_query_id(request)
    if document_id is not None and query is not None:
        raise Refusal(400, "Send query or documentId, not both.")
    if document_id is not None and not (isinstance(document_id, str) and document_id):
        raise Refusal(400, "documentId must be a string that is not empty.")
    if document_id is None and not (isinstance(query, str) and query.strip()):
        raise Refusal(400, "query must be a string that is not empty.")
    if not isinstance(name, str | None):
        raise Refusal(400, "operationName must be a string.")
    if not isinstance(variables, dict | None) or not isinstance(extensions, dict | None):
        raise Refusal(400, "variables and extensions must be objects.")
    return GraphQLRequest(
        query, variables, name or None, headers.get(COST_DEBUG) == "fields", document_id, is_persisted_query
    )


def _persisted_query_id(request: Mapping[str, Any]) -> str:
    """Returns the identifier in `extensions.persistedQuery`, as Apollo Client sends that of a document in a manifest.
    Raises Refusal for a request that also has a text, with which a client would register it: message, code and status
    are Apollo Server's, and the client then sends its documents in full."""
    persisted_query = request["extensions"]["persistedQuery"]
    document_id = persisted_query.get("sha256Hash") if isinstance(persisted_query, dict) else None
    is_alone = request.get("query") is None and request.get("documentId") is None
    if is_alone and isinstance(document_id, str) and document_id:
        return document_id
    raise Refusal(200, NOT_SUPPORTED, code=PERSISTED_QUERY_NOT_SUPPORTED)
