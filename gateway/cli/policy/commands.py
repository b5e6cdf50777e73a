"""`gateway policy`: check policies before they decide, explain their decisions, compare them with other policies."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, note, settings_for
from gateway.cli.output import AsJson, print_json
from gateway.cli.policy import overrides
from gateway.domain.policies.override import PolicyOverride
from gateway.domain.policies.table import DecisionTable
from gateway.kit.clock import BusinessTime, wall_clock
from merchants.adapter import MerchantAdapter
from merchants.policies.overrides import read_override
from merchants.policies.reader import read_text
from merchants.registry import AdapterRegistry, discover

app = typer.Typer(
    no_args_is_help=True, help="Check policies, explain decisions, compare policies, set merchants' overrides."
)

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only decisions of this day (UTC) or later.")
]
_ADAPTER = "Key of the adapter whose columns and benefits the file must have, see `gateway adapters list`."


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Policy files. Default: the installed policies.")] = None,
    adapter: Annotated[str | None, typer.Option(help=_ADAPTER)] = None,
    as_json: AsJson = False,
) -> None:
    """Check the installed policies or policy files, and print their versions.

    Needs no database. Exit code 1, with file, rule and column, for the first policy that cannot be used.

    With --json: an array of objects with adapter, version, effective, is_in_force, rules (their number), hash and
    source."""
    if files and adapter is None:
        fail("Name the adapter whose columns and benefits the files must have: --adapter KEY")
    registry, now = discover(settings_for(None).adapters if adapter is None else {adapter}), wall_clock()
    if not files:
        registry.require_effective(now)
    checked = [
        (key, table, not files and table is each.policies.at(now))
        for key, each in registry.items()
        for table in (map(each.load_policy, files) if files else each.policies)
    ]
    if as_json:
        print_json([overrides.describe_table(key, table, is_in_force) for key, table, is_in_force in checked])
        return
    for key, table, is_in_force in checked:
        console.print(overrides.table_line(key, table, in_force=is_in_force))


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(help="The decision's id, dec_...")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Explain a decision: the rules that were tried, the result of the policy, and the outcome.

    With --json: an object with decision_id, status, decided_at, product, purpose, policy, policy_in_force,
    is_sealed, requested, person, rules, result, outcome and shadow."""
    from gateway.cli.policy import explanation

    with container_for(database_url) as container:
        trace = container.database.read(lambda unit: container.policies.load_trace(unit, decision))
    described = explanation.describe(trace)
    if as_json:
        print_json(described)
        return
    for line in explanation.lines(described):
        console.print(line)


@app.command()
def backtest(
    file: Annotated[Path, typer.Argument(help="The policy file to try.")],
    adapter: Annotated[str, typer.Option(help="Key of the adapter whose requests are replayed.")],
    since: Since = None,
    csv: Annotated[Path | None, typer.Option(help="Write a line for each changed decision to this file.")] = None,
    merchant: Annotated[str | None, typer.Option(help="FILE is an override of this merchant, mer_...")] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Replay an adapter's past requests with a policy file, and count what would change.

    With --merchant, FILE is that merchant's override, and only its requests are replayed. Otherwise each merchant's own
    override applies to FILE too. Writes nothing to the database. Credit limits are not replayed: a request without
    enough available limit counts with the result of its policy.

    With --json: an object with policy, version, source, compared, changed, groups (by tier and status) and
    not_compared (by reason)."""
    from gateway.cli.policy import comparison

    with container_for(database_url) as container:
        replayed = _adapter(container.registry, adapter)
        candidate: DecisionTable | PolicyOverride
        if merchant is None:
            candidate = replayed.load_policy(file)
            compared = container.policies.backtest(replayed, candidate, _midnight(since))
        else:
            owner = container.database.read(partial(container.merchants.require, merchant_id=merchant))
            candidate = read_override(*read_text(file), replayed)
            compared = container.policies.backtest_override(replayed, owner.id, candidate, _midnight(since))
        counts = comparison.describe(comparison.count(compared, csv))
    if as_json:
        print_json({"policy": candidate.policy, "version": candidate.version, "source": candidate.source, **counts})
        return
    comparison.show(counts, f"{candidate.policy} {candidate.version} ({candidate.source})")
    comparison.show_sealed(counts["not_compared"]["sealed"])


@app.command()
def shadow(
    adapter: Annotated[str, typer.Argument(help="The adapter's key.")],
    since: Since = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Count how often a shadow policy (evaluated and logged, decides nothing) would have decided differently.

    GATEWAY_SHADOW_POLICIES names the shadow policies. Credit limits are ignored on both sides.

    With --json: an object with adapter, policies (each with policy, version, hash and counts as of a backtest) and
    sealed."""
    from gateway.cli.policy import comparison

    with container_for(database_url) as container:
        compared = container.policies.compare_shadows(_adapter(container.registry, adapter), _midnight(since))
        sealed, counted = comparison.count_shadows(compared)
    described = [
        {"policy": each.policy, "version": each.version, "hash": each.hash, **comparison.describe(counts)}
        for each, counts in counted.items()
    ]
    if as_json:
        print_json({"adapter": adapter, "policies": described, "sealed": sealed})
        return
    for each in described:
        comparison.show(each, "{policy} {version} ({hash})".format(**each), "live", "shadow")
    if not described:
        note(f"No shadow policy has been evaluated for {adapter}.")
    comparison.show_sealed(sealed)


app.command("bounds")(overrides.bounds)
app.command("override")(overrides.override)
app.command("overrides")(overrides.overrides)


def _midnight(day: datetime | None) -> BusinessTime | None:
    return BusinessTime(day.replace(tzinfo=UTC)) if day else None


def _adapter(registry: AdapterRegistry, key: str) -> MerchantAdapter[Any]:
    if key not in registry:
        fail(f"No adapter {key} is loaded: gateway adapters list")
    return registry[key]
