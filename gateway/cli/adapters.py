"""`gateway adapters`: list, write and check merchant adapters. Needs no database."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway import __version__
from gateway.cli.console import console, fail, settings_for
from gateway.domain.merchants import Product
from gateway.kit.clock import wall_clock
from merchants.registry import discover, installed


app = typer.Typer(no_args_is_help=True, help="List the installed merchant adapters, write a new one, check one.")


class Template(StrEnum):
    """The products that a new adapter can begin with."""

    DEPOSIT_WAIVER = Product.DEPOSIT_WAIVER
    PAY_LATER = Product.PAY_LATER


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The adapter's key, in lower snake case: harbour_boats.")],
    product: Annotated[Template, typer.Option(help="What it grants.")] = Template.DEPOSIT_WAIVER,
) -> None:
    """Write the package of a new adapter into this folder: complete, with its tests, for you to change."""
    from merchants.scaffold import scaffold

    today = wall_clock().date()
    try:
        files = scaffold(
            name, Product(product), Path.cwd(), today=today, gateway_version=__version__, taken=_taken_names()
        )
    except OSError as error:
        fail(f"{name} cannot be written here: {error.strerror}.")
    for file in files:
        console.print(f"wrote {file}")
    console.print("\nNext:")
    console.print(f"  pip install --no-deps --no-build-isolation -e ./{name}")
    console.print(f"  gateway adapters check {name}")
    console.print("  gateway sandbox up")


@app.command()
def check(
    key: Annotated[str, typer.Argument(help="The adapter's key, see `gateway adapters list`.")],
) -> None:
    """Try an installed adapter: the contract suite, and a place in the schema. Exit code 1 if it breaks a promise."""
    from merchants.conformance.check import check_adapter

    if key not in {found.key for found in installed()}:
        fail(f"{key} is not installed: pip install --no-deps --no-build-isolation -e ./{key}")
    checked = {name: [each.problem for each in found] for name, found in check_adapter(discover({key})[key]).items()}
    clash = _clash(key)
    checked["its ask has a place in the schema"] = [] if clash is None else [clash]
    for name, problems in checked.items():
        mark = ("✗", "bold red") if problems else ("✓", "green")
        console.print(Text.assemble(mark, f" {name}"))
        for problem in problems:
            console.print(f"  {problem}")
    broken = sum(map(bool, checked.values()))
    if broken:
        fail(f"{key} breaks {broken} of {len(checked)} promises. With tracebacks: pytest, in the adapter's folder.")
    console.print(f"{key} keeps all {len(checked)} promises.")


@app.command("list")
def listed() -> None:
    """List the installed adapters; those that GATEWAY_ADAPTERS leaves out are not loaded, so only their names are
    known. Needs no database."""
    loaded = {about.key: about for about in discover(settings_for(None).adapters).describe()}
    rows = [("adapter", "asks with", "product", "policy", "from", "loaded", "what it does")]
    for found in installed():
        about, source = loaded.get(found.key), f"{found.distribution} {found.version}".strip()
        if about is None:
            rows.append((found.key, "-", "-", "-", source, "no", "-"))
        else:
            rows.append((about.key, about.member, about.product, about.policy_version, source, "yes", about.summary))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:  # one line each, however narrow the terminal is: a folded key could not be searched for
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(line.rstrip())


def _taken_names() -> set[str]:
    """The names of all types of the schema of the loaded adapters, and of the members of DecisionAsk."""
    from schema.build import build_schema

    registry = discover(settings_for(None).adapters)
    return {*build_schema(registry, sandbox=True).schema.type_map, *(each.member for each in registry.values())}


def _clash(key: str) -> str | None:
    """Why the schema of the loaded adapters and this one cannot be built; None if it can."""
    from schema.build import build_schema

    allowed = settings_for(None).adapters
    try:
        build_schema(discover(None if allowed is None else {*allowed, key}), sandbox=True)
    except Exception as error:  # noqa: BLE001  # whatever it is, a deployment with this adapter would not start
        return str(error)
    return None
