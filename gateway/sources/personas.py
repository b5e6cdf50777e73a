"""The sandbox's score source: each persona's known score."""

from datetime import timedelta

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database

FRESH_FOR = timedelta(days=1)


class PersonaSource:
    """Reads the persona of a sandbox user, in a unit of work of its own. A measurement is as of now, and valid for a
    day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The persona's measurement. Raises Unavailable for a user who is no persona."""
        persona = self._database.read(lambda unit: unit.users.load_persona_of_user(user_id))
        if persona is None:
            raise Unavailable("SCORE_UNAVAILABLE", "No score source knows this person yet.")
        return Measurement(persona.score, now, BusinessTime(now + FRESH_FOR), persona.open_overdue)
