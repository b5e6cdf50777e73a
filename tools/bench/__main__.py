"""`python -m tools.bench`: measures the gateway and the other servers, prints a report in Markdown, and checks it."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.bench import chart, environment, machine, minimums, report
from tools.bench.dataset import Dataset
from tools.bench.measurement import Bench, Figures, Options
from tools.bench.registry import ALL, GATEWAY, NODE, PYTHON, ROOT, STATE, Peer, chosen, missing
from tools.bench.results import Results
from tools.bench.scenarios import SCENARIOS, Scenario
from tools.bench.server import CORES, LOAD_CORE, ServerFailed
from tools.bench.templates import Templates

DOCS = ROOT / "docs"
_IN_CHART = ("read", "page", "decide", "token")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    names = ", ".join(peer.name for peer in ALL)
    parser.add_argument("--peers", default="all", help=f"all, or some of: {names}")
    parser.add_argument("--scenario", default="all", help=f"all, or some of: {', '.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement, after a warm-up of a quarter")
    parser.add_argument("--connections", type=int, help="instead of those of each scenario")
    parser.add_argument("--open-loop", action="store_true", help="also measure latency at 70 %% of the capacity")
    parser.add_argument("--data", type=Path, default=STATE, help="folder for the databases, on the disk to measure")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a ratio is below its minimum")
    parser.add_argument("--write-docs", action="store_true", help="write table and chart to docs/performance.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parse(arguments)
    try:
        peers, scenarios = _installed(chosen(options.peers)), _scenarios(options.scenario)
    except (ValueError, environment.InstallationFailed) as error:
        print(error, file=sys.stderr)
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="data-", dir=options.data) as folder, pinned():
        described = machine.describe(Path(folder))
        templates = Templates(Path(folder), Dataset())
        bench = Bench(Dataset(), templates, Options(options.seconds, options.connections, options.open_loop))
        results = measure_all(bench, peers, scenarios, options.rounds)
    conditions = (
        f"Rounds: {options.rounds}, interleaved, of {options.seconds:g} s after a warm-up; in all"
        f" {(time.monotonic() - began) / 60:.0f} minutes."
    )
    checks, versions = minimums.check(results), machine.versions(peers)
    text = report.markdown(results, checks, described, versions, conditions)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(_document(results, checks, described, versions), indent=1) + "\n")
    if options.write_docs:
        (DOCS / report.CHART).write_text(draw(results), encoding="utf-8")
        picture = f"![Requests per second of each server]({report.CHART})"
        report.write_section(DOCS / "performance.md", f"{picture}\n\n{text}")
    failures = [check.failure for check in checks if not check.is_met]
    if options.check and (failures or results.problems()):
        print("\n".join([*failures, *results.problems()]), file=sys.stderr)
        return 1
    return 0


@contextmanager
def pinned() -> Iterator[None]:
    """Keeps this process on its own core, if there is more than one."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})
    try:
        yield
    finally:
        if len(CORES) > 1:
            os.sched_setaffinity(0, CORES)


def measure_all(bench: Bench, peers: Sequence[Peer], scenarios: Sequence[Scenario], rounds: int) -> Results:
    """Measures all servers in each round before the next round begins, in alternating order, the gateway first in the
    first round. Prints a line for each measurement. A server that fails is left out of that round."""
    results = Results()
    for scenario in scenarios:
        able = [peer for peer in peers if scenario.name in peer.scenarios]
        for number in range(rounds):
            for peer in able if number % 2 == 0 else reversed(able):
                try:
                    figures = bench.measure(peer, scenario)
                except (ServerFailed, ValueError, OSError) as error:
                    print(f"{scenario.name}, {peer.name}: {error}", file=sys.stderr, flush=True)
                    figures = None
                results.add(scenario.name, peer.name, figures)
                if figures is not None:
                    print(_line(number + 1, figures), file=sys.stderr, flush=True)
    return results


def draw(results: Results) -> str:
    """Returns the chart of the requests per second."""
    groups = []
    for name in results.scenarios:
        rows = sorted((results.summary(name, peer) for peer in results.peers(name)), key=lambda row: -row.per_second)
        if len(rows) > 1 and name in _IN_CHART:
            bars = [chart.Bar(report.LABELS[row.peer], row.per_second, row.peer == GATEWAY) for row in rows]
            groups.append(chart.Group(SCENARIOS[name].label, "/s", bars))
    return chart.svg("Requests per second of the gateway and of other servers", groups)


def _installed(peers: list[Peer]) -> list[Peer]:
    """Returns the servers that can run, after installing what they need. Prints a line for each that cannot."""
    STATE.mkdir(exist_ok=True)
    if any(peer.needs == PYTHON for peer in peers):
        environment.install_python()
    reason = "It is not installed."
    if any(NODE in peer.needs.parents for peer in peers):
        try:
            reason = environment.install_node() or reason
        except environment.InstallationFailed as error:
            reason = str(error)
    absent = missing(peers)
    for peer in absent:
        print(f"{peer.name} is skipped. {reason}", file=sys.stderr)
    return [peer for peer in peers if peer not in absent]


def _scenarios(names: str) -> list[Scenario]:
    wanted = list(SCENARIOS) if names == "all" else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in SCENARIOS]
    if unknown:
        raise ValueError(f"There is no scenario {', '.join(unknown)}. Known: {', '.join(SCENARIOS)}.")
    return [SCENARIOS[name] for name in wanted]


def _line(number: int, figures: Figures) -> str:
    return (
        f"{figures.scenario:<7} round {number}  {figures.peer:<18} {figures.per_second:>8,.0f}/s  p50"
        f" {figures.p50_ms:8.2f}  p99 {figures.p99_ms:8.2f} ms  {figures.cpu_us:>6,.0f} µs of CPU  {figures.errors}"
        f" errors  others {figures.others:.0%}  sender {figures.sender:.0%}"
    )


def _document(
    results: Results, checks: Sequence[minimums.Check], described: dict[str, Any], versions: dict[str, Any]
) -> dict[str, Any]:
    every = {
        scenario: {
            peer: [asdict(figures) for figures in results.rounds(scenario, peer)] for peer in results.peers(scenario)
        }
        for scenario in results.scenarios
    }
    aims = [{**asdict(check.row), "measured": check.measured, "met": check.is_met} for check in checks]
    return {"machine": described, "versions": versions, "figures": every, "aims": aims, "problems": results.problems()}


if __name__ == "__main__":
    sys.exit(main())
