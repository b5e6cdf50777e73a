"""`gateway policy bounds`, `override` and `overrides`: what merchants may change of a policy, and what they do."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, assembled, console, fail
from gateway.cli.console import table as empty_table
from gateway.domain.policy import DecisionTable
from gateway.domain.policy_words import rule_words
from merchants.policy_file import read_text

Merchant = Annotated[str, typer.Argument(help="The merchant's id, mer_...")]
Adapter = Annotated[str, typer.Argument(help="The adapter's key, see `gateway merchants list`.")]


def bounds(
    merchant: Merchant,
    adapter: Adapter,
    file: Annotated[Path | None, typer.Argument(help="The bounds, in TOML; without it, those that count.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Say what a merchant may override of an adapter's policy, and how far; replaces what was said before."""
    with assembled(database_url) as made:
        if file is not None:
            with made.database.write() as session:
                made.overrides.draw(session, merchant, adapter, *read_text(file))
        with made.database.read() as session:
            name = made.services.merchants.require(session, merchant).name
            drawn = made.overrides.bounds(session, merchant, made.services.merchants.adapter(adapter))
    if drawn is None or not drawn.ranges:
        console.print(f"{name} may override nothing of {adapter}.")
        return
    console.print(f"{name} may override of {adapter}:")
    for rule_id, ranges in drawn.ranges.items():
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
    with assembled(database_url) as made:
        if check:
            with made.database.read() as session:
                proposal = made.overrides.propose(session, merchant, adapter, text, source)
        else:
            with made.database.write() as session:
                proposal = made.overrides.register(session, merchant, adapter, text, source)
    for before, after in proposal.tables:
        console.print(table_line(adapter, after))
        for old, new in zip(before.rules, after.rules, strict=True):
            if old != new:
                console.print(f"  {new.id}: {rule_words(new)}; the policy: {rule_words(old)}")
    if check:
        console.print("Nothing was written.")


def overrides(database_url: DatabaseUrl = None) -> None:
    """List the overrides that count now or will. Exit code 1 if one does not fit what is installed."""
    with assembled(database_url) as made, made.database.read() as session:
        found = list(made.overrides.standing(session))
    if not found:
        console.print("No merchant overrides a policy.")
        return
    rows = empty_table("merchant", "adapter", "version", "effective", "fits")
    for each in found:
        rows.add_row(each.merchant_id, each.adapter, each.version, each.effective, "no" if each.fault else "yes")
    console.print(rows)
    faults = [each.fault for each in found if each.fault]
    for broken in faults:
        console.print(broken)
    if faults:
        fail(f"{len(faults)} of {len(found)} cannot be used: register others with gateway policy override.")


def table_line(key: str, table: DecisionTable, *, in_force: bool = False) -> str:
    """Version, effective date, size and hash of a policy."""
    mark = ", in force" if in_force else ""
    return f"{key} {table.version}, effective {table.effective}{mark}: {len(table.rules)} rules, {table.hash}"
