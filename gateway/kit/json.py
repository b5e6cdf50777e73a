"""JSON: fast for answers, canonical for what is hashed."""

import json
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """The value as compact JSON in UTF-8."""
    return orjson.dumps(value)


def encode_text(value: Any) -> str:
    """The value as compact JSON text, as databases take it."""
    return orjson.dumps(value).decode()


def decode(text: bytes | str) -> Any:
    """The decoded JSON. Raises ValueError on anything that is not JSON."""
    return orjson.loads(text)


def decode_unrepeated(text: bytes | str) -> Any:
    """The decoded JSON, where no object names a member twice: readers differ in which one they take. Raises ValueError
    otherwise, and on anything that is not JSON."""
    orjson.loads(text)  # strict: UTF-8, no NaN, no half of a surrogate pair, no endless nesting
    try:
        return json.loads(text, object_pairs_hook=_unrepeated)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a member is repeated")
    return document


def canonical(value: Any) -> bytes:
    """One byte form for one value: members sorted by code point, no white space, UTF-8. For integer numbers and names
    within the Basic Multilingual Plane this is the RFC 8785 form. Raises TypeError for floats, whose text differs
    between languages, and for what is not plain JSON."""
    _require_plain(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _require_plain(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON holds no floats")
    if isinstance(value, dict):
        for member in value.values():
            _require_plain(member)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_plain(item)
