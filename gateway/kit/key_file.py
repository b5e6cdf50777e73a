"""The secret key that a sandbox keeps in a file."""

import secrets
from base64 import b64decode, b64encode
from pathlib import Path

from gateway.kit.private_files import write_once

KEY_FILE = "secret.key"
"""The name of the file in the state directory."""


def load_key(path: Path) -> bytes | None:
    """Returns the 32 bytes in the file, or None if there is no file. Raises OSError if the file cannot be read, and
    ValueError if it does not hold a key."""
    if not path.exists():
        return None
    key = b64decode(path.read_text().strip(), validate=True)
    if len(key) != 32:
        raise ValueError("a key must have 32 bytes")
    return key


def load_or_create_key(path: Path) -> bytes:
    """Returns the 32 bytes in the file. If there is no file, a random key is written to it, readable by its owner only.
    Raises OSError if the file can be neither read nor created, and ValueError if it does not hold a key."""
    if not path.exists():
        write_once(path, b64encode(secrets.token_bytes(32)).decode())  # processes that start together use one key
    key = load_key(path)
    assert key is not None  # the file exists now
    return key
