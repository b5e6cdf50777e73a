"""`gateway scores disputes` and `gateway scores resolve`: disputes about imported behaviour records."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail
from gateway.cli.output import AsJson, Record, print_list, print_record
from gateway.domain.scoring.record_dispute import RecordDispute
from gateway.services.container import Container
from gateway.store.unit import UnitOfWork

_COLUMNS = {
    "dispute": "id",
    "source": "source",
    "source's record": "reference",
    "external id": "external_id",
    "status": "status",
    "opened at": "opened_at",
    "respond by": "respond_by",
}
_DETAILS = {**_COLUMNS, "resolved at": "resolved_at", "person": "statement", "resolution": "resolution"}


def register(app: typer.Typer) -> None:
    """Adds the commands to the group `gateway scores`."""
    app.command("disputes")(list_disputes)
    app.command("resolve")(resolve)


def list_disputes(
    is_open: Annotated[bool, typer.Option("--open", help="List only disputes that have not ended.")] = False,
    statement: Annotated[
        bool, typer.Option("--statement", help="Show what the person and the operator wrote: personal data.")
    ] = False,
    with_replaced: Annotated[
        bool, typer.Option("--all", help="Also list those of personas that a reset of a sandbox has replaced.")
    ] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List the disputes about imported behaviour records, oldest first, with what the source needs to check one.

    Ask the source of each open dispute, and enter its answer with `gateway scores resolve`. Without an answer until
    "respond by" the dispute is upheld. Times are the business time of the person's partner.

    With --json: an array of objects with id, source, reference (the source's id of the record), record_id, user_id,
    external_id, status, opened_at, respond_by and resolved_at; with --statement also statement and resolution."""
    with container_for(database_url) as container:
        disputes = container.database.read(
            lambda unit: unit.record_disputes.list_all(open_only=is_open, with_replaced=with_replaced)
        )
        records = [_describe(container, each, statement) for each in disputes]
    if not statement or as_json or not records:
        print_list(
            records,
            _COLUMNS,
            folded=("source", "source's record", "external id"),
            empty=_empty(is_open),
            as_json=as_json,
        )
        return
    for number, record in enumerate(records):
        if number:
            console.print()
        print_record(record, _DETAILS, as_json=False)


def resolve(
    dispute_id: Annotated[str, typer.Argument(metavar="ID", help="The dispute's id, rdp_...")],
    note: Annotated[str, typer.Option(help="What the source has answered. The person sees it.")],
    uphold: Annotated[
        bool, typer.Option("--uphold", help="For the person: the record does not count any more.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="For the source: the record counts from now on.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Decide an open dispute about an imported record, on behalf of its source."""
    if uphold == reject:
        fail("Choose --uphold or --reject.")
    with container_for(database_url) as container:
        resolved = container.record_disputes.resolve(dispute_id, uphold=uphold, resolution=note)
    console.print(f"{resolved.id} is {resolved.status}.")


def _empty(is_open: bool) -> str:
    return "No dispute is open." if is_open else "There is no dispute about an imported record."


def _describe(container: Container, dispute: RecordDispute, texts: bool) -> Record:
    """The dispute, with its texts only if `texts`. Disputes are read one by one: their number has no bound."""

    def read(unit: UnitOfWork) -> Record:
        user = unit.users.load(dispute.user_id)
        written = container.record_disputes.load(unit, dispute.id) if texts else None
        return {
            "id": dispute.id,
            "source": dispute.source,
            "reference": dispute.reference,
            "record_id": dispute.record_id,
            "user_id": dispute.user_id,
            "external_id": user.external_id if user is not None else None,
            "status": dispute.status,
            "opened_at": dispute.opened_at,
            "respond_by": dispute.respond_by,
            "resolved_at": dispute.resolved_at,
            **({"statement": written.statement or None, "resolution": written.resolution} if written else {}),
        }

    return container.database.read(read)
