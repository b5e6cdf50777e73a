"""Checks of texts and URLs that merchants and users send with decisions and disputes."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.domain import text as texts
from gateway.domain.errors import InvalidInput

LONGEST_TEXT = 255
LONGEST_STATEMENT = 2000
MOST_ATTACHMENTS = 10
LONGEST_URL = 2048


def require_text(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 255 printable characters and neither begins nor ends with white
    space."""
    texts.require_text(text, LONGEST_TEXT, field)


def require_statement(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 2000 printable characters. Line breaks are allowed."""
    texts.require_text(text, LONGEST_STATEMENT, field, lines=True)


def require_attachments(addresses: tuple[str, ...]) -> None:
    """Raises InvalidInput unless these are at most ten absolute https URLs without user information. They are stored
    and never fetched."""
    if len(addresses) > MOST_ATTACHMENTS:
        raise InvalidInput("INVALID", f"At most {MOST_ATTACHMENTS} URLs are allowed.", ("evidence",))
    for index, address in enumerate(addresses):
        try:
            parts = urlsplit(address)
            usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
            usable = usable and address.isascii() and address.isprintable()
        except ValueError:
            usable = False
        if not usable or " " in address or len(address) > LONGEST_URL:
            raise InvalidInput(
                "INVALID", "Must be an absolute https URL without user information.", ("evidence", str(index))
            )


def without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without its null members."""
    return {name: value for name, value in document.items() if value is not None}
