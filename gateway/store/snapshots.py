"""Whether a transaction only reads."""

from sqlalchemy import Connection

from gateway.store.sqlite import WritingDialect


def reads_snapshot(connection: Connection) -> bool:
    """Whether the connection's transaction reads one snapshot of what is committed, and cannot write."""
    if connection.dialect.name == "sqlite":
        return not isinstance(connection.dialect, WritingDialect)
    return bool(connection.get_execution_options().get("postgresql_readonly"))
