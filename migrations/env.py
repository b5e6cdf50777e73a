"""The script that Alembic runs for each command. It uses the connection of `migrations.runner`, or from the command
line the database in the gateway's settings (GATEWAY_DATABASE_URL)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from sqlalchemy import Connection

from gateway.settings import read_settings
from gateway.store.database import Database
from gateway.store.tables import metadata

_ONE_AT_A_TIME = 0x5E5A3E  # the number of an advisory lock that nothing else uses in this database

_OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "compare_type": True,
    "compare_server_default": True,
    "transactional_ddl": True,  # also on SQLite, because `Database` begins transactions itself
}


def main() -> None:
    shared = context.config.attributes.get("connection")
    if context.is_offline_mode():
        url = read_settings().database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        context.configure(url=url, literal_binds=True, render_as_batch=url.startswith("sqlite"), **_OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
    elif shared is not None:
        _migrate(shared)
    else:
        database = Database(read_settings().database_url, size=1)
        try:
            with database.writing_engine.connect() as connection:
                _migrate(connection)
        finally:
            database.close()


def _migrate(connection: Connection) -> None:
    """Runs the revisions. SQLite: all in one writing transaction. PostgreSQL: one transaction per revision, so that
    locks are released after each revision."""
    sqlite = connection.dialect.name == "sqlite"
    with _alone_on_sqlite(connection) if sqlite else _alone_on_postgresql(connection):
        context.configure(
            connection=connection, render_as_batch=sqlite, transaction_per_migration=not sqlite, **_OPTIONS
        )
        with context.begin_transaction():
            context.run_migrations()
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                raise RuntimeError(f"the migration would leave a broken reference in {broken[0]}; nothing was changed")


@contextmanager
def _alone_on_sqlite(connection: Connection) -> Iterator[None]:
    # Rebuilding a table drops it, and with foreign keys on DROP TABLE deletes its rows first, which breaks references.
    # The pragma has no effect within a transaction, so it is executed without SQLAlchemy, which would begin one.
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _alone_on_postgresql(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("SET lock_timeout = '60s'")
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ONE_AT_A_TIME})")
    connection.exec_driver_sql("RESET lock_timeout")
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ONE_AT_A_TIME})")
        connection.commit()


main()
