"""The one row that says what this database belongs to, so that a sandbox key or token cannot be carried into live."""

from sqlalchemy import select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class DeploymentRow(Record):
    """`key_check` is derived from the master key: it proves the key without revealing it."""

    id: int = Field(default=1, primary_key=True)
    environment: str
    key_check: str
    created_at: WallTime = moment_column()


class DeploymentTable(DeploymentRow, table=True):
    __tablename__ = "deployment"


DEPLOYMENT = table_of(DeploymentTable)
_DEPLOYMENT = select(DEPLOYMENT)


class DeploymentRepository(Repository):
    """Reads and writes the deployment's row."""

    def load(self) -> DeploymentRow | None:
        """The row, None on a fresh database."""
        return self._first(DeploymentRow, _DEPLOYMENT)

    def insert(self, deployment: DeploymentRow) -> None:
        """Writes the row of a fresh database."""
        self._insert(DEPLOYMENT, deployment)
