"""A temporary file with the checked rows of an import, so that they are read and checked only once."""

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any

from gateway.kit import json


class Spool:
    """Keeps batches of rows, which are lists of plain values and moments. A moment is read as its text in ISO 8601. The
    file has no name, and is deleted when it is closed."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115  # closed by `close`
        self.rows = 0

    def append(self, batch: Sequence[Sequence[Any]]) -> None:
        """Writes a batch."""
        self._file.write(json.encode(batch))
        self._file.write(b"\n")
        self.rows += len(batch)

    def batches(self) -> Iterator[list[list[Any]]]:
        """Yields the batches in their order."""
        self._file.seek(0)
        for line in self._file:
            yield json.decode(line)

    def close(self) -> None:
        """Deletes the file."""
        self._file.close()
