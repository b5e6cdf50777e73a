"""The key that a sandbox keeps beside its data."""

import os
import secrets
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path


def kept_key(path: Path) -> bytes:
    """The 32 bytes in the file, which only its owner can read; a fresh key where there is no file yet. Raises OSError
    where it can be neither read nor made, and ValueError where it holds something else."""
    if not path.exists():
        _make(path)
    key = b64decode(path.read_text().strip(), validate=True)
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(b64encode(secrets.token_bytes(32)).decode())
    # Linked whole, and only where there is none yet: of two processes that start together, both use the first's.
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
