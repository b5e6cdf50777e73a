"""`gateway log`: verify that no log entry has been changed or removed, and prove that a log only grows."""

from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.audit.log_report import LogReport
from gateway.cli.console import DatabaseUrl, console, fail, require_migrated, settings_for
from gateway.cli.output import AsJson, print_json
from gateway.kit.checkpoints import CheckpointInvalid, SignedCheckpoint, parse_checkpoints
from gateway.kit.crypto import base64url
from gateway.store.database import Database
from gateway.store.logs.checkpoints import log_of
from gateway.store.logs.tree_log import TreeIncomplete
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="Verify the decision log, the access log and the record log.")


@app.command()
def verify(
    trust: Annotated[
        list[str] | None,
        typer.Option(help="The id of a signing key that you stored earlier. Repeat it. Other keys are not accepted."),
    ] = None,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="A file with checkpoints that you kept outside the database. Repeat it for several."),
    ] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Verify every entry of all logs, their trees and checkpoints, and compare the logs with decisions, consents,
    contracts, clients, users and trusted documents.

    With --checkpoints, every entry is found that was changed, removed, reordered, cut off or rolled back since one of
    these checkpoints. Runs beside a live server and needs no secret. Exit code 1 if there is a finding.

    With --json: an object with is_intact, entries (their number by log), checkpoints, decisions, records, signing_keys
    and finding."""
    from gateway.audit.log_verification import verify_logs

    kept = [each for file in checkpoints or () for each in _read_checkpoints(file)]
    url = settings_for(database_url).database_url
    require_migrated(url)
    bars = Progress(
        TextColumn("{task.description} log"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    tasks = {}

    def show(log: str, verified: int, total: int) -> None:
        if log not in tasks:
            tasks[log] = bars.add_task(log, total=total)
        bars.update(tasks[log], completed=verified)

    def verify_and_list_keys(unit: UnitOfWork) -> tuple[LogReport, list[str]]:
        report = verify_logs(unit, trusted=trust, checkpoints=kept, progress=show)
        return report, sorted(unit.keys.load_public_keys())

    shown = bars if console.is_terminal and not as_json else nullcontext()
    with closing(Database(url, size=1)) as database, shown:
        report, kids = database.read(verify_and_list_keys)
    if as_json:
        finding = report.finding and asdict(report.finding)
        counts = {"entries": report.entries, "checkpoints": report.checkpoints}
        more = {"decisions": report.decisions, "records": report.records, "signing_keys": kids}
        print_json({"is_intact": report.intact, **counts, **more, "finding": finding})
    if report.finding is not None:
        fail(report.finding.with_place)
    unknown = sorted(set(trust or ()) - set(kids))
    if unknown:
        fail(f"The database has no signing key {unknown[0]!r}. Has it been replaced by another database?")
    if as_json:
        return
    for log, count in report.entries.items():
        console.print(f"{log} log: {count} {'entry' if count == 1 else 'entries'}, all in order.")
    console.print(
        f"Checkpoints that match: {report.checkpoints}. Rows that agree with the logs: {report.decisions} decisions,"
        f" {report.records} consents, merchants, clients, users and sets of documents."
    )
    if not kept:
        console.print("Keep checkpoints outside this machine (GATEWAY_CHECKPOINT_FILE), to verify with --checkpoints.")
    for kid in kids:
        console.print(f"Signing key {kid}. Store this id outside this machine, to verify with --trust {kid}")


@app.command()
def consistency(
    older: Annotated[Path, typer.Argument(help="A file with an older checkpoint of each log.")],
    newer: Annotated[Path, typer.Argument(help="A file with a newer checkpoint of each log.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Print a proof for each log that the newer checkpoint covers all that the older one covers, unchanged.

    Prints a JSON object: for each origin the hashes in base64url (RFC 9162 section 2.1.4). With both
    checkpoints anybody can verify it without this database, as docs/examples/verify_log.py does."""
    first, second = (
        {each.checkpoint.origin: each.checkpoint for each in _read_checkpoints(file)} for file in (older, newer)
    )
    for origin, checkpoint in first.items():
        if origin not in second or second[origin].size < checkpoint.size:
            fail(f"{newer} has no newer checkpoint of {origin}.")
    pairs = [(origin, each, second[origin].size) for origin, each in first.items() if each.size]
    url = settings_for(database_url).database_url
    require_migrated(url)

    def prove(unit: UnitOfWork) -> dict[str, list[str]]:
        logs = {log.LOG: log for log in unit.logs}
        return {
            origin: [base64url(each) for each in logs[log_of(origin)].prove_consistency(checkpoint.size, end)]
            for origin, checkpoint, end in pairs
        }

    with closing(Database(url, size=1)) as database:
        try:
            print_json(database.read(prove))
        except TreeIncomplete as error:
            fail(f"No proof can be computed: {error}. See gateway log verify.")
        except KeyError as unknown:
            fail(f"There is no log {unknown}.")


def _read_checkpoints(file: Path) -> list[SignedCheckpoint]:
    try:
        return parse_checkpoints(file.read_text(encoding="utf-8"))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        fail(f"{file} is not text in UTF-8.")
    except CheckpointInvalid as error:
        fail(f"{file} is not a file of checkpoints. {error}")
