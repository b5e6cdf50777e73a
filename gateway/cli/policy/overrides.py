"""`gateway policy bounds`, `override` and `overrides`: what merchants may change of a policy, and what they do."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail
from gateway.cli.console import table as empty_table
from gateway.domain.policies.description import describe_rule
from gateway.domain.policies.override import PolicyBounds
from gateway.domain.policies.table import DecisionTable
from gateway.store.unit import UnitOfWork
from merchants.policies.reader import read_text

Merchant = Annotated[str, typer.Argument(help="The merchant's id, mer_...")]
Adapter = Annotated[str, typer.Argument(help="The adapter's key, see `gateway adapters list`.")]


def bounds(
    merchant: Merchant,
    adapter: Adapter,
    file: Annotated[Path | None, typer.Argument(help="The bounds, in TOML; without it, those that count.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Say what a merchant may override of an adapter's policy, and how far; replaces what was said before."""
    content = None if file is None else read_text(file)
    with container_for(database_url) as container:

        def load_bounds(unit: UnitOfWork) -> tuple[str, PolicyBounds | None]:
            name = container.merchants.require(unit, merchant).name
            return name, container.overrides.bounds(unit, merchant, container.merchants.adapter(adapter))

        if content is not None:
            text, source = content
            container.database.write(lambda unit: container.overrides.draw(unit, merchant, adapter, text, source))
        name, limits = container.database.read(load_bounds)
    if limits is None or not limits.ranges:
        console.print(f"{name} may override nothing of {adapter}.")
        return
    console.print(f"{name} may override of {adapter}:")
    for rule_id, ranges in limits.ranges.items():
        for what, allowed in ranges.items():
            console.print(f"  {rule_id}: {what} {allowed}")


def override(
    merchant: Merchant,
    adapter: Adapter,
    file: Annotated[Path, typer.Argument(help="The override, in TOML.")],
    check: Annotated[bool, typer.Option("--check", help="Try it, and write nothing.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Register a merchant's override of an adapter's policy. It is refused where it leaves the operator's bounds, or
    would make the policy unfair. Prints what changes, under each version of the policy that it will decide with."""
    text, source = read_text(file)
    with container_for(database_url) as container:
        service = container.overrides
        if check:
            proposal = container.database.read(lambda unit: service.propose(unit, merchant, adapter, text, source))
        else:
            proposal = container.database.write(lambda unit: service.register(unit, merchant, adapter, text, source))
    for before, after in proposal.tables:
        console.print(table_line(adapter, after))
        for old, new in zip(before.rules, after.rules, strict=True):
            if old != new:
                console.print(f"  {new.id}: {describe_rule(new)}; the policy: {describe_rule(old)}")
    if check:
        console.print("Nothing was written.")


def overrides(database_url: DatabaseUrl = None) -> None:
    """List the overrides that count now or will. Exit code 1 if one does not fit what is installed."""
    with container_for(database_url) as container:
        states = container.database.read(container.overrides.list_states)
    if not states:
        console.print("No merchant overrides a policy.")
        return
    rows = empty_table("merchant", "adapter", "version", "effective", "fits")
    for each in states:
        rows.add_row(each.merchant_id, each.adapter, each.version, each.effective, "no" if each.fault else "yes")
    console.print(rows)
    faults = [each.fault for each in states if each.fault]
    for sentence in faults:
        console.print(sentence)
    if faults:
        fail(f"{len(faults)} of {len(states)} cannot be used: register others with gateway policy override.")


def table_line(key: str, table: DecisionTable, *, in_force: bool = False) -> str:
    """Version, effective date, size and hash of a policy."""
    mark = ", in force" if in_force else ""
    return f"{key} {table.version}, effective {table.effective}{mark}: {len(table.rules)} rules, {table.hash}"
