"""Records the SQL statements that are sent to a database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, event

from gateway.store.database import Database
from gateway.store.statements import Prepared, Result


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Records the statements of all units of work within the block, in order: those that the driver runs and those that
    SQLAlchemy runs."""
    sent: list[str] = []
    run = Prepared.run

    def recording_run(self: Prepared, connection: Connection, parameters: Mapping[str, Any]) -> Result:
        sent.append(self.text)
        return run(self, connection, parameters)

    def record(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    engines = {database.engine, database.writing_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        with patch.object(Prepared, "run", recording_run):
            yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
