"""Trusted documents: GraphQL documents that the operator has registered for a client, and their identifiers.

Identifiers follow the appendix "Persisted Documents" of the GraphQL over HTTP working draft.
"""

import hashlib
import re
from dataclasses import dataclass

MOST_DOCUMENTS = 1000
"""The largest number of documents of one client."""

LONGEST_ID = 200
"""The largest number of characters of an identifier."""

_PREFIX = "sha256:"
_HEX = re.compile(r"[0-9a-f]{64}")
_UNRESERVED = r"[A-Za-z0-9._~-]+"
_CUSTOM = re.compile(rf"(?:x-{_UNRESERVED}:)?{_UNRESERVED}")
RULE = (
    "An identifier is sha256: with 64 lower-case hexadecimal digits, or consists of letters, digits and - . _ ~, after"
    f" a prefix such as x-name: if there is one. It has at most {LONGEST_ID} characters."
)


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A document: its identifier in the form of `normalize_id`, and its text."""

    id: str
    text: str

    def find_fault(self) -> str | None:
        """Returns a sentence if the identifier is not valid, or names another text. None if it is right."""
        if self.id.startswith(_PREFIX) and _HEX.fullmatch(self.id.removeprefix(_PREFIX)):
            expected = compute_id(self.text)
            return None if self.id == expected else f"The identifier is not the SHA-256 of the text, {expected}."
        return None if len(self.id) <= LONGEST_ID and _CUSTOM.fullmatch(self.id) else RULE


def compute_id(text: str) -> str:
    """Returns the identifier of a text: sha256: and the SHA-256 of its UTF-8 bytes in lower-case hexadecimal."""
    return f"{_PREFIX}{hashlib.sha256(text.encode()).hexdigest()}"


def normalize_id(document_id: str) -> str:
    """Returns the identifier as it is stored. 64 hexadecimal digits are a SHA-256 without its prefix, as several tools
    write it."""
    return f"{_PREFIX}{document_id}" if _HEX.fullmatch(document_id) else document_id


def digest_documents(documents: "list[TrustedDocument]") -> str:
    """Returns a digest of a client's documents: SHA-256 hex over a line for each, with its identifier and the SHA-256
    of its text, in the order of the identifiers."""
    lines = sorted(f"{each.id} {compute_id(each.text)}\n" for each in documents)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
