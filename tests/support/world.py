"""A deployment for tests: the container over a migrated database. Subclasses add the partners, merchants and users that
their tests need."""

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import text

from gateway.bootstrap import build
from gateway.kit.clock import WallClock
from gateway.services.container import Container
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import metadata
from merchants.registry import AdapterRegistry, discover
from tests.support.passwords import FAST_HASH
from tests.support.together import MANY_LANES
from tests.support.units import writing


@cache
def installed_adapters() -> AdapterRegistry:
    """The registry of all installed adapters, read once per process."""
    return discover()


class World:
    """The container of `settings`, as gateway.bootstrap builds it, with a fast password hash. `parts` are the other
    arguments of `build`. Call `close` at the end."""

    partner_id: str
    """The partner of the merchants that a test acts for."""

    def __init__(self, settings: Settings, clock: WallClock, **parts: Any) -> None:
        self.clock = clock
        self.container: Container = build(
            settings, **{"clock": clock, "hasher": FAST_HASH, "registry": installed_adapters(), **parts}
        )
        if not self.database.sqlite:  # units of different threads race as those of different processes
            self.database._shared.lanes = MANY_LANES

    @property
    def database(self) -> Database:
        return self.container.database

    def close(self) -> None:
        """Closes the connections."""
        self.container.close()

    def move_partner(self, offset: timedelta) -> None:
        """Sets by how much the partner's business time is ahead of wall time."""
        with writing(self.database) as unit:
            unit.partners.move_clock(self.partner_id, int(offset.total_seconds()))

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Returns the rows of a query, from the committed state of the database."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(text(query), parameters))

    def execute(self, *statements: str) -> None:
        """Runs SQL statements in one transaction."""
        with self.database.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def counts(self) -> dict[str, int]:
        """Returns the number of rows of each table."""
        return {name: self._read(f"SELECT count(*) FROM {name}")[0][0] for name in metadata.tables}

    def contents(self) -> dict[str, list[str]]:
        """Returns all rows of each table, as sorted texts."""
        return {name: sorted(map(repr, self._read(f"SELECT * FROM {name}"))) for name in metadata.tables}

    def _read(self, query: str) -> list[Any]:
        # As a text for the driver: SQLAlchemy would compile each query again for each world.
        with self.database.engine.connect() as connection:
            return list(connection.exec_driver_sql(query))

    def block_inserts(self, table: str) -> None:
        """Makes every insert into a table fail, until `allow_inserts`."""
        if self.database.sqlite:
            self.execute(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")
            return
        self.execute(
            f"CREATE FUNCTION no_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$",
            f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_{table}()",
        )

    def allow_inserts(self, table: str) -> None:
        """Ends `block_inserts`."""
        self.execute(f"DROP TRIGGER no_{table}" + ("" if self.database.sqlite else f" ON {table}"))
