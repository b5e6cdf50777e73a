"""`gateway disputes`: decide what people contest and merchants refuse."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, table

app = typer.Typer(no_args_is_help=True, help="Decide what people contest and merchants refuse.")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the open disputes."""
    rows = table("dispute", "decision", "about", "status", "opened at", "respond by")
    with container_for(database_url) as container:
        disputes = container.disputes.list_open()
    for dispute in disputes:
        rows.add_row(
            dispute.id,
            dispute.decision_id,
            dispute.subject,
            dispute.status,
            f"{dispute.opened_at:%Y-%m-%d %H:%M}Z",
            f"{dispute.respond_by:%Y-%m-%d %H:%M}Z",
        )
    console.print(rows if rows.row_count else "No dispute is open.")


@app.command()
def show(dispute_id: str, database_url: DatabaseUrl = None) -> None:
    """Show what both sides of an open dispute say. This is personal data: do not keep it."""
    with container_for(database_url) as container:
        dispute = next((each for each in container.disputes.list_open() if each.id == dispute_id), None)
    if dispute is None:
        fail(f"There is no open dispute {dispute_id}.")
    console.print(f"{dispute.id}: {dispute.subject} of {dispute.decision_id}, {dispute.status}.")
    console.print("The user:", dispute.statement)
    console.print("The merchant:", dispute.response or "has not answered.")
    for address in dispute.evidence:
        console.print("  ", address)


@app.command()
def resolve(
    dispute_id: str,
    note: Annotated[str, typer.Option(help="Why. Both sides see it.")],
    uphold: Annotated[bool, typer.Option("--uphold", help="The user is right: it no longer counts.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="It counts, from now on.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Decide a dispute that the merchant has refused."""
    if uphold == reject:
        fail("Say --uphold or --reject.")
    with container_for(database_url) as container:
        resolved = container.disputes.resolve(dispute_id, uphold=uphold, words=note)
    console.print(f"{resolved.id} is {resolved.status}.")
