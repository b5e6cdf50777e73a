"""A person's line of trust as the operator's books have it: no answer to a merchant tells it to the fen."""

from contextlib import closing

from sqlalchemy import text

from gateway.domain.money import Money
from gateway.store.database import Database

_HELD = text("SELECT e.held_minor FROM exposures e JOIN users u ON u.id = e.user_id WHERE u.username = :name")


def held(database_url: str, username: str) -> Money:
    """What all open promises of the person come to, in yuan."""
    with closing(Database(database_url)) as database, database.read() as session:
        return Money(int(session.execute(_HELD, {"name": username}).scalar_one_or_none() or 0), "CNY")
