"""`gateway sdl`: the GraphQL schema as text."""

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.console import console, settings_for
from gateway.cli.output import AsJson, print_json
from gateway.cli.sdl_check import check
from merchants.registry import discover

app = typer.Typer(
    no_args_is_help=True, help="Export the GraphQL schema, compare it, and check operations against a new one."
)
app.command()(check)


class Published(StrEnum):
    """The environments that have a schema."""

    SANDBOX = "sandbox"
    LIVE = "live"


@app.command()
def export(
    environment: Annotated[Published, typer.Option(help="The environment that the schema is for.")] = Published.LIVE,
) -> None:
    """Print the GraphQL schema (SDL) with the asks of the loaded adapters."""
    from schema.export import sdl

    print(sdl(discover(settings_for(None).adapters), sandbox=environment is Published.SANDBOX), end="")


@app.command()
def diff(as_json: AsJson = False) -> None:
    """List what the planned schema has and the exported schema does not, and the reverse.

    Exit code 1 if the exported schema has something that the planned schema does not have.

    With --json: an object with missing (only in the planned schema) and foreign (only in the exported schema)."""
    from schema.export import sdl
    from schema.subset import TARGET, compare

    comparison = compare(TARGET.read_text(encoding="utf-8"), sdl(discover(settings_for(None).adapters), sandbox=True))
    if as_json:
        print_json({"missing": comparison.missing, "foreign": comparison.foreign})
        raise typer.Exit(1 if comparison.foreign else 0)
    for line in comparison.missing:
        console.print(f"not yet  {line}")
    for line in comparison.foreign:
        console.print(f"foreign  {line}")
    console.print(f"{len(comparison.missing)} not yet, {len(comparison.foreign)} foreign.")
    raise typer.Exit(1 if comparison.foreign else 0)
