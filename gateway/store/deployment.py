"""The deployment: one row that binds the database to its environment and master key, so that a sandbox database cannot
be used in a live deployment."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.kit.crypto import derive
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


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


def key_check(master: bytes) -> str:
    """Returns what the row of a deployment with this master key has as `key_check`."""
    return derive(master, "deployment").hex()


class DeploymentRepository(Repository):
    """Reads and writes the deployment's row."""

    def load(self) -> DeploymentRow | None:
        """Returns the row, or None in a new database."""
        return self._first(DeploymentRow, _DEPLOYMENT)

    def insert(self, deployment: DeploymentRow) -> None:
        """Writes the row of a new database."""
        self._insert(DEPLOYMENT, deployment)

    def set_restored(self, now: WallTime) -> None:
        """Records that a backup was restored before `now`."""
        self._execute(_SET_RESTORED, now=now)
