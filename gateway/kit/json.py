"""JSON: fast for answers, canonical for what is hashed."""

from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """The value as compact JSON in UTF-8."""
    return orjson.dumps(value)


def decode(text: bytes | str) -> Any:
    """The decoded JSON. Raises ValueError on anything that is not JSON."""
    return orjson.loads(text)


def canonical(value: Any) -> bytes:
    """One byte form for one value: members sorted, no white space, UTF-8 (the RFC 8785 form of documents whose
    numbers are integers). Raises TypeError for floats, whose text differs between languages."""
    _refuse_floats(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON holds no floats")
    if isinstance(value, dict):
        for member in value.values():
            _refuse_floats(member)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
