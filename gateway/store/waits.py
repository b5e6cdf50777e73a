"""How long the database may be waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest waits, in seconds. By default those of a command, which may read and change whole tables.

    `lock`: for a lock that another transaction holds, and for SQLite's one writer. `statement`: for one statement.
    `pool`: for a free connection of this process, and for one of the server if it has too many. `connect`: for a new
    connection, and for the check of an idle one. PostgreSQL ends a statement that takes too long; if it does not even
    do that within `grace`, it hangs, and the connection is given up. `silence`: how long PostgreSQL waits for this
    process within a transaction, and `idle` outside of one. Then it closes the connection, which releases the locks of
    a process that hangs. None: no limit."""

    lock: float = 10
    statement: float = 1800
    pool: float = 10
    connect: float = 3
    grace: float = 2
    silence: float | None = None
    idle: float | None = None

    @property
    def reply(self) -> float:
        """How long to wait for the reply to one statement."""
        return self.statement + self.grace


COMMAND = Waits()
"""The waits of a command."""

LONGEST_SILENCE = 35.0
"""Seconds without a sign of life after which a process has ended for the others: its row expires, and PostgreSQL
releases its locks. Nothing in a unit of work takes so long between two statements."""

CHECKS = Waits(lock=2, statement=2, pool=2, connect=2, grace=0.5, silence=LONGEST_SILENCE, idle=LONGEST_SILENCE)
"""The waits of health checks, which each process runs every few seconds."""
