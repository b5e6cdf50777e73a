"""`gateway scores`: import behaviour records, show and compute scores, check scorecards."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import score_disputes
from gateway.cli.console import PERSON_HELP, DatabaseUrl, console, container_for, fail, print_warning, progress_bar
from gateway.cli.import_files import fail_with_faults, open_rows, show_progress
from gateway.cli.output import AsJson, Record, print_json, print_list, print_record
from gateway.cli.score_output import describe_score, score_columns
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE
from gateway.kit.clock import BusinessTime
from gateway.services.container import Container
from gateway.services.scoring.computation import ScoreComputation
from gateway.services.scoring.person_time import load_business_time
from gateway.services.scoring.record_import import ImportRefused, RecordImport, RecordsImported
from gateway.sources.scorecard.card_files import load_card
from gateway.store.scoring.imports import ScoreImportRow
from gateway.store.unit import UnitOfWork

_HELP = """Import behaviour records, decide disputes about them, show and compute scores, check scorecards.

To begin: gateway scores import FILE"""
app = typer.Typer(no_args_is_help=True, help=_HELP)

_PERSON_HELP = f"{PERSON_HELP}; of a persona the username."
Person = Annotated[str, typer.Argument(help=_PERSON_HELP)]


@app.command("import")
def import_records(
    file: Annotated[str, typer.Argument(help="CSV with a header, or JSON Lines, in UTF-8; - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file only.")] = False,
    no_scores: Annotated[
        bool, typer.Option("--no-scores", help="Do not compute the scores now. A server computes them.")
    ] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Import behaviour records of people, from any number of sources.

    Columns: person (an external_id), source, id, dimension, kind, partner, at; optional: amount and currency, months,
    ended_at, contested. docs/score-records.md describes them.

    All records of FILE are imported, or none if one line has a fault. A record with a known source and id replaces the
    earlier one if its values differ. Importing the same file again changes nothing.

    With --json: an object with import_id, added, replaced, unchanged, persons, scores (numbers), is_dry_run and faults
    (objects with line, field and message)."""
    with container_for(database_url) as container, open_rows(file) as stream, _end_if_refused():
        records = RecordImport(container.database, container.ids)
        if container.settings.score_source == "remote":
            print_warning("GATEWAY_SCORE_SOURCE is remote: imported records do not count for scores.")
        if not dry_run:
            records.require_none_running()
        with show_progress("Checking records", stream, passes=1) as advance:
            checked = records.read(stream, advance)
        with closing(checked.spool) as spool:
            result, scores = RecordsImported(None), 0
            if not checked.faults and not dry_run:
                with progress_bar() as bar:
                    task = bar.add_task("Writing records", total=spool.rows)
                    result = records.run(checked, lambda rows: bar.advance(task, rows))
                scores = 0 if no_scores or result.import_id is None else _compute_all(container)
            rows = spool.rows
        if as_json:
            faults = [asdict(fault) for fault in checked.faults]
            print_json({**asdict(result), "scores": scores, "is_dry_run": dry_run, "faults": faults})
    if checked.faults:
        fail_with_faults(checked.faults, as_json=as_json)
    if as_json:
        return
    if dry_run:
        console.print(f"{rows} records without a fault. Nothing was imported, because of --dry-run.")
    elif result.import_id is None:
        known = f"All {rows} records are known." if rows else "The file has no records."
        console.print(f"{known} Nothing was changed.")
    else:
        _print_counts(result, None if no_scores else scores)


def _print_counts(result: RecordsImported, scores: int | None) -> None:
    console.print(f"import     {result.import_id}")
    console.print(f"added      {result.added}")
    console.print(f"replaced   {result.replaced}")
    console.print(f"unchanged  {result.unchanged}")
    console.print(f"persons    {result.persons}")
    if scores is not None:
        console.print(f"scores     {scores}")


