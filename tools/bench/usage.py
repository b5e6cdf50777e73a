"""What the processes of a measurement used: CPU time, and PostgreSQL's write-ahead log."""

import os
import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.processes import children_of

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used until a moment: CPU seconds of servers by their name, of the children of this process that have
    ended, and of the whole machine; and bytes of the write-ahead log."""

    servers: Mapping[str, float]
    children: float
    machine: float
    log_bytes: int

    def since(self, before: "Usage") -> "Usage":
        """Returns what was used since `before`."""
        return Usage(
            {name: seconds - before.servers[name] for name, seconds in self.servers.items()},
            self.children - before.children,
            self.machine - before.machine,
            self.log_bytes - before.log_bytes,
        )


def read_usage(servers: Mapping[str, int], connection: psycopg.Connection) -> Usage:
    """Returns what was used until now. The servers are given by the process ids of their main processes."""
    (log_bytes,) = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone() or (0,)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(
        {name: cpu_seconds(pid) for name, pid in servers.items()},
        ended.ru_utime + ended.ru_stime,
        _machine_cpu_seconds(),
        int(log_bytes),
    )


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process, of its children, and of those that have ended."""
    ticks = 0
    for each in (pid, *children_of(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended, and its parent has its time
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def _machine_cpu_seconds() -> float:
    """Returns the time in which the cores were not idle, from the first line of /proc/stat."""
    user, nice, system, _, _, *others = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(others)) / _TICKS
