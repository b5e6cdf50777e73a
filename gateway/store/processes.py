"""The running processes of the deployment. Each has a row while it serves, and renews it every few seconds. One of them
holds the lock of the deployment's tasks."""

from datetime import timedelta

from sqlalchemy import bindparam, func, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.repository import Repository
from gateway.store.waits import LONGEST_SILENCE

EXPIRES_AFTER = timedelta(seconds=LONGEST_SILENCE)
"""A process that has not renewed its row for so long has ended."""


class ProcessRow(Record):
    """A process. `place` is its machine and process namespace, in which `pid` is unique. `connections` is the largest
    number of its connections to the database. `shared_state` identifies the Valkey that it uses, None without one.
    `settings` has a keyed digest of each setting, by name. Times are wall time."""

    id: str = Field(primary_key=True)
    place: str
    pid: int
    started_at: WallTime = moment_column()
    seen_at: WallTime = moment_column()
    connections: int
    shared_state: str | None = None
    settings: dict[str, str] = json_column()


class ProcessTable(ProcessRow, table=True):
    __tablename__ = "processes"


PROCESSES = table_of(ProcessTable)
_ALL = select(PROCESSES).order_by(PROCESSES.c.started_at, PROCESSES.c.id)
_RENEW = (
    PROCESSES.update()
    .where(PROCESSES.c.id == bindparam("of_id"))
    .values(seen_at=bindparam("now"), shared_state=bindparam("now_shared"))
    .returning(PROCESSES.c.id)
)
_DELETE = PROCESSES.delete().where(PROCESSES.c.id == bindparam("of_id"))
_TASKS = 0x5E5A40  # the number of an advisory lock that nothing else uses in this database
_LOCK_TASKS = select(func.pg_try_advisory_lock(_TASKS))
_DELETE_EXPIRED = PROCESSES.delete().where(PROCESSES.c.seen_at < bindparam("before"))


class ProcessRepository(Repository):
    """Reads and writes the rows of processes."""

    def list_processes(self, now: WallTime) -> list[ProcessRow]:
        """Returns the processes that have not expired, in the order of their start. Deletes the others."""
        self._execute(_DELETE_EXPIRED, before=WallTime(now - EXPIRES_AFTER))
        return self._all(ProcessRow, _ALL)

    def insert(self, process: ProcessRow) -> None:
        """Writes the row of a process that starts, or that was suspended until it had expired."""
        self._insert(PROCESSES, process)

    def renew(self, process_id: str, now: WallTime, shared_state: str | None) -> bool:
        """Renews the row. Returns False if it has expired and was deleted."""
        return self._changes(_RENEW, of_id=process_id, now=now, now_shared=shared_state)

    def delete(self, process_id: str) -> None:
        """Deletes the row of a process that ends."""
        self._execute(_DELETE, of_id=process_id)

    def try_lock_tasks(self) -> bool:
        """Takes the lock of the deployment's tasks for this connection, which keeps it after the unit, until it is
        closed. True if the connection has it, also from an earlier call. On SQLite, where one process serves, there is
        no lock, and the result is True."""
        if self._connection.dialect.name == "sqlite":
            return True
        return bool(self._value(_LOCK_TASKS))
