"""What an operator knows about a person: external id, email address, language and name."""

import re
from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.domain.text import require_text
from gateway.kit.languages import LANGUAGES

LONGEST_EMAIL = 254
"""Characters of an address that fits into a mail's envelope (RFC 5321 section 4.5.3.1.3)."""

LONGEST_EXTERNAL_ID, LONGEST_NAME = 128, 200
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""The addresses that a browser's form accepts (HTML, "valid email address"). They are ASCII, so that no two of them
look the same."""


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """The details of one person. None is what the operator does not state; it changes nothing."""

    email: str
    external_id: str | None = None
    language: str | None = None
    name: str | None = None

    @property
    def username(self) -> str:
        """The name with which the person signs in."""
        return username_of(self.email)


def username_of(email: str) -> str:
    """The username of a person with this email address."""
    return email.lower()


def parse_email(text: str) -> str:
    """Returns the email address as it was written. Raises InvalidInput."""
    if text != text.strip():
        raise InvalidInput("INVALID", "Must not begin or end with white space.", ("email",))
    if len(text) > LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise InvalidInput(
            "INVALID", f"Must be an email address in ASCII of at most {LONGEST_EMAIL} characters.", ("email",)
        )
    return text


def parse_external_id(text: str) -> str:
    """Returns the external id of a person. Raises InvalidInput."""
    return require_text(text, LONGEST_EXTERNAL_ID, "external_id")


def parse_language(text: str) -> str:
    """Returns the language. Raises InvalidInput for one that the pages do not have."""
    if text not in LANGUAGES:
        raise InvalidInput("INVALID", f"Must be one of {', '.join(LANGUAGES)}.", ("language",))
    return text


def parse_name(text: str) -> str:
    """Returns the name with which pages address the person. Raises InvalidInput."""
    return require_text(text, LONGEST_NAME, "name")
