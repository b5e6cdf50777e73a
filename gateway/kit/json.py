"""JSON encoding and decoding, and a canonical form for hashes."""

import json
from typing import Any

import orjson

_MARK = b"\xef\xbb\xbf"
_LEAVES, _LISTS = frozenset({str, int, bool, type(None)}), (list, tuple)


def encode(value: Any) -> bytes:
    """Returns the value as compact JSON in UTF-8."""
    return orjson.dumps(value)


def encode_text(value: Any) -> str:
    """Returns the value as compact JSON text, for databases."""
    return orjson.dumps(value).decode()


def decode(text: bytes | str) -> Any:
    """Returns the decoded JSON. Raises ValueError for invalid JSON."""
    return orjson.loads(text)


def without_mark(content: bytes) -> bytes:
    """Returns the content without a UTF-8 byte order mark at its start, which a reader of JSON may ignore (RFC 8259
    section 8.1)."""
    return content.removeprefix(_MARK)


def decode_unique(text: bytes | str) -> Any:
    """Returns the decoded JSON. Raises ValueError for invalid JSON and for an object with a repeated member, which
    parsers read differently."""
    orjson.loads(text)  # strict: UTF-8, no NaN, no lone surrogates, limited nesting
    try:
        return _UNIQUE.decode(text if isinstance(text, str) else text.decode())
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a member is repeated")
    return document


_UNIQUE = json.JSONDecoder(object_pairs_hook=_unique)


def canonical(value: Any) -> bytes:
    """Returns the canonical form of a value: members sorted by code point, no white space, UTF-8. For integers and
    names within the Basic Multilingual Plane it equals RFC 8785. Raises TypeError for floats, whose text differs
    between programming languages, and for values that are not plain JSON."""
    _require_plain(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _require_plain(value: Any) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind in _LEAVES:
            continue
        if issubclass(kind, dict):
            waiting.extend(each.values())
        elif issubclass(kind, _LISTS):
            waiting.extend(each)
        elif issubclass(kind, float):
            raise TypeError("canonical JSON must not contain floats")
