"""The results as Markdown, and the section of docs/performance.md."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.bench import machine
from tools.bench.minimums import Check, Maximum
from tools.bench.registry import ALL, GATEWAY, REFERENCE
from tools.bench.results import Results, Summary
from tools.bench.scenarios import SCENARIOS

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
CHART = "performance-comparison.svg"
_BUSY = 0.25
"""The share of the server's core used by others above which the report warns."""

LABELS = {peer.name: peer.label for peer in ALL}


def markdown(
    results: Results,
    checks: Sequence[Check],
    described: Mapping[str, Any],
    versions: Mapping[str, Mapping[str, str]],
    conditions: str,
) -> str:
    """Returns the whole report. `conditions` is a sentence about rounds and seconds."""
    parts = [f"{machine.sentence(described)} {conditions} {shares(results)}"]
    parts.append(aims_table(checks))
    parts += [scenario_table(results, name) for name in results.scenarios]
    parts.append(versions_table(versions))
    problems = results.problems()
    if problems:
        parts.append("Differences and errors:\n\n" + "\n".join(f"* {problem}" for problem in problems))
    return "\n\n".join(parts) + "\n"


def shares(results: Results) -> str:
    """Returns sentences about what the sending program and all others used of their cores: what limits the figures."""
    every = [results.summary(name, peer) for name in results.scenarios for peer in results.peers(name)]
    if not every:
        return ""
    sender, others = max(row.sender for row in every), statistics.median(row.others for row in every)
    busy = " **The machine was busy: compare by CPU time, not by requests per second.**" if others > _BUSY else ""
    return (
        f"The program that sends the load used at most {sender:.0%} of its core. Programs that are not measured used"
        f" {others:.0%} of the server's core (median).{busy}"
    )


def scenario_table(results: Results, name: str) -> str:
    """Returns the table of one scenario, the fastest server first."""
    scenario = SCENARIOS[name]
    rows = sorted((results.summary(name, peer) for peer in results.peers(name)), key=lambda row: -row.per_second)
    opened = any(row.open_p50_ms is not None for row in rows)
    reference = REFERENCE if results.peers(name).count(REFERENCE) else None
    heads = ["server", "requests/s", "range", "p50 ms", "p99 ms", "max ms", "errors", "µs of CPU"]
    heads += ["p50 at 70 %", "p99 at 70 %"] if opened else []
    heads += ["to bare"] if reference else []
    heads.append("gateway to it")
    lines = [
        f"### {scenario.label} (`{name}`)",
        "",
        f"{scenario.connections} connection{'s' * (scenario.connections > 1)}.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
    ]
    for row in rows:
        cells = _cells(row)
        cells += [_milliseconds(row.open_p50_ms), _milliseconds(row.open_p99_ms)] if opened else []
        cells += [_ratio(results.ratio(name, row.peer, reference))] if reference else []
        cells.append("" if row.peer == GATEWAY else _ratio(results.ratio(name, GATEWAY, row.peer)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def aims_table(checks: Sequence[Check]) -> str:
    """Returns the table of minimums and aims, with what was measured."""
    lines = [
        "### Aims",
        "",
        "| scenario | measure | measured | by CPU time | aim | reached | `--check` fails |",
        "|---|---|---|---|---|---|---|",
    ]
    for check in checks:
        row = check.row
        reached = {None: "not measured", True: "yes", False: "no"}[check.reaches_aim]
        if isinstance(row, Maximum):
            limit = "" if row.most is None else f"above {row.most:g} times bare"
            latency = "" if check.latency_ms is None else f"{_milliseconds(check.latency_ms)} ms"
            cells = [row.scenario, "median latency", latency, "", f"{row.aim_ms:g} ms"]
        else:
            limit = "" if row.least is None else f"below {row.least:g}"
            ratios = [_ratio(check.measured), _ratio(check.by_cpu)]
            cells = [row.scenario, f"ratio to {LABELS.get(row.to, row.to)}", *ratios, f"{row.aim:g}"]
        lines.append("| " + " | ".join([*cells, reached, limit]) + " |")
    return "\n".join(lines)


def versions_table(versions: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the table of the packages of each server."""
    lines = ["### Versions", "", "| server | packages |", "|---|---|"]
    for name, packages in versions.items():
        lines.append(f"| {LABELS[name]} | {', '.join(f'{package} {number}' for package, number in packages.items())} |")
    return "\n".join(lines)


def write_section(page: Path, content: str) -> None:
    """Replaces what is between the two markers of the page. Raises ValueError if it does not have them."""
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no {BEGIN} and {END}.")
    page.write_text(f"{head}{BEGIN}\n\n{content.strip()}\n\n{END}{tail}", encoding="utf-8")


def _cells(row: Summary) -> list[str]:
    label = LABELS.get(row.peer, row.peer)
    return [
        f"**{label}**" if row.peer == GATEWAY else label,
        f"{row.per_second:,.0f}",
        f"{row.least:,.0f} to {row.most:,.0f}",
        _milliseconds(row.p50_ms),
        _milliseconds(row.p99_ms),
        _milliseconds(row.max_ms),
        str(row.errors),
        f"{row.cpu_us:,.0f}",
    ]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"
