"""The interface of everything with a global id, and the forms that ids and references may have."""

import re

import strawberry

_ID = re.compile(r"[a-z]{3}_(test_)?[0-9A-Za-z_-]{1,64}", re.ASCII)
_LONGEST_REFERENCE = 255


@strawberry.interface(description="Anything with a global id. The id is opaque: store it, compare it, never parse it.")
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, opaque.")


def looked_up(identifier: str) -> str | None:
    """The id if it could be one of ours, else None: malformed ids never reach the database."""
    return identifier if _ID.fullmatch(identifier) else None


def referred_to(reference: str) -> str | None:
    """The merchant reference if it could be one, else None."""
    return reference if 0 < len(reference) <= _LONGEST_REFERENCE and reference.isprintable() else None
