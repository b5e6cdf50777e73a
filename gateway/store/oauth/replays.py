"""Used client assertions and proofs. Each is valid for one request, across all processes."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.deployment import DEPLOYMENT
from gateway.store.repository import Repository, insert_into


class ReplayRow(Record):
    """A used JWT. `digest` is over the client or key and the jti. After `expires_at` (wall time) the JWT is rejected
    for its age, and the row can be deleted."""

    digest: str = Field(primary_key=True)
    expires_at: WallTime = moment_column(index=True)


class ReplayTable(ReplayRow, table=True):
    __tablename__ = "oauth_replays"


REPLAYS = table_of(ReplayTable)
_COLUMNS = REPLAYS.c.digest, REPLAYS.c.expires_at
_RECORD = (
    insert_into(REPLAYS)
    .from_select(
        [column.name for column in _COLUMNS],
        select(*(bindparam(column.name, type_=column.type) for column in _COLUMNS)).where(
            ~select(DEPLOYMENT.c.id)
            .where(DEPLOYMENT.c.restored_at >= bindparam("made_at", type_=DEPLOYMENT.c.restored_at.type))
            .exists()
        ),
    )
    .on_conflict_do_nothing()
    .returning(REPLAYS.c.digest)
)


class ReplayRepository(Repository):
    """Records the use of assertions and proofs."""

    def record_use(self, digest: str, made_at: WallTime, expires_at: WallTime) -> bool:
        """Records the use of a JWT that was made at `made_at` at the earliest. Returns False if it was already
        recorded, and for one from before a backup was restored, because its use may be missing in the backup. Of
        several concurrent uses only one returns True."""
        return self._changes(_RECORD, digest=digest, made_at=made_at, expires_at=expires_at)
