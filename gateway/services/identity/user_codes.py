"""User codes: the codes that a person types to open the request of a point of sale (RFC 8628 section 6.1)."""

import secrets
import unicodedata

from gateway.kit.crypto import Secrets, derive

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants only, so that codes spell no words and no letter looks like a digit (RFC 8628 section 6.1)."""

LENGTH = 8
LONGEST_TYPED = 64


class UserCodes:
    """Computes the stored form of user codes. A code has 34 bits, so it could be guessed from a plain digest while it
    is valid. Therefore a MAC is stored, whose key is not in the database."""

    def __init__(self, secrets: Secrets) -> None:
        self._key = secrets.derive("user code")

    def mac(self, code: str) -> str:
        """The MAC of a code."""
        return derive(self._key, code).hex()


def generate_code() -> str:
    """A random code of eight letters, without a dash."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def format_code(code: str) -> str:
    """The code in the form XXXX-XXXX."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def parse_code(text: str) -> str | None:
    """The code in typed text. Ignores case, character width, dashes and spaces. None if the text is not a code."""
    if len(text) > LONGEST_TYPED:
        return None
    letters = unicodedata.normalize("NFKC", text).upper()
    code = "".join(c for c in letters if not c.isspace() and unicodedata.category(c) != "Pd")
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
