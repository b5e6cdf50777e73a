"""A POST form as plain data, read on the event loop: small, urlencoded, each name once, nothing from the query."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"


class FormRefused(Exception):
    """The request cannot be read. `status` is 400, 413 or 415; the message repeats nothing of the input."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class FrozenRequest:
    """All that the authorization server reads of a request. `received_at` is wall time; `authorization` is the one
    Authorization header, None if there was none; `proofs` are the values of its DPoP headers."""

    path: str
    form: Mapping[str, str]
    authorization: str | None
    received_at: datetime
    proofs: tuple[str, ...] = ()


async def freeze(request: Request, received_at: datetime) -> FrozenRequest:
    """The request as plain data. Raises FormRefused (RFC 6749 sections 2.3, 3.2 and appendix B)."""
    authorization = freeze_head(request)
    # Parameters without a value count as absent (RFC 6749 section 3.1).
    form = {name: value for name, value in (await read_form(request)).items() if value}
    proofs = tuple(request.headers.getlist("dpop"))
    return FrozenRequest(request.url.path, form, authorization, received_at, proofs)


def freeze_head(request: Request) -> str | None:
    """The one Authorization header, None if there is none. Raises FormRefused for several, and for a query."""
    if request.url.query:
        raise FormRefused(400, "Parameters belong in the request body, not in the address.")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise FormRefused(400, "There is more than one Authorization header.")
    return headers[0] if headers else None


async def read_form(request: Request, several_lines: Collection[str] = ()) -> dict[str, str]:
    """The form's fields, also those left empty. Those of `several_lines` may hold line ends, returned as single
    newlines. Raises FormRefused for another content type, more than 64 KiB, text that is not UTF-8, other control
    characters and a repeated field."""
    return _fields(await read_body(request, _FORM), several_lines)


async def read_body(request: Request, content_type: str) -> bytes:
    """The body. Raises FormRefused for another content type and for more than 64 KiB."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != content_type:
        raise FormRefused(415, f"The content type must be {content_type}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise FormRefused(413, f"The body may have at most {LARGEST_BODY} bytes.")
    return bytes(body)


def _fields(body: bytes, several_lines: Collection[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # covers text that is not ASCII, not UTF-8 inside, and too many fields
        raise FormRefused(
            400, f"The body must be an urlencoded form of UTF-8 text, {MOST_FIELDS} fields at most."
        ) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise FormRefused(400, "A parameter is repeated.")
        if name in several_lines:  # a browser sends the line ends of a textarea as two characters
            value = value.replace("\r\n", "\n")
        one_line = value.replace("\n", " ") if name in several_lines else value
        if any(character < " " or character == "\x7f" for character in name + one_line):
            raise FormRefused(400, "A parameter holds control characters.")
        fields[name] = value
    return fields
