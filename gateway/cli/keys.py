"""`gateway keys`: rotate and list the keys that sign the logs."""

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, table
from gateway.kit.clock import rfc3339

app = typer.Typer(no_args_is_help=True, help="Rotate and list the signing keys.")


@app.command()
def rotate(database_url: DatabaseUrl = None) -> None:
    """Put a new signing key in force, at once in every process. What the old one has signed keeps verifying."""
    with container_for(database_url) as container:
        kid = container.database.write(lambda unit: unit.keys.rotate())
    console.print(f"{kid} signs from now on.")
    console.print(f"Note it where the old one is noted: gateway log verify --trust OLD --trust {kid}")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the signing keys, retired ones too."""
    rows = table("kid", "made", "state")
    with container_for(database_url) as container:
        keys = container.database.read(lambda unit: unit.keys.list_signing_keys())
    for key in keys:
        state = f"retired {rfc3339(key.retired_at)}" if key.retired_at else "in force"
        rows.add_row(key.kid, rfc3339(key.created_at), state)
    console.print(rows)
