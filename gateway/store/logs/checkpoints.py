"""Signed checkpoints of the logs' trees: for each log the newest one, and the last one of each day."""

from sqlalchemy import BigInteger, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class CheckpointRow(Record):
    """The last checkpoint of one log on one day (UTC). `note` is the signed text (gateway.kit.checkpoints)."""

    log: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    note: str
    signed_at: WallTime = moment_column()


class CheckpointTable(CheckpointRow, table=True):
    __tablename__ = "log_checkpoints"


CHECKPOINTS = table_of(CheckpointTable)
_OF_LOG = select(CHECKPOINTS).where(CHECKPOINTS.c.log == bindparam("log"))
_NEWEST = _OF_LOG.order_by(CHECKPOINTS.c.size.desc(), CHECKPOINTS.c.day.desc()).limit(1)
_ALL = _OF_LOG.order_by(CHECKPOINTS.c.size, CHECKPOINTS.c.day)
_INSERT = insert_into(CHECKPOINTS)
_SAVE = _INSERT.on_conflict_do_update(
    index_elements=["log", "day"],
    set_={name: _INSERT.excluded[name] for name in ("size", "note", "signed_at")},
    where=CHECKPOINTS.c.size < _INSERT.excluded.size,
)


def origin_of(issuer: str, log: str) -> str:
    """Returns the origin of the checkpoints of a log: `gateway.example/decision-log`."""
    return f"{issuer.partition('://')[2]}/{log}-log"


def log_of(origin: str) -> str:
    """Returns the log of an origin, whatever the issuer is: it may change while the log continues."""
    return origin.rpartition("/")[2].removesuffix("-log")


class CheckpointRepository(Repository):
    """Reads and writes checkpoints."""

    def load_newest(self, log: str) -> CheckpointRow | None:
        """Returns the newest checkpoint of a log, or None."""
        return self._first(CheckpointRow, _NEWEST, log=log)

    def list_of_log(self, log: str) -> list[CheckpointRow]:
        """Returns the checkpoints of a log, oldest first."""
        return self._all(CheckpointRow, _ALL, log=log)

    def save(self, checkpoint: CheckpointRow) -> None:
        """Writes a checkpoint in place of a smaller one of the same day."""
        self._run(_SAVE, dict(checkpoint))
