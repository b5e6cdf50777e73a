"""The sandbox's score source: the fixed score of each persona."""

from datetime import timedelta

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import tier_of
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database

FRESH_FOR = timedelta(days=1)


class PersonaSource:
    """Reads the score of a sandbox user's persona, in its own unit of work. A measurement is valid for FRESH_FOR."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The persona's measurement. Raises Unavailable for a user who is not a persona."""
        persona = self._database.read(lambda unit: unit.users.load_persona_of_user(user_id))
        if persona is None:
            raise Unavailable("SCORE_UNAVAILABLE", "No score source knows this person yet.")
        return Measurement(
            persona.score, tier_of(persona.score), now, BusinessTime(now + FRESH_FOR), persona.open_overdue
        )
