"""`gateway log`: prove that nobody has rewritten what happened."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, fail, require_migrated, settings_for
from gateway.store.database import Database

app = typer.Typer(no_args_is_help=True, help="Verify the decision log and the access log.")


@app.command()
def verify(
    trust: Annotated[
        list[str] | None, typer.Option(help="A signing key id that you noted earlier; any other is refused. Repeat it.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check every entry of both logs: chained, hashed, signed, none missing. Needs no secret. Exit code 1 if not."""
    from gateway.store import log_check
    from gateway.store.keys import public_keys

    url = settings_for(database_url).database_url
    require_migrated(url)
    database = Database(url, size=1)
    try:
        with database.read() as session:
            report, kids = log_check.check(session, trusted=trust), sorted(public_keys(session))
    finally:
        database.close()
    if report.finding is not None:
        fail(f"{report.finding.log} log of {report.finding.merchant_id}: {report.finding.sentence}")
    for log, count in report.entries.items():
        console.print(f"{log} log: {count} {'entry' if count == 1 else 'entries'}, all in order.")
    console.print(f"{report.chains} chains, {report.decisions} decisions agree with them.")
    for kid in kids:
        console.print(f"Signed by {kid}. Keep this note elsewhere: gateway log verify --trust {kid}")
