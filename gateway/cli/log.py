"""`gateway log`: verify that no log entry has been changed or removed."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, fail, require_migrated, settings_for
from gateway.cli.output import AsJson, print_json
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="Verify the decision log and the access log.")


@app.command()
def verify(
    trust: Annotated[
        list[str] | None,
        typer.Option(help="The id of a signing key that you stored earlier. Repeat it. Other keys are not accepted."),
    ] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Verify hash, chain and signature of every log entry, and compare the logs with the decisions.

    A removal of the newest entries together with all that was written with them is not found. Runs beside a live
    server and needs no secret. Exit code 1 if an entry was changed, removed or forged.

    With --json: an object with is_intact, entries (their number by log), chains, decisions, signing_keys and
    finding."""
    from gateway.audit.log_report import LogReport
    from gateway.audit.log_verification import verify_logs

    def verify_and_list_keys(unit: UnitOfWork) -> tuple[LogReport, list[str]]:
        return verify_logs(unit, trusted=trust), sorted(unit.keys.load_public_keys())

    url = settings_for(database_url).database_url
    require_migrated(url)
    with closing(Database(url, size=1)) as database:
        report, kids = database.read(verify_and_list_keys)
    if as_json:
        finding = report.finding and asdict(report.finding)
        counts = {"entries": report.entries, "chains": report.chains, "decisions": report.decisions}
        print_json({"is_intact": report.intact, **counts, "signing_keys": kids, "finding": finding})
    if report.finding is not None:
        fail(report.finding.with_place)
    unknown = sorted(set(trust or ()) - set(kids))
    if unknown:
        fail(f"The database has no signing key {unknown[0]!r}. Has it been replaced by another database?")
    if as_json:
        return
    for log, count in report.entries.items():
        console.print(f"{log} log: {count} {'entry' if count == 1 else 'entries'}, all in order.")
    console.print(f"Chains: {report.chains}. Decisions that agree with the log: {report.decisions}.")
    for kid in kids:
        console.print(f"Signing key {kid}. Store this id outside this machine, to verify with --trust {kid}")
