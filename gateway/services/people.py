"""How a person is named in the logs."""

from gateway.domain.errors import NotFound
from gateway.store import users
from gateway.store.database import Session


def log_subject(session: Session, user_id: str) -> str:
    """The person's random log subject. Raises NotFound for a person who has been erased."""
    user = users.load(session, user_id)
    if user is None:
        raise NotFound("The person is no longer known here.")
    return user.log_subject
