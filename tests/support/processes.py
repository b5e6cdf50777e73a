"""Processes that a test has started: whether they run, their children, and signals to them."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended."""
    return _state(pid) not in {None, "Z"}


def children_of(pid: int) -> list[int]:
    """The ids of the children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        fields = _fields(int(entry.name)) if entry.name.isdecimal() else None
        if fields and int(fields[1]) == pid:
            found.append(int(entry.name))
    return found


def _state(pid: int) -> str | None:
    fields = _fields(pid)
    return fields[0] if fields else None


def _fields(pid: int) -> list[str] | None:
    """The state and the parent of a process, and further fields of /proc/PID/stat. None if it does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
