"""`gateway database`: migrations and the database's health."""

from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import DatabaseUrl, console, fail, require_database, require_migrated, settings_for
from gateway.kit.clock import wall_clock
from gateway.store.database import Database

MOST_FAULTS = 50

app = typer.Typer(no_args_is_help=True, help="Migrate and check the database.")


@app.command()
def upgrade(database_url: DatabaseUrl = None) -> None:
    """Bring the database to the newest revision."""
    from migrations import runner  # alembic takes most of a second to import; only this command pays

    url = settings_for(database_url).database_url
    require_database(url, fresh=True)
    runner.upgrade(url)
    console.print(f"The database is at revision {runner.current(url)}.")


@app.command()
def check(
    deep: Annotated[bool, typer.Option("--deep", help="Also whether the books in it agree with each other.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Say whether the database answers and is at the newest revision. Exit code 1 if not. Needs no secret, and runs
    beside a live server."""
    url = settings_for(database_url).database_url
    require_migrated(url)
    console.print("The database answers and is at the newest revision.")
    if not deep:
        return
    from gateway.store import books, log_check

    database = Database(url, size=1)
    try:
        with database.read() as session:
            wrong = list(islice(books.faults(session, wall_clock()), MOST_FAULTS))
            finding = log_check.check(session).finding
    finally:
        database.close()
    if finding is not None and finding.sentence not in wrong:
        wrong.append(f"{finding.log} log of {finding.merchant_id}: {finding.sentence}")
    for sentence in wrong:
        console.print(Text.assemble(("!", "bold red"), f" {sentence}"))
    if wrong:
        fail("The books do not agree. Nothing was changed.")
    console.print("Decisions, lines of trust, disputes, log, outbox and idempotency records agree with each other.")
