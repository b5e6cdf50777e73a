"""The second line: what looks like a secret is redacted wherever it is, also where the schema has no mark."""

import re
from collections.abc import Collection, Mapping
from typing import Any

REDACTED = "[redacted]"

_HINTS = ("sgw_", "whsec_", "eyJ", "request_uri:")
_SECRET = re.compile(
    r"sgw_(?:test_)?[a-z]+_[A-Za-z0-9_-]+"  # tokens, codes and secrets of this gateway
    r"|whsec_[A-Za-z0-9+/=_-]+"  # secrets of webhooks
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"  # proofs, assertions, receipts
    r"|urn:ietf:params:oauth:request_uri:[^\s\"'\\]+"  # pushed requests
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_PLAIN = re.compile(r"[$@!\[\]._A-Za-z0-9]{0,80}", re.ASCII)
_LITERAL = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*(?:"""|$)|"(?:[^"\\\n\r]|\\.)*(?:"|$|(?=[\n\r]))')
_SHORTEST = 3


def hide_secrets(text: str) -> str:
    """Returns a text with what looks like a secret replaced."""
    return _SECRET.sub(REDACTED, text) if looks_secret(text) else text


def looks_secret(text: str) -> bool:
    """Whether a part of a text looks like a secret."""
    return any(hint in text for hint in _HINTS) and _SECRET.search(text) is not None


def hide_literals(text: str) -> str:
    """Returns the text of a document that cannot be parsed with all that may be the value of a string replaced."""
    return _LITERAL.sub(f'"{REDACTED}"', text)


def hide_values(message: str, values: Collection[str]) -> str:
    """Returns the message of an error about a document or its variables, which may repeat their values, with these
    values replaced, and with all that is quoted, except for names."""

    def hide(quoted: re.Match[str]) -> str:
        inner = quoted[0][1:-1]
        return quoted[0] if _PLAIN.fullmatch(inner) and inner not in values else f"'{REDACTED}'"

    message = _QUOTED.sub(hide, message)
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            message = message.replace(value, REDACTED)
    return message


def hide_strings(value: Any, hidden: set[str]) -> Any:
    """Returns a JSON value with all strings in it replaced, which are added to `hidden`."""
    if isinstance(value, str):
        hidden.add(value)
        return REDACTED
    if isinstance(value, Mapping):
        return {name: hide_strings(each, hidden) for name, each in value.items()}
    return [hide_strings(each, hidden) for each in value] if isinstance(value, list) else value
