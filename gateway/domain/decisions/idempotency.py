"""Idempotency of mutations: the rules for keys, and the difference between two inputs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.domain.errors import FieldPath
from gateway.domain.text import require_text

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255


def require_key(key: str) -> str:
    """Returns the key. Raises InvalidInput unless it has 1 to 255 printable characters."""
    return require_text(key, LONGEST_KEY, "idempotencyKey")


def differing(first: Any, second: Any, path: FieldPath = ()) -> tuple[FieldPath, ...]:
    """Returns the paths at which two JSON documents differ, in the order of the members of `first`."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        names = list(dict.fromkeys([*first, *second]))
        return tuple(each for name in names for each in differing(first.get(name), second.get(name), (*path, name)))
    return () if first == second else (path,)
