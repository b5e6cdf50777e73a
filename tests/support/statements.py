"""Records the SQL statements that are sent to a database."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from gateway.store.database import Database
from gateway.store.statements import Prepared


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Records the statements of all units of work within the block, in order: those that the driver runs and those that
    SQLAlchemy runs."""
    sent: list[str] = []

    def recording(name: str) -> AbstractContextManager[Any]:
        method = getattr(Prepared, name)

        def record_and_run(self: Prepared, *arguments: Any) -> Any:
            sent.append(self.text)
            return method(self, *arguments)

        return patch.object(Prepared, name, record_and_run)

    def record(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    engines = {database.engine, database.writing_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        with recording("run"), recording("fetch"), recording("run_many"):
            yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