@app.command("imports")
def list_imports(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the imports of behaviour records, oldest first. A running one is not listed.

    With --json: an array of objects with import_id, started_at, published_at, records, replaced and file_sha256."""
    with container_for(database_url) as container:
        imports = container.database.read(lambda unit: unit.score_imports.list_published())
    print_list(
        [_describe_import(row) for row in imports],
        {"import": "import_id", "published": "published_at", "records": "records", "replaced": "replaced"},
        empty="There is no import. To begin: gateway scores import FILE",
        as_json=as_json,
    )


@app.command()
def show(
    person: Person,
    records: Annotated[bool, typer.Option("--records", help="List the records of the person too.")] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show a person's present score: tier, reasons and the points of each dimension.

    The score is computed first if it is due, as for a merchant that asks.

    With --json: an object with user_id, score, tier, held_until, as_of, due_at, card, card_hash, dimension_points,
    reasons (objects with code and points), open_overdue, has_document, cause, records (a number or, with --records, an
    array)."""
    with container_for(database_url) as container:
        user_id, now = container.database.read(lambda unit: _find_user(container, unit, person))
        container.scorecard.measure(user_id, now)

        def describe(unit: UnitOfWork) -> Record:
            row = unit.scores.load(user_id)
            assert row is not None  # just computed
            return describe_score(row, unit.behaviour_records.list_of_user(user_id), listed=records)

        record = container.database.read(describe)
    print_record(record, score_columns(container.scorecard.cards), as_json=as_json)
    if records and not as_json:
        console.print()
        print_list(
            record["records"],
            {
                "at": lambda each: each["at"].date(),
                "source": "source",
                "id": "id",
                "dimension": "dimension",
                "kind": "kind",
                "partner": "partner",
                "amount": lambda each: each["months"] if each["amount"] is None else each["amount"],
                "contested": lambda each: "yes" if each["contested_at"] else None,
                "by a claim": lambda each: "yes" if each["claimed_at"] else None,
            },
            folded=("source", "id", "partner"),
            empty="The person has no records.",
            as_json=False,
        )


@app.command()
def compute(
    person: Annotated[str | None, typer.Argument(help=_PERSON_HELP)] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Compute all scores that are due.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Compute the scores that are due, of one person or of all. A server does this by itself."""
    if everybody == (person is not None):
        fail("Use either PERSON or --all.")
    with container_for(database_url) as container:
        if person is None:
            count = _compute_all(container)
            console.print(f"{count} {'score' if count == 1 else 'scores'} computed.")
            return

        def compute_one(unit: UnitOfWork) -> str:
            row = container.scorecard.compute(unit, *_find_user(container, unit, person))
            return f"{row.user_id}: {'no score' if row.score is None else row.score} ({row.tier})"

        console.print(container.database.write(compute_one))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A scorecard, such as scorecard.toml.")],
    as_json: AsJson = False,
) -> None:
    """Check a scorecard, and show its version, effective date, range and hash.

    With --json: an object with scorecard, version, effective, lowest, highest, minimum_records, characteristics (an
    array of ids) and hash."""
    card = load_card(file)
    print_record(
        {
            "scorecard": card.name,
            "version": card.version,
            "effective": card.effective,
            "lowest": LOWEST_SCORE,
            "highest": HIGHEST_SCORE,
            "minimum_records": card.rules.minimum_records,
            "characteristics": [each.id for each in card.characteristics],
            "hash": card.hash,
        },
        {
            "scorecard": "scorecard",
            "version": "version",
            "effective": lambda record: record["effective"].isoformat(),
            "range": lambda record: f"{record['lowest']}-{record['highest']}",
            "records for a score": "minimum_records",
            "characteristics": "characteristics",
            "hash": "hash",
        },
        as_json=as_json,
    )


score_disputes.register(app)


def _find_user(container: Container, unit: UnitOfWork, reference: str) -> tuple[str, BusinessTime]:
    """The id of a person or persona, and the business time of its partner. Raises NotFound."""
    user = unit.users.load_by_username(reference) if reference.isprintable() else None
    if user is None or user.partner_id is None:
        user = container.people.require(unit, reference)
    return user.id, load_business_time(unit, user.id)


def _compute_all(container: Container) -> int:
    """Computes all scores that are due, with a progress bar. Returns how many."""
    computation = ScoreComputation(container.database, container.scorecard)
    with progress_bar() as bar:
        task = bar.add_task("Computing scores", total=computation.count_due())
        return computation.compute_all(lambda persons: bar.advance(task, persons))


@contextmanager
def _end_if_refused() -> Iterator[None]:
    """Ends the command if the import cannot run."""
    try:
        yield
    except ImportRefused as refused:
        fail(str(refused))


def _describe_import(row: ScoreImportRow) -> Record:
    return {
        "import_id": row.id,
        "started_at": row.started_at,
        "published_at": row.published_at,
        "records": row.rows,
        "replaced": row.replaced,
        "file_sha256": row.digest,
    }
