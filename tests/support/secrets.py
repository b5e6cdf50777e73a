"""Patterns of secrets, to search logs and output for them."""

import re

PATTERNS = {
    "token, code or client secret": re.compile(r"sgw_(?:test_)?[a-z]{2}_[A-Za-z0-9_-]{20,}"),
    "secret of a webhook endpoint": re.compile(r"whsec_[A-Za-z0-9+/]{20,}"),
    "request_uri": re.compile(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{20,}"),
    "assertion or proof": re.compile(r"eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\."),
    "parameter of a form or an address": re.compile(
        r"(?:code|user_code|password|code_verifier|client_secret|request_uri|device_code)=[A-Za-z0-9%._-]{6,}"
    ),
    "private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|\"d\":\s*\"[A-Za-z0-9_-]{20,}"),
}


def find_secrets(text: str) -> list[str]:
    """The kinds of secret in the text, each with the text around its first match."""
    matches = ((kind, pattern.search(text)) for kind, pattern in PATTERNS.items())
    return [
        f"{kind}: ...{text[max(0, match.start() - 40) : match.start() + 24]}..." for kind, match in matches if match
    ]
