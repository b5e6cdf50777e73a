"""`gateway sdl`: the GraphQL schema as text."""

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.console import console, settings_for
from merchants.registry import discover

app = typer.Typer(no_args_is_help=True, help="Export the GraphQL schema, compare it with the contract.")


class Published(StrEnum):
    SANDBOX = "sandbox"
    LIVE = "live"


@app.command()
def export(
    environment: Annotated[Published, typer.Option(help="Which deployment's schema.")] = Published.LIVE,
) -> None:
    """Print the assembled SDL of the installed adapters."""
    from schema.export import sdl

    print(sdl(discover(settings_for(None).adapters), sandbox=environment is Published.SANDBOX), end="")


@app.command()
def diff() -> None:
    """List what the contract has and the export not yet. Exit code 1 if the export has what the contract lacks."""
    from schema.export import sdl
    from schema.subset import TARGET, compare

    found = compare(TARGET.read_text(encoding="utf-8"), sdl(discover(settings_for(None).adapters), sandbox=True))
    for line in found.missing:
        console.print(f"not yet  {line}")
    for line in found.foreign:
        console.print(f"foreign  {line}")
    console.print(f"{len(found.missing)} not yet, {len(found.foreign)} foreign.")
    raise typer.Exit(1 if found.foreign else 0)
