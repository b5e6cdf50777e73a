"""Media types of GraphQL over HTTP: which one an answer takes, and which bodies are read."""

from email.message import Message

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
_OFFERED = (JSON, GRAPHQL_RESPONSE)
_LONGEST_ACCEPT = 2000


def answered_in(accept: str | None) -> str | None:
    """The media type to answer in, by the Accept header's q-values (RFC 9110 section 12.5.1); where they are equal, the
    one that was named first, and JSON for a wildcard or no header. Stream types are never offered, so naming them
    beside others does no harm. None if nothing that is accepted can be given."""
    if accept is None or not accept.strip():
        return JSON
    ranges = _ranges(accept[:_LONGEST_ACCEPT])
    best: tuple[float, int, str] | None = None
    for offered in _OFFERED:
        fitting = [each for each in ranges if each[0] in {offered, "application/*", "*/*"}]
        if not fitting:
            continue
        # the most specific range counts for a type: exact, then application/*, then */*
        name, quality, place = min(fitting, key=lambda each: (each[0] == "*/*", each[0].endswith("*"), each[2]))
        rank = place if name == offered else len(ranges)
        if quality > 0 and (best is None or (quality, -rank) > best[:2]):
            best = (quality, -rank, offered)
    return best[2] if best else None


def is_json(content_type: str | None) -> bool:
    """Whether a body of this Content-Type is read: JSON in UTF-8, which is assumed where no charset is named."""
    if content_type is None:
        return False
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
