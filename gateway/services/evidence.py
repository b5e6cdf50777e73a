"""Addresses of documents that a merchant names as evidence: they are kept and never fetched."""

from urllib.parse import urlsplit

from gateway.domain.errors import InvalidInput

MOST_EVIDENCE = 10
LONGEST_URL = 2048


def require_evidence(addresses: tuple[str, ...]) -> None:
    """Raises InvalidInput unless they are at most ten absolute https addresses."""
    if len(addresses) > MOST_EVIDENCE:
        raise InvalidInput("INVALID", f"At most {MOST_EVIDENCE} addresses.", ("evidence",))
    for index, address in enumerate(addresses):
        try:
            parts = urlsplit(address)
            good = parts.scheme == "https" and bool(parts.hostname) and address.isascii() and address.isprintable()
        except ValueError:
            good = False
        if not good or " " in address or len(address) > LONGEST_URL:
            raise InvalidInput("INVALID", "An absolute https address is needed.", ("evidence", str(index)))
