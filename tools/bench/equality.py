"""Compares the responses of two servers, without ids, cursors and times."""

import json
import re
from typing import Any

MASKED = {"id", "endCursor"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_REST = {"tier": ("consentedUser", "scoreTier"), "page": ("merchant", "decisions"), "decision": ("decisionRequest",)}
"""Where the body of a REST operation is in the response of GraphQL."""


def masked(body: bytes, kind: str, *, rest: bool = False) -> Any:
    """Returns the content of a response with masks for ids, cursors and times. Only texts that are not empty, and
    times in UTC by ISO 8601, are masked. With `rest` it is the body of the operation of this kind."""
    content = json.loads(body)
    content.pop("extensions", None)  # the gateway reports the cost of a document there
    if rest:
        for name in reversed(_REST[kind]):
            content = {name: content}
        content = {"data": content}
    return _masked(content)


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        # The alias of a cold document differs between two requests.
        return {_alias(key): _masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name) for item in value]
    if name in MASKED and isinstance(value, str) and value:
        return f"<{name}>"
    if isinstance(value, str) and _TIME.fullmatch(value):
        return "<time>"
    return value


def _alias(name: str) -> str:
    return "<alias>" if re.fullmatch(r"t[0-9a-f]{16}", name) else name


def first_difference(expected: Any, actual: Any, path: str = "") -> str | None:
    """Returns a sentence about the first difference, or None if there is none."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return f"{path or 'the response'} has the members {sorted(actual)} instead of {sorted(expected)}"
        pairs = [(f"{path}.{key}", expected[key], actual[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{path} has {len(actual)} items instead of {len(expected)}"
        pairs = [(f"{path}[{n}]", one, other) for n, (one, other) in enumerate(zip(expected, actual, strict=True))]
    else:
        same = expected == actual and type(expected) is type(actual)
        return None if same else f"{path} is {actual!r} instead of {expected!r}"
    return next((found for name, one, other in pairs if (found := first_difference(one, other, name))), None)
