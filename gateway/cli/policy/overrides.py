"""`gateway policy bounds`, `override` and `overrides`: the values of a policy that merchants may change, and do."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail
from gateway.cli.output import AsJson, Columns, Record, WithReplaced, print_json, print_list
from gateway.domain.policies.description import describe_rule
from gateway.domain.policies.override import PolicyBounds
from gateway.domain.policies.rule import plain
from gateway.domain.policies.table import DecisionTable
from gateway.store.unit import UnitOfWork
from merchants.policies.reader import read_text

Merchant = Annotated[str, typer.Argument(help="The merchant's id, mer_...")]
Adapter = Annotated[str, typer.Argument(help="The adapter's key, see `gateway adapters list`.")]


def bounds(
    merchant: Merchant,
    adapter: Adapter,
    file: Annotated[Path | None, typer.Argument(help="The new bounds, in TOML.")] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show or set the ranges within which a merchant's override may change an adapter's policy.

    With FILE, sets them. An override may change only the values that have a range.

    With --json: an object with merchant_id, adapter and bounds, an array of objects with rule, value, at_least and
    at_most."""
    content = None if file is None else read_text(file)
    with container_for(database_url) as container:

        def load_bounds(unit: UnitOfWork) -> tuple[str, PolicyBounds | None]:
            name = container.merchants.require(unit, merchant).name
            return name, container.overrides.load_bounds(unit, merchant, container.merchants.require_adapter(adapter))

        if content is not None:
            text, source = content
            container.database.write(lambda unit: container.overrides.set_bounds(unit, merchant, adapter, text, source))
        name, limits = container.database.read(load_bounds)
    ranges = [
        (rule, value, allowed)
        for rule, values in (limits.ranges if limits else {}).items()
        for value, allowed in values.items()
    ]
    if as_json:
        records = [
            {"rule": rule, "value": value, "at_least": plain(allowed.at_least), "at_most": plain(allowed.at_most)}
            for rule, value, allowed in ranges
        ]
        print_json({"merchant_id": merchant, "adapter": adapter, "bounds": records})
    elif ranges:
        console.print(f"{name} may override these values of {adapter}:")
        for rule, value, allowed in ranges:
            console.print(f"  {rule}: {value} {allowed}")
    else:
        console.print(f"{name} may override nothing of {adapter}.")


def override(
    merchant: Merchant,
    adapter: Adapter,
    file: Annotated[Path, typer.Argument(help="The override, in TOML.")],
    check: Annotated[bool, typer.Option("--check", help="Check it and write nothing.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Replace values of an adapter's policy for one merchant, within its bounds.

    Prints the rules that change, for each version of the policy that the override will decide with. Fails if a value is
    out of the bounds (gateway policy bounds) or makes the policy unfair."""
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


def overrides(with_replaced: WithReplaced = False, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the overrides that are in force now or later. Exit code 1 if one does not fit the installed policies.

    Those of merchants that a reset of a sandbox has replaced are left out.

    With --json: an array of objects with merchant_id, adapter, version, effective, is_usable and fault."""
    with container_for(database_url) as container:
        states = container.database.read(
            lambda unit: container.overrides.list_states(unit, with_replaced=with_replaced)
        )
    records = [
        {
            "merchant_id": state.merchant_id,
            "adapter": state.adapter,
            "version": state.version,
            "effective": state.effective,
            "is_usable": state.fault is None,
            "fault": state.fault,
        }
        for state in states
    ]
    columns: Columns = {
        "merchant": "merchant_id",
        "adapter": "adapter",
        "version": "version",
        "effective": "effective",
        "usable": "is_usable",
    }
    print_list(records, columns, empty="No merchant overrides a policy.", as_json=as_json)
    faults = [state.fault for state in states if state.fault]
    if not as_json:
        for sentence in faults:
            console.print(sentence)
    if faults:
        fail(f"{len(faults)} of {len(states)} cannot be used: register others with gateway policy override.")


def describe_table(key: str, table: DecisionTable, is_in_force: bool) -> Record:
    """One version of the policy of an adapter as a document."""
    return {
        "adapter": key,
        "version": table.version,
        "effective": table.effective,
        "is_in_force": is_in_force,
        "rules": len(table.rules),
        "hash": table.hash,
        "source": table.source,
    }


def table_line(key: str, table: DecisionTable, *, in_force: bool = False) -> str:
    """Version, effective date, size and hash of a policy."""
    mark = ", in force" if in_force else ""
    return f"{key} {table.version}, effective {table.effective}{mark}: {len(table.rules)} rules, {table.hash}"
