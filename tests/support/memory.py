"""A folder in memory, for files that tests write and nobody reads later."""

import os
import shutil
from pathlib import Path

_ENOUGH = 2**30


def memory_folder() -> Path | None:
    """A folder whose files are in memory. None if the platform has none that can be written, or it has less than 1 GiB
    of space."""
    folder = Path("/dev/shm")  # noqa: S108
    is_usable = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ENOUGH
    return folder if is_usable else None
