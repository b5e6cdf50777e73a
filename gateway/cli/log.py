"""`gateway log`: prove that nobody has rewritten what happened."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, fail, require_migrated, settings_for
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="Verify the decision log and the access log.")


@app.command()
def verify(
    trust: Annotated[
        list[str] | None, typer.Option(help="A signing key id that you noted earlier; any other is refused. Repeat it.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check every entry of both logs: chained, hashed, signed, none missing. Needs no secret. Exit code 1 if not."""
    from gateway.audit.log_report import LogReport
    from gateway.audit.log_verification import verify_logs

    def verify_and_list_keys(unit: UnitOfWork) -> tuple[LogReport, list[str]]:
        return verify_logs(unit, trusted=trust), sorted(unit.keys.public_keys())

    url = settings_for(database_url).database_url
    require_migrated(url)
    database = Database(url, size=1)
    try:
        report, kids = database.read(verify_and_list_keys)
    finally:
        database.close()
    if report.finding is not None:
        fail(f"{report.finding.log} log of {report.finding.merchant_id}: {report.finding.sentence}")
    for log, count in report.entries.items():
        console.print(f"{log} log: {count} {'entry' if count == 1 else 'entries'}, all in order.")
    console.print(f"{report.chains} chains, {report.decisions} decisions agree with them.")
    for kid in kids:
        console.print(f"Signed by {kid}. Keep this note elsewhere: gateway log verify --trust {kid}")
