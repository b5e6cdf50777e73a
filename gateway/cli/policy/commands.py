"""`gateway policy`: check policies before they decide anything, and see what they decided."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, settings_for
from gateway.cli.policy import overrides
from gateway.domain.policies.comparison import SkipReason
from gateway.domain.policies.override import PolicyOverride
from gateway.domain.policies.table import DecisionTable
from gateway.kit.clock import BusinessTime, wall_clock
from merchants.adapter import MerchantAdapter
from merchants.policies.overrides import read_override
from merchants.policies.reader import read_text
from merchants.registry import AdapterRegistry, discover

app = typer.Typer(
    no_args_is_help=True, help="Check policies and merchants' overrides, explain what they decided, try others on it."
)

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what was decided on this day (UTC) or later.")
]
_ADAPTER = "Key of the adapter whose columns and benefits the file must have, see `gateway adapters list`."


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Policy files; without any, those installed.")] = None,
    adapter: Annotated[str | None, typer.Option(help=_ADAPTER)] = None,
) -> None:
    """Load policies and print version, effective date, size and hash of each, and which are in force now.

    Needs no database. Exit code 1, with file, rule and column, for the first that cannot be used."""
    if files and adapter is None:
        fail("Name the adapter whose columns and benefits the files must have: --adapter KEY")
    registry, now = discover(settings_for(None).adapters if adapter is None else {adapter}), wall_clock()
    if not files:
        registry.require_effective(now)
    for key, each in registry.items():
        for table in map(each.table, files) if files else each.policies:
            in_force = not files and table is each.policies.at(now)
            console.print(overrides.table_line(key, table, in_force=in_force))


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(help="The decision's id, dec_...")],
    database_url: DatabaseUrl = None,
) -> None:
    """Tell how a decision came about: the rules that were tried, and what the last one said."""
    from gateway.cli.policy import explanation

    with container_for(database_url) as container:
        trace = container.database.read(lambda unit: container.policies.trace(unit, decision))
    for line in explanation.lines(trace):
        console.print(line)


@app.command()
def backtest(
    file: Annotated[Path, typer.Argument(help="The policy file to try.")],
    adapter: Annotated[str, typer.Option(help="Key of the adapter whose requests are replayed.")],
    since: Since = None,
    csv: Annotated[Path | None, typer.Option(help="Where to write a line for each changed decision.")] = None,
    merchant: Annotated[str | None, typer.Option(help="FILE is an override of this merchant, mer_...")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Replay the logged requests of an adapter against a policy file: what would change, by tier.

    With --merchant FILE is that merchant's override, and only its requests are replayed. Otherwise each merchant's own
    override applies to the file as well. Writes nothing to the database. Credit limits are not replayed: a request
    that found no room there counts as what its policy had said."""
    from gateway.cli.policy import comparison

    with container_for(database_url) as container:
        replayed = _adapter(container.registry, adapter)
        tried: DecisionTable | PolicyOverride
        if merchant is None:
            tried = replayed.load_policy(file)
            compared = container.policies.backtest(replayed, tried, _midnight(since))
        else:
            owner = container.database.read(partial(container.merchants.require, merchant_id=merchant))
            tried = read_override(*read_text(file), replayed)
            compared = container.policies.backtest_override(replayed, owner.id, tried, _midnight(since))
        tally = comparison.count(compared, csv)
    comparison.show(tally, f"{tried.policy} {tried.version} ({tried.source})")
    comparison.show_sealed(tally.skipped[SkipReason.SEALED])


@app.command()
def shadow(
    adapter: Annotated[str, typer.Argument(help="The adapter's key.")],
    since: Since = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Tell how often the shadow policies of an adapter differed from what was decided, by tier.

    GATEWAY_SHADOW_POLICIES names them. Credit limits count for neither side."""
    from gateway.cli.policy import comparison

    with container_for(database_url) as container:
        compared = container.policies.shadowed(_adapter(container.registry, adapter), _midnight(since))
        sealed, tallies = comparison.count_shadows(compared)
    for version, tally in tallies.items():
        comparison.show(tally, f"{version.policy} {version.version} ({version.hash})", "live", "shadow")
    if not tallies:
        console.print(f"No shadow policy was evaluated beside {adapter}.")
    comparison.show_sealed(sealed)


app.command("bounds")(overrides.bounds)
app.command("override")(overrides.override)
app.command("overrides")(overrides.overrides)


def _midnight(day: datetime | None) -> BusinessTime | None:
    return BusinessTime(day.replace(tzinfo=UTC)) if day else None


def _adapter(registry: AdapterRegistry, key: str) -> MerchantAdapter[Any]:
    if key not in registry:
        fail(f"There is no adapter {key} here: gateway adapters list")
    return registry[key]
