"""A request for client registration as plain data, read on the event loop: a small JSON object, or no body at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request

from gateway.kit import json
from gateway.oauth.form import FormRefused, FrozenRequest, freeze_head, read_body

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class FrozenDocument(FrozenRequest):
    """A frozen request whose body, if it has one, is JSON. `client_id` is the last part of its path, "" without."""

    method: str = "POST"
    client_id: str = ""
    body: bytes = b""


async def freeze_document(request: Request, received_at: datetime) -> FrozenDocument:
    """The request as plain data. Raises FormRefused for another content type and for more than 64 KiB."""
    authorization = freeze_head(request)
    body = await read_body(request, _JSON) if request.method in {"POST", "PUT"} else b""
    client_id = str(request.path_params.get("client_id", ""))
    return FrozenDocument(request.url.path, {}, authorization, received_at, (), request.method, client_id, body)


def members(body: bytes) -> dict[str, Any]:
    """The members of the JSON object that the body is, without those that are null, which count as absent (RFC 7592
    section 2.2). Raises FormRefused for anything but an object, and where an object names a member twice."""
    try:
        document = json.decode_unrepeated(body)
    except ValueError:
        raise FormRefused(400, "The body must be JSON in UTF-8, with each member named once.") from None
    if not isinstance(document, dict):
        raise FormRefused(400, "The body must be a JSON object.")
    return {name: value for name, value in document.items() if value is not None}
