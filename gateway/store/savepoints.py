"""The savepoints of units of work that share a transaction.

On PostgreSQL a unit that shares a transaction does not wait for a lock longer than LOCK_WAIT, because the transaction
holds the locks of earlier units. Two transactions could each need a lock of the other, and PostgreSQL notices that only
after deadlock_timeout.
"""

from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection

LOCK_WAIT = "1ms"
"""PostgreSQL's shortest lock_timeout."""


class Savepoints:
    """Runs each unit of a transaction in a savepoint. Use it as a context manager. At the end of its block the last
    savepoint is released, and the usual lock_timeout is valid again."""

    def __init__(self, connection: Connection) -> None:
        self._driver: Any = connection.connection.dbapi_connection
        self._postgresql, self._begun = connection.dialect.name == "postgresql", False

    def begin(self) -> None:
        """Sets a savepoint for the next unit. Releases that of the unit before."""
        if self._begun:
            self._run("RELEASE unit", "SAVEPOINT unit")
        elif self._postgresql:
            self._run(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'", "SAVEPOINT unit")
        else:
            self._run("SAVEPOINT unit")
        self._begun = True

    def roll_back(self) -> None:
        """Returns to the savepoint, as if the unit had not begun."""
        self._run("ROLLBACK TO unit")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None or not self._begun:
            return
        if self._postgresql:
            self._run("RELEASE unit", "SET LOCAL lock_timeout TO DEFAULT")
        else:
            self._run("RELEASE unit")

    def _run(self, *statements: str) -> None:
        """On PostgreSQL all are sent at once, which prepared statements do not allow."""
        if self._postgresql:
            self._driver.execute("; ".join(statements), prepare=False)
            return
        for each in statements:
            self._driver.execute(each)
