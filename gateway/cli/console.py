"""The consoles of the commands: results on standard output, errors and notes on standard error."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from gateway.bootstrap import build
from gateway.services.container import Container
from gateway.setting_names import unread_variables
from gateway.settings import Settings, read_settings
from gateway.store import sqlite
from gateway.store.database import Database, DatabaseDown, create_database_file
from migrations import revisions

# Names and references are other people's words: what looks like markup in them is printed as they wrote it.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
_errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="Overrides GATEWAY_DATABASE_URL.", show_default=False)
]

PERSON_HELP = "The email address, the external id, or the id usr_..."
"""The help of an argument that names a person."""


def fail(message: str, code: int = 1) -> NoReturn:
    """Prints one line on standard error and ends the program with `code`."""
    _errors.print(Text.assemble(("error:", "bold red"), " ", message))
    raise SystemExit(code)


def note(message: str) -> None:
    """Prints one line on standard error: what is no part of the result."""
    _errors.print(message)


def progress_bar() -> Progress:
    """A progress bar on standard error, which disappears at its end. It shows nothing unless that is a terminal."""
    return Progress(console=_errors, transient=True, disable=not _errors.is_terminal)


def confirm(question: str) -> None:
    """Prints the question on standard error, and ends the program unless the answer is yes."""
    note(f"{question} [y/N]")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        fail("Cancelled. Nothing was changed.")


def print_warning(message: str) -> None:
    """Prints one warning on standard error."""
    _errors.print(Text.assemble(("warning:", "bold yellow"), " ", message))


@cache
def warn_about_variables() -> None:
    """Prints a warning for each GATEWAY_ variable of the environment that is not read, once a process."""
    for sentence in unread_variables():
        print_warning(sentence)


def settings_for(database_url: str | None) -> Settings:
    """The environment's settings, with the database of the option if it is set. Prints the warnings about variables
    that are not read. Raises SettingsError."""
    warn_about_variables()
    return read_settings(**({"database_url": database_url} if database_url else {}))


def require_file(database_url: str) -> None:
    """Raises DatabaseDown if this is a SQLite database whose file does not exist."""
    if database_url.startswith(sqlite.PREFIX) and not sqlite.file_of(database_url).exists():
        raise DatabaseDown(f"There is no database file {sqlite.file_of(database_url)}.")


def require_database(database_url: str, *, fresh: bool = False) -> None:
    """Raises DatabaseDown if the database cannot be reached. A missing SQLite file is created only if `fresh`: with a
    mistyped path a command would otherwise report an empty database."""
    if fresh:
        create_database_file(database_url)
    else:
        require_file(database_url)
    with closing(Database(database_url, size=1)) as database:
        database.ping()


def require_migrated(database_url: str) -> None:
    """Raises DatabaseDown if the database cannot be reached or is not at the revision of this code."""
    from migrations import runner  # alembic takes most of a second to import

    require_database(database_url)
    sentence = revisions.describe_difference(runner.current(database_url))
    if sentence is not None:
        raise DatabaseDown(sentence)


def require_upgradable(database_url: str) -> None:
    """Raises DatabaseDown if the database cannot be reached, was migrated by a newer version, or belongs to another
    program. A missing SQLite file is created."""
    from migrations import runner

    require_database(database_url, fresh=True)
    has_tables = runner.has_other_tables(database_url)  # first, because another process may be migrating it
    revision = runner.current(database_url)
    if revision is not None and revision not in revisions.known():
        raise DatabaseDown(str(revisions.describe_difference(revision)))
    if revision is None and has_tables:
        raise DatabaseDown("The database has tables of another program. Use an empty database.")


@contextmanager
def container_for(database_url: str | None) -> Iterator[Container]:
    """The services over the database of the option or of the settings, closed at the end."""
    settings = settings_for(database_url)
    require_file(settings.database_url)
    container = build(settings)
    try:
        yield container
    finally:
        container.close()
