"""The sandbox's score source: each persona's known answer."""

from datetime import datetime, timedelta

from gateway.domain.errors import Unavailable
from gateway.domain.score import Measurement
from gateway.store import users
from gateway.store.database import Session

FRESH_FOR = timedelta(days=1)


class PersonaSource:
    """Reads the persona of a sandbox user; its answers are always as of now and fresh for a day."""

    def measure(self, session: Session, user_id: str, now: datetime) -> Measurement:
        """The persona's measurement. Raises Unavailable for a user who is no persona."""
        persona = users.persona_of(session, user_id)
        if persona is None:
            raise Unavailable("SCORE_UNAVAILABLE", "No score source knows this person yet.")
        return Measurement(persona.score, now, now + FRESH_FOR, persona.open_overdue)
