"""What the commands print with: one console for answers, one line for a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.bootstrap import build
from gateway.services.container import Container
from gateway.settings import Settings, read_settings
from gateway.store.database import Database, DatabaseDown

# Names and references are other people's words: what looks like markup in them is printed as they wrote it.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
_errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="Overrides GATEWAY_DATABASE_URL.", show_default=False)
]


def fail(message: str, code: int = 1) -> NoReturn:
    """Prints one line and ends the program with `code`."""
    _errors.print(Text.assemble(("error:", "bold red"), " ", message))
    raise SystemExit(code)


def table(*columns: str) -> Table:
    """An empty table that wraps rather than cuts."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def settings_for(database_url: str | None) -> Settings:
    """The environment's settings, with the database of the option if there is one."""
    return read_settings(**({"database_url": database_url} if database_url else {}))


def require_database(database_url: str, *, fresh: bool = False) -> None:
    """Raises DatabaseDown unless the database answers, migrated or not. A SQLite file that is not there is made only
    if it may be `fresh`: a mistyped path must not be answered with an empty log."""
    file = database_url.removeprefix("sqlite:///")
    if file != database_url and not fresh and not Path(file).exists():
        raise DatabaseDown(f"There is no database file {file}.")
    database = Database(database_url, size=1)
    try:
        database.ping()
    finally:
        database.close()


def require_migrated(database_url: str) -> None:
    """Raises DatabaseDown unless the database answers and is at the newest revision."""
    from migrations import runner  # alembic takes most of a second to import

    require_database(database_url)
    if not runner.is_current(database_url):
        at = runner.current(database_url) or "none"
        raise DatabaseDown(f"The database is at revision {at}, not the newest: gateway database upgrade")


@contextmanager
def container_for(database_url: str | None) -> Iterator[Container]:
    """The services over the database of the option or of the settings, closed at the end."""
    container = build(settings_for(database_url))
    try:
        yield container
    finally:
        container.close()
