"""`gateway database`: migrations and the database's health."""

from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import DatabaseUrl, console, fail, require_database, require_migrated, settings_for
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

MOST_MISMATCHES = 50

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
    deep: Annotated[bool, typer.Option("--deep", help="Also whether the records in it agree with each other.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Say whether the database answers and is at the newest revision. Exit code 1 if not. Needs no secret, and runs
    beside a live server."""
    url = settings_for(database_url).database_url
    require_migrated(url)
    console.print("The database answers and is at the newest revision.")
    if not deep:
        return
    mismatches = _find_mismatches(url)
    for sentence in mismatches:
        console.print(Text.assemble(("!", "bold red"), f" {sentence}"))
    if mismatches:
        fail("The reconciliation found mismatches. Nothing was changed.")
    console.print("Decisions, totals, disputes, log, outbox and idempotency records agree with each other.")


def _find_mismatches(url: str) -> list[str]:
    """A sentence for each of the first mismatches between the records, and for the first finding in the logs."""
    from gateway.audit.log_report import Finding
    from gateway.audit.log_verification import verify_logs
    from gateway.audit.reconciliation import find_mismatches

    def reconcile(unit: UnitOfWork) -> tuple[list[str], Finding | None]:
        return list(islice(find_mismatches(unit), MOST_MISMATCHES)), verify_logs(unit).finding

    database = Database(url, size=1)
    try:
        mismatches, finding = database.read(reconcile)
    finally:
        database.close()
    if finding is None or finding.sentence in mismatches:
        return mismatches
    return [*mismatches, f"{finding.log} log of {finding.merchant_id}: {finding.sentence}"]
