"""Media types of GraphQL over HTTP: that of the response, and those accepted for a request."""

from email.message import Message
from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
_OFFERED = (JSON, GRAPHQL_RESPONSE)
_LONGEST_ACCEPT = 2000
_LONGEST_TYPE = 200
_KEPT = 256  # most clients send the same few values


def choose_media_type(accept: str | None) -> str | None:
    """The media type of the response by the q-values of the Accept header (RFC 9110 section 12.5.1). If they are equal,
    it is the first in the header. It is JSON for a wildcard or without a header. None if the header accepts neither
    type. Other types in the header are ignored."""
    if accept is None or not accept.strip():
        return JSON
    return _choose(accept[:_LONGEST_ACCEPT])


@lru_cache(maxsize=_KEPT)
def _choose(accept: str) -> str | None:
    ranges = _ranges(accept)
    best: tuple[float, int, str] | None = None
    for offered in _OFFERED:
        fitting = [each for each in ranges if each[0] in {offered, "application/*", "*/*"}]
        if not fitting:
            continue
        # the most specific range applies to a type: exact, then application/*, then */*
        name, quality, place = min(fitting, key=lambda each: (each[0] == "*/*", each[0].endswith("*"), each[2]))
        rank = place if name == offered else len(ranges)
        if quality > 0 and (best is None or (quality, -rank) > best[:2]):
            best = (quality, -rank, offered)
    return best[2] if best else None


def is_json(content_type: str | None) -> bool:
    """Whether this Content-Type is JSON in UTF-8. Without a charset it counts as UTF-8."""
    return content_type is not None and _is_json(content_type[:_LONGEST_TYPE])


@lru_cache(maxsize=_KEPT)
def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset", "utf-8")
    return message.get_content_type() == JSON and str(charset).lower() in {"utf-8", "utf8"}


def _ranges(accept: str) -> list[tuple[str, float, int]]:
    ranges = []
    for place, part in enumerate(accept.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8"}:
                quality = 0.0
            if key.strip() == "q":
                quality = _quality(value.strip())
        ranges.append((name, quality, place))
    return ranges


def _quality(value: str) -> float:
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
