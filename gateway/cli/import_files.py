"""The files of commands that import rows: opening, progress, and the faults that were found."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from gateway.cli.console import fail, note, progress_bar
from gateway.services.imports.rows import Fault

MOST_LINES = 50
"""The largest number of faults that are printed, each in a line. With --json all are."""


@contextmanager
def open_rows(file: str) -> Iterator[BinaryIO]:
    """The file, which can be read several times. Standard input ("-") and pipes are copied to a temporary file, which
    has no name and is deleted at the end. Ends the command if the file cannot be read."""
    try:
        source = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115  # closed below
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    with source:
        if file != "-" and source.seekable():
            yield source
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            yield copy


@contextmanager
def show_progress(description: str, stream: BinaryIO, passes: int) -> Iterator[Callable[[int], None]]:
    """Shows on a terminal how much of the file has been read. Yields the function that takes the number of bytes of
    each line. The file is read `passes` times."""
    with progress_bar() as bar:
        task = bar.add_task(description, total=passes * os.fstat(stream.fileno()).st_size)
        yield lambda size: bar.advance(task, size)


def fail_with_faults(faults: Sequence[Fault], *, as_json: bool) -> None:
    """Prints the first faults, unless they were printed as JSON, and ends the command."""
    for fault in [] if as_json else faults[:MOST_LINES]:
        field = f", {fault.field}" if fault.field else ""
        note(f"line {fault.line}{field}: {fault.message}")
    more = f" Shown are the first {MOST_LINES}; --json has all." if len(faults) > MOST_LINES and not as_json else ""
    fail(f"Nothing was imported, because of {len(faults)} fault(s).{more}")
