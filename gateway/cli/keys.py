"""`gateway keys`: list and rotate the keys that sign the logs."""

import typer

from gateway.cli.console import DatabaseUrl, console, container_for
from gateway.cli.output import AsJson, print_list

app = typer.Typer(no_args_is_help=True, help="List and rotate the keys that sign the logs.")


@app.command()
def rotate(database_url: DatabaseUrl = None) -> None:
    """Replace the signing key by a new one, at once in every process.

    Signatures of the old key stay valid."""
    with container_for(database_url) as container:
        kid = container.database.write(lambda unit: unit.keys.rotate())
    console.print(f"{kid} signs from now on.")
    console.print(f"Store its id with the old one. To verify the logs: gateway log verify --trust OLD --trust {kid}")


@app.command("list")
def list_keys(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the signing keys, retired ones too.

    With --json: an array of objects with kid, created_at, retired_at and is_in_force."""
    with container_for(database_url) as container:
        keys = container.database.read(lambda unit: unit.keys.list_signing_keys())
    print_list(
        [
            {
                "kid": key.kid,
                "created_at": key.created_at,
                "retired_at": key.retired_at,
                "is_in_force": key.retired_at is None,
            }
            for key in keys
        ],
        {"kid": "kid", "created": "created_at", "retired": lambda key: key["retired_at"] or "in force"},
        empty="There is no signing key yet. The first start of a server makes one.",
        as_json=as_json,
    )
