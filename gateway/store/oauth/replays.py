"""Used client assertions and proofs. Each is valid for one request, across all processes."""

from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class ReplayRow(Record):
    """A used JWT. `digest` is over the client or key and the jti. After `expires_at` (wall time) the JWT is rejected
    for its age, and the row can be deleted."""

    digest: str = Field(primary_key=True)
    expires_at: WallTime = moment_column(index=True)


class ReplayTable(ReplayRow, table=True):
    __tablename__ = "oauth_replays"


REPLAYS = table_of(ReplayTable)
_RECORD = insert_into(REPLAYS).on_conflict_do_nothing().returning(REPLAYS.c.digest)


class ReplayRepository(Repository):
    """Records the use of assertions and proofs."""

    def record_use(self, digest: str, expires_at: WallTime) -> bool:
        """Records the use. Returns False if it was already recorded. Of several concurrent uses only one returns
        True."""
        return self._changes(_RECORD, digest=digest, expires_at=expires_at)
