"""What each person wants to get of their notices outside of the inbox."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.domain.notices.delivery import Preferences
from gateway.domain.notices.notice import NoticeKind
from gateway.store.base import Record, json_column, table_of
from gateway.store.repository import Repository, insert_into


class NoticePreferenceRow(Record):
    """The choices of a person who has made some. `not_sent` are kinds of notices, sorted."""

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    language: str | None = None
    not_sent: list[str] = json_column()


class NoticePreferenceTable(NoticePreferenceRow, table=True):
    __tablename__ = "notice_preferences"


PREFERENCES = table_of(NoticePreferenceTable)
_OF_USER = select(PREFERENCES).where(PREFERENCES.c.user_id == bindparam("user_id"))
_NEW = insert_into(PREFERENCES)
_SAVE = _NEW.on_conflict_do_update(
    index_elements=["user_id"], set_={"language": _NEW.excluded.language, "not_sent": _NEW.excluded.not_sent}
)


class NoticePreferenceRepository(Repository):
    """Reads and writes the choices of persons."""

    def load(self, user_id: str) -> Preferences:
        """Returns the choices of a person, or the defaults."""
        row = self._first(NoticePreferenceRow, _OF_USER, user_id=user_id)
        if row is None:
            return Preferences()
        return Preferences(row.language, frozenset(map(NoticeKind, row.not_sent)))

    def save(self, user_id: str, preferences: Preferences) -> None:
        """Writes the choices of a person."""
        not_sent = sorted(kind.value for kind in preferences.not_sent)
        self._execute(_SAVE, user_id=user_id, language=preferences.language, not_sent=not_sent)
