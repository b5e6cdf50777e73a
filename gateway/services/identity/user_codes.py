"""User codes: what a person types to name the point of sale that asks them (RFC 8628 section 6.1)."""

import secrets
import unicodedata

from gateway.kit.crypto import Secrets, derive

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants only: no word comes about, and no digit is taken for a letter."""

LENGTH = 8
LONGEST_TYPED = 64


class UserCodes:
    """Turns codes into what is stored of them. They have 34 bits, few enough to be found behind a plain digest while
    they live, so it is a MAC under a key that is not in the database."""

    def __init__(self, secrets: Secrets) -> None:
        self._key = secrets.derive("user code")

    def mac(self, code: str) -> str:
        """The MAC of a code."""
        return derive(self._key, code).hex()


def generate_code() -> str:
    """A random code of eight letters, without its dash."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def format_code(code: str) -> str:
    """The code as people read it: XXXX-XXXX."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def parse_code(text: str) -> str | None:
    """The code that somebody has typed, in any case and width, with any dashes and spaces; None for what cannot be
    one."""
    if len(text) > LONGEST_TYPED:
        return None
    letters = unicodedata.normalize("NFKC", text).upper()
    code = "".join(c for c in letters if not c.isspace() and unicodedata.category(c) != "Pd")
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
