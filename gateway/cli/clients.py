"""`gateway clients`: register, list and disable OAuth clients."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, assembled, console, table
from gateway.store import clients

app = typer.Typer(no_args_is_help=True, help="Register, list and disable OAuth clients.")


@app.command()
def register(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, mer_...")],
    name: Annotated[str, typer.Argument(help="What the client is, such as 'web shop'.")],
    redirect_uri: Annotated[list[str] | None, typer.Option(help="An exact redirect URI; repeat it.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope it may use; repeat it. Default: all.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Register a client of the baseline profile (sandbox only). The secret is printed once and not kept."""
    with assembled(database_url) as made:
        with made.database.write() as session:
            row, secret = made.clients.register(session, merchant, name, redirect_uri or [], made.clock(), scopes=scope)
            client_id = row.id
        console.print(f"client_id     {client_id}\nclient_secret {secret}")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the clients, disabled ones too."""
    rows = table("client_id", "merchant", "name", "profile", "state")
    with assembled(database_url) as made, made.database.read() as session:
        for row in clients.listed(session):
            rows.add_row(row.id, row.merchant_id, row.name, row.profile, "disabled" if row.disabled_at else "enabled")
    console.print(rows)


@app.command()
def disable(client_id: str, database_url: DatabaseUrl = None) -> None:
    """Disable a client; its tokens die with it."""
    with assembled(database_url) as made, made.database.write() as session:
        made.clients.disable(session, client_id, made.clock())
    console.print(f"{client_id} is disabled.")
