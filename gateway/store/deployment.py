"""The deployment: one row that binds the database to its environment and master key, so that a sandbox database cannot
be used in a live deployment."""

from dataclasses import dataclass

from sqlalchemy import String, bindparam, column, select, table, text
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.kit.crypto import derive
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class DeploymentRow(Record):
    """The deployment's row. `key_check` is derived from the master key and verifies it without revealing it.
    `restored_at` is when the operator last reported a restored backup (gateway database restored)."""

    id: int = Field(default=1, primary_key=True)
    environment: str
    key_check: str
    created_at: WallTime = moment_column()
    restored_at: WallTime | None = moment_column(default=None)


class DeploymentTable(DeploymentRow, table=True):
    __tablename__ = "deployment"


DEPLOYMENT = table_of(DeploymentTable)
_DEPLOYMENT = select(DEPLOYMENT)
_SET_RESTORED = DEPLOYMENT.update().values(restored_at=bindparam("now"))
_REVISION = select(column("version_num", String)).select_from(table("alembic_version"))
_LOCK = select(DEPLOYMENT.c.id).with_for_update()
_INSERT = insert_into(DEPLOYMENT).on_conflict_do_nothing()
_LIMITS = text("""
    SELECT
        (SELECT setting::int FROM pg_settings WHERE name = 'max_connections')
            - (SELECT sum(setting::int) FROM pg_settings
               WHERE name IN ('superuser_reserved_connections', 'reserved_connections')),
        (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),
        (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user)
""")


def key_check(master: bytes) -> str:
    """Returns what the row of a deployment with this master key has as `key_check`."""
    return derive(master, "deployment").hex()


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """The largest number of connections that the database server accepts from this deployment. `source` says what
    limits it."""

    connections: int
    source: str


class DeploymentRepository(Repository):
    """Reads and writes the deployment's row, and reads what the database server allows."""

    def load(self) -> DeploymentRow | None:
        """Returns the row, or None in a new database."""
        return self._first(DeploymentRow, _DEPLOYMENT)

    def load_revision(self) -> str | None:
        """Returns the revision of the tables, or None if no migration has finished. Raises DBAPIError if there never
        was a migration."""
        revision: str | None = self._value(_REVISION)
        return revision

    def lock(self) -> None:
        """Waits until no other unit has this lock, and holds it until the unit ends. What a start does once, such as
        seeding, needs it, and what depends on all merchants, such as a new name."""
        self._rows(_LOCK)

    def load_connection_limit(self) -> ConnectionLimit | None:
        """Returns the limit of PostgreSQL: max_connections without the reserved ones, or a lower limit of the database
        or of the role. None on SQLite."""
        if self._connection.dialect.name == "sqlite":
            return None
        server, of_database, of_role = self._connection.execute(_LIMITS).one()
        limits = {
            "max_connections without the reserved ones": server,
            "CONNECTION LIMIT of the database": of_database,
            "CONNECTION LIMIT of the role": of_role,
        }
        source, connections = min(
            ((name, limit) for name, limit in limits.items() if limit >= 0), key=lambda each: each[1]
        )
        return ConnectionLimit(connections, source)

    def insert_missing(self, deployment: DeploymentRow) -> None:
        """Writes the row of a new database, unless another process has just written it."""
        self._run(_INSERT, dict(deployment))

    def set_restored(self, now: WallTime) -> None:
        """Records that a backup was restored before `now`."""
        self._execute(_SET_RESTORED, now=now)
