"""The person of a consent, as the sealed logs name them, with the key that seals their entries."""

from sqlalchemy import Connection, and_, bindparam, select

from gateway.domain.errors import NotFound
from gateway.kit.clock import WallTime
from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.users import USERS
from gateway.store.logs.keys import USER_KEYS, KeyRepository
from gateway.store.logs.sealed_log import LoggedPerson
from gateway.store.repository import Repository

_OF_CONSENT = (
    select(USERS.c.id, USERS.c.log_subject, USER_KEYS.c.id.label("key_id"), USER_KEYS.c.key_sealed)
    .join(CONSENTS, CONSENTS.c.user_id == USERS.c.id)
    .join(USER_KEYS, and_(USER_KEYS.c.user_id == USERS.c.id, USER_KEYS.c.year == bindparam("year")), isouter=True)
    .where(CONSENTS.c.id == bindparam("consent_id"))
)


class LoggedPersonRepository(Repository):
    """Loads each person once in a unit of work."""

    def __init__(self, connection: Connection, wall: WallTime, keys: KeyRepository) -> None:
        super().__init__(connection)
        self._wall, self._keys = wall, keys
        self._loaded: dict[str, LoggedPerson] = {}

    def load(self, consent_id: str) -> LoggedPerson:
        """Returns the person who gave the consent. A missing key is created. Raises NotFound for an erased person, and
        SealBroken."""
        person = self._loaded.get(consent_id)
        if person is None:
            person = self._loaded[consent_id] = self._load(consent_id)
        return person

    def _load(self, consent_id: str) -> LoggedPerson:
        row = self._row(_OF_CONSENT, consent_id=consent_id, year=self._wall.year)
        if row is None:
            raise NotFound("The person has been erased.")
        if row.key_id is None:
            return LoggedPerson(row.id, row.log_subject, *self._keys.ensure_user_key(row.id))
        return LoggedPerson(row.id, row.log_subject, row.key_id, self._keys.open_user_key(row))
