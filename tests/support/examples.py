"""Compares examples of the documentation with what a client gets."""

import re
from typing import Any


def matches(example: Any, received: Any) -> bool:
    """Whether something received is as in an example. In a text of the example "..." stands for any text. A received
    object may have the member `cost`, and a received error its `locations`, which examples leave out."""
    if isinstance(example, dict):
        more = received.keys() - example.keys() if isinstance(received, dict) else {"not an object"}
        return more <= {"cost", "locations"} and all(
            name in received and matches(value, received[name]) for name, value in example.items()
        )
    if isinstance(example, list):
        return len(example) == len(received) and all(map(matches, example, received))
    if isinstance(example, str) and isinstance(received, str):
        return re.fullmatch(re.escape(example).replace(r"\.\.\.", ".+"), received) is not None
    return bool(example == received)
