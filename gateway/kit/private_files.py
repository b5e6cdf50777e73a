"""Files and folders that only their owner can read: databases, keys, credentials."""

import os
from contextlib import suppress
from pathlib import Path


def make_folder(path: Path) -> None:
    """Creates the folder and its parents if they do not exist, for their owner only. Raises OSError."""
    for folder in (*reversed(path.parents), path):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    if not path.is_dir():
        raise NotADirectoryError(20, "Not a directory")


def create_empty(path: Path) -> None:
    """Creates an empty file if there is no file at the path, and its folder. Raises OSError."""
    make_folder(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def is_private(path: Path) -> bool:
    """Whether only its owner can read or write the file. Also true if there is no file."""
    try:
        return path.stat().st_mode & 0o077 == 0
    except OSError:
        return True


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes the file with this mode, complete or not at all. Replaces a file at the path. Raises OSError."""
    make_folder(path.parent)
    draft = _write_draft(path, text)
    try:
        draft.chmod(mode)
        draft.replace(path)
    except OSError:
        draft.unlink()
        raise


def write_once(path: Path, text: str) -> None:
    """Writes the file, complete or not at all, unless there is one at the path. Of several processes that do so at the
    same time, one writes it. Raises OSError."""
    make_folder(path.parent)
    draft = _write_draft(path, text)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)  # atomic, and fails if the file exists
    finally:
        draft.unlink()


def _write_draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
