"""The last accepted answer of the remote score provider about each person."""

from sqlalchemy import bindparam, false, select
from sqlmodel import Field

from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into


class RemoteScoreRow(Record):
    """An accepted answer. `subject` is the person's id at the provider, `model` the version of its model. `score` is
    None for an unscored person. `as_of`, `valid_until` and `fetched_at` are business time of the person's partner."""

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    subject: str
    score: int | None = None
    model: str
    reasons: list[str] = json_column()
    open_overdue: int
    document_identity: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    as_of: BusinessTime = moment_column()
    valid_until: BusinessTime = moment_column()
    fetched_at: BusinessTime = moment_column()


class RemoteScoreTable(RemoteScoreRow, table=True):
    __tablename__ = "remote_scores"


REMOTE_SCORES = table_of(RemoteScoreTable)
_OF_USER = select(REMOTE_SCORES).where(REMOTE_SCORES.c.user_id == bindparam("user_id"))
_NEW = insert_into(REMOTE_SCORES)
_SAVE = _NEW.on_conflict_do_update(
    index_elements=["user_id"],
    set_={column.name: _NEW.excluded[column.name] for column in REMOTE_SCORES.c if column.name != "user_id"},
)


class RemoteScoreRepository(Repository):
    """Reads and writes accepted answers."""

    def load(self, user_id: str) -> RemoteScoreRow | None:
        """Returns the last accepted answer about this person, or None."""
        return self._first(RemoteScoreRow, _OF_USER, user_id=user_id)

    def save(self, row: RemoteScoreRow) -> None:
        """Writes the answer in place of the person's last one."""
        self._run(_SAVE, vars(row))
