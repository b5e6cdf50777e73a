"""`gateway adapters`: list, write and check merchant adapters. Needs no database."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway import __version__
from gateway.cli.console import console, fail, settings_for
from gateway.cli.output import AsJson, Record, print_json, print_list
from gateway.domain.merchants import Product
from gateway.kit.clock import wall_clock
from merchants.registry import AdapterRegistry, InstalledAdapter, discover, installed

app = typer.Typer(no_args_is_help=True, help="List the installed merchant adapters, write a new one, check one.")


class Template(StrEnum):
    """The products that there is a template for."""

    DEPOSIT_WAIVER = Product.DEPOSIT_WAIVER
    PAY_LATER = Product.PAY_LATER


@app.command("list")
def list_adapters(as_json: AsJson = False) -> None:
    """List the installed adapters, and whether each is loaded.

    GATEWAY_ADAPTERS names the adapters to load. Of an adapter that is not loaded only the package is known. With
    --json: an array of objects with key, member, product, policies, package, package_version, is_loaded, summary."""
    registry = discover(settings_for(None).adapters)
    print_list(
        [_describe(adapter, registry) for adapter in installed()],
        {
            "adapter": "key",
            "asks with": "member",
            "product": "product",
            "policy": lambda adapter: ", ".join(policy["version"] for policy in adapter["policies"]),
            "package": lambda adapter: f"{adapter['package']} {adapter['package_version']}".strip(),
            "loaded": "is_loaded",
            "summary": "summary",
        },
        folded=("summary",),
        empty="No adapter is installed.",
        as_json=as_json,
    )


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The adapter's key, in lower snake case: harbour_boats.")],
    product: Annotated[Template, typer.Option(help="The product that it decides about.")] = Template.DEPOSIT_WAIVER,
) -> None:
    """Write the package of a new adapter into the current folder.

    The package is complete and passes its own tests. Change it to what the merchant needs."""
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
    as_json: AsJson = False,
) -> None:
    """Check an installed adapter against the requirements of every adapter.

    Also checks that the GraphQL schema can be built with its ask. Exit code 1 if a requirement is not met.

    With --json: an object with adapter, is_met and requirements, each with name, is_met and problems."""
    from merchants.conformance.check import check_adapter

    if key not in {adapter.key for adapter in installed()}:
        fail(f"{key} is not installed: pip install --no-deps --no-build-isolation -e ./{key}")
    findings = check_adapter(discover({key})[key])
    problems = {name: [finding.problem for finding in each] for name, each in findings.items()}
    problems["ask has a place in the schema"] = _schema_problems(key)
    unmet = sum(map(bool, problems.values()))
    if as_json:
        requirements = [{"name": name, "is_met": not each, "problems": each} for name, each in problems.items()]
        print_json({"adapter": key, "is_met": not unmet, "requirements": requirements})
    else:
        _print_problems(problems)
    if unmet:
        fail(f"{key} does not meet {unmet} of {len(problems)} requirements. For tracebacks run pytest in its folder.")
    if not as_json:
        console.print(f"{key} meets all {len(problems)} requirements.")


def _describe(adapter: InstalledAdapter, registry: AdapterRegistry) -> Record:
    loaded = registry.get(adapter.key)
    return {
        "key": adapter.key,
        "member": loaded and loaded.member,
        "product": loaded and loaded.product,
        "policies": [
            {"version": table.version, "effective": table.effective, "hash": table.hash}
            for table in (loaded.policies if loaded else ())
        ],
        "package": adapter.distribution,
        "package_version": adapter.version,
        "is_loaded": loaded is not None,
        "summary": loaded and loaded.summary,
    }


def _print_problems(problems: Mapping[str, Sequence[str]]) -> None:
    for name, problems_of_one in problems.items():
        sign = ("✗", "bold red") if problems_of_one else ("✓", "green")
        console.print(Text.assemble(sign, f" {name}"))
        for problem in problems_of_one:
            console.print(f"  {problem}")


def _taken_names() -> set[str]:
    """The names of all types of the schema of the loaded adapters, and of the members of DecisionAsk."""
    from schema.build import build_schema

    registry = discover(settings_for(None).adapters)
    return {*build_schema(registry, sandbox=True).schema.type_map, *(each.member for each in registry.values())}


def _schema_problems(key: str) -> list[str]:
    """Why the schema of the loaded adapters and this one cannot be built; empty if it can."""
    from schema.build import build_schema

    allowed = settings_for(None).adapters
    try:
        build_schema(discover(None if allowed is None else {*allowed, key}), sandbox=True)
    except Exception as error:  # noqa: BLE001  # with any exception a deployment with this adapter would not start
        return [str(error)]
    return []
