"""Checks of texts and addresses that merchants and people send with decisions and disputes."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.domain.errors import InvalidInput

LONGEST_TEXT = 255
LONGEST_STATEMENT = 2000
MOST_ATTACHMENTS = 10
LONGEST_URL = 2048


def require_text(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 255 printable characters and no blanks at its ends."""
    if not 1 <= len(text) <= LONGEST_TEXT or not text.isprintable() or text != text.strip():
        raise InvalidInput("INVALID", f"Needs 1 to {LONGEST_TEXT} printable characters.", (field,))


def require_statement(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 2000 printable characters; it may have several lines."""
    written = text.replace("\r\n", "\n").replace("\n", "")
    if not 1 <= len(text) <= LONGEST_STATEMENT or not written.strip() or not written.isprintable():
        raise InvalidInput("INVALID", f"Needs 1 to {LONGEST_STATEMENT} printable characters.", (field,))


def require_attachments(addresses: tuple[str, ...]) -> None:
    """Raises InvalidInput unless they are at most ten absolute https addresses. They are kept and never fetched."""
    if len(addresses) > MOST_ATTACHMENTS:
        raise InvalidInput("INVALID", f"At most {MOST_ATTACHMENTS} addresses.", ("evidence",))
    for index, address in enumerate(addresses):
        try:
            parts = urlsplit(address)
            usable = parts.scheme == "https" and bool(parts.hostname) and address.isascii() and address.isprintable()
        except ValueError:
            usable = False
        if not usable or " " in address or len(address) > LONGEST_URL:
            raise InvalidInput("INVALID", "An absolute https address is needed.", ("evidence", str(index)))


def without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in document.items() if value is not None}
