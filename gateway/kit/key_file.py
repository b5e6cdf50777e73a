"""The secret key that a sandbox keeps in a file."""

import os
import secrets
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

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
        _create(path)
    key = load_key(path)
    assert key is not None  # the file exists now
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(b64encode(secrets.token_bytes(32)).decode())
    # A link is atomic and fails if the file exists, so two processes that start together use the same key.
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
