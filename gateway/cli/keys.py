"""`gateway keys`: rotate and list the keys that sign the logs."""

import typer

from gateway.cli.console import DatabaseUrl, assembled, console, table
from gateway.kit.clock import rfc3339
from gateway.store import keys

app = typer.Typer(no_args_is_help=True, help="Rotate and list the signing keys.")


@app.command()
def rotate(database_url: DatabaseUrl = None) -> None:
    """Put a new signing key in force, at once in every process. What the old one has signed keeps verifying."""
    with assembled(database_url) as made:
        with made.database.write() as session:
            kid = made.keyring.rotate(session, made.clock())
        console.print(f"{kid} signs from now on.")
        console.print(f"Note it where the old one is noted: gateway log verify --trust OLD --trust {kid}")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the signing keys, retired ones too."""
    rows = table("kid", "made", "state")
    with assembled(database_url) as made, made.database.read() as session:
        for row in keys.listed(session):
            state = f"retired {rfc3339(row.retired_at)}" if row.retired_at else "in force"
            rows.add_row(row.kid, rfc3339(row.created_at), state)
    console.print(rows)
