"""The Node interface, and the syntax of ids and merchant references."""

import re

import strawberry

from gateway.kit.text import refused_character

_ID = re.compile(r"[a-z]{3}_(test_)?[0-9A-Za-z_-]{1,64}", re.ASCII)
_LONGEST_REFERENCE = 255


@strawberry.interface(description="An object with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Global id. It is opaque: store and compare it, do not parse it.")


def parse_id(identifier: str) -> str | None:
    """Returns the id if it is well formed, else None, so that no malformed id reaches the database."""
    return identifier if _ID.fullmatch(identifier) else None


def parse_reference(reference: str) -> str | None:
    """Returns the merchant reference if it is well formed, else None."""
    usable = 0 < len(reference) <= _LONGEST_REFERENCE and not refused_character(reference)
    return reference if usable else None
