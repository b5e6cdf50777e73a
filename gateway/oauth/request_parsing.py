"""A client's request as plain data, read on the event loop: a form, or a JSON document for client registration."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from gateway.kit import json
from gateway.kit.clock import WallTime

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 64
_CREDENTIALS = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([A-Za-z0-9._~+/-]+=*)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


class UnreadableRequest(Exception):
    """The request cannot be read. `status` is 400, 413 or 415. The message contains nothing of the input."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """The parts of a request that the authorization server reads. `authorization` is the Authorization header, None if
    the request has none; `proofs` are the values of its DPoP headers."""

    path: str
    form: Mapping[str, str]
    authorization: str | None
    received_at: WallTime
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument(ParsedRequest):
    """A request for client registration. `body` is JSON, or empty. `client_id` is the last part of the path, "" if the
    path has no client id."""

    method: str = "POST"
    client_id: str = ""
    body: bytes = b""


async def parse_request(request: Request, received_at: WallTime) -> ParsedRequest:
    """The request with its form. Raises UnreadableRequest (RFC 6749 sections 2.3, 3.2 and appendix B)."""
    authorization = _read_authorization(request)
    # Parameters without a value count as absent (RFC 6749 section 3.1).
    form = {name: value for name, value in (await read_form(request)).items() if value}
    proofs = tuple(request.headers.getlist("dpop"))
    return ParsedRequest(request.scope["path"], form, authorization, received_at, proofs)


async def parse_document(request: Request, received_at: WallTime) -> ParsedDocument:
    """The request with its body. Raises UnreadableRequest for another content type and for more than 64 KiB."""
    authorization = _read_authorization(request)
    body = await _read_body(request, _JSON) if request.method in {"POST", "PUT"} else b""
    client_id = str(request.path_params.get("client_id", ""))
    return ParsedDocument(request.scope["path"], {}, authorization, received_at, (), request.method, client_id, body)


async def read_form(request: Request, multiline: Collection[str] = ()) -> dict[str, str]:
    """The fields of the form, including empty ones. The fields named in `multiline` may contain line ends, which are
    returned as single newlines. Raises UnreadableRequest for another content type, more than 64 KiB, text that is not
    UTF-8, other control characters and a repeated field."""
    return _fields(await _read_body(request, _FORM), multiline)


def parse_members(body: bytes) -> dict[str, Any]:
    """The members of a JSON object. A null member counts as absent (RFC 7592 section 2.2). Raises UnreadableRequest
    if the body is not an object, or an object in it has a member twice."""
    try:
        document = json.decode_unique(json.without_mark(body))
    except ValueError:
        raise UnreadableRequest(400, "The body must be JSON in UTF-8, and no member may occur twice.") from None
    if not isinstance(document, dict):
        raise UnreadableRequest(400, "The body must be a JSON object.")
    return {name: value for name, value in document.items() if value is not None}


def split_authorization(header: str) -> tuple[str, str]:
    """The scheme in lower case and the credentials of an Authorization header (RFC 9110 section 11.4). Both are "" if
    the credentials are not one token after U+0020."""
    found = _CREDENTIALS.fullmatch(header)
    return (found[1].lower(), found[2]) if found else ("", "")


def _read_authorization(request: Request) -> str | None:
    """The Authorization header, None if there is none. Raises UnreadableRequest for several of them or a query."""
    if request.scope["query_string"]:
        raise UnreadableRequest(400, "Parameters belong in the request body, not in the address.")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise UnreadableRequest(400, "There is more than one Authorization header.")
    return headers[0] if headers else None


async def _read_body(request: Request, content_type: str) -> bytes:
    """The body. Raises UnreadableRequest for another content type and for more than 64 KiB."""
    if request.headers.get("content-type", "").split(";")[0].strip(" \t").lower() != content_type:
        raise UnreadableRequest(415, f"The content type must be {content_type}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise UnreadableRequest(413, f"The body may have at most {LARGEST_BODY} bytes.")
    return bytes(body)


def _fields(body: bytes, multiline: Collection[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # text that is not ASCII, escapes that are not UTF-8, or too many fields
        raise UnreadableRequest(
            400, f"The body must be an urlencoded form of UTF-8 text, {MOST_FIELDS} fields at most."
        ) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise UnreadableRequest(400, "A parameter is repeated.")
        if name in multiline:  # a browser sends the line ends of a textarea as two characters
            value = value.replace("\r\n", "\n")
        one_line = value.replace("\n", " ") if name in multiline else value
        if _CONTROL.search(name) or _CONTROL.search(one_line):
            raise UnreadableRequest(400, "A parameter contains control characters.")
        fields[name] = value
    return fields


def route_path(request: Request) -> str:
    """The path of the request's route, which has no ids in it, for logs. Without a route, the first part of the
    request's path."""
    route = request.scope.get("route")
    return str(getattr(route, "path", "/" + request.scope["path"].lstrip("/").partition("/")[0]))
