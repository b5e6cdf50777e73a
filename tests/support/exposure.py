"""A person's exposure, read from the database: no response to a merchant has the exact amount."""

from contextlib import closing

from sqlalchemy import text

from gateway.domain.money import Money
from gateway.store.database import Database
from tests.support.units import reading

_EXPOSURE = text("SELECT e.exposure_minor FROM exposures e JOIN users u ON u.id = e.user_id WHERE u.username = :name")


def read_exposure(database_url: str, username: str) -> Money:
    """The exposure of the person at all merchants, in yuan."""
    with closing(Database(database_url)) as database, reading(database) as unit:
        return Money(int(unit.connection.execute(_EXPOSURE, {"name": username}).scalar_one_or_none() or 0), "CNY")
