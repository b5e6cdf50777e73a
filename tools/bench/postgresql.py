"""`python -m tools.bench.postgresql`: the gateway's decisions per second, and pgbench's transactions per second with
the same rows in the same PostgreSQL server.

The server has fsync and synchronous_commit. No process has a core of its own. All are measured in each round before the
next round begins.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.support.postgresql import Cluster
from tests.support.valkey import ValkeyServer
from tools.bench import machine
from tools.bench.dataset import Dataset
from tools.bench.postgresql_runs import Databases, Figures, Runner
from tools.bench.registry import STATE

CONFIGURATION = """
listen_addresses = ''
fsync = on
synchronous_commit = on
max_connections = 200
log_min_messages = fatal
timezone = UTC
"""
"""The other settings are PostgreSQL's defaults."""

AIM = 0.4
"""The smallest ratio of the gateway's decisions per second, with one worker, to pgbench's transactions per second."""
PGBENCH, WITHOUT_HEADS, GATEWAY = "pgbench", "pgbench, without the heads of the logs", "Sesame Gateway, 1 worker"
TWO_WORKERS = "Sesame Gateway, 2 workers"

Rounds = Mapping[str, Sequence[Figures]]


def ratio(rounds: Rounds, one: str, other: str) -> float:
    """Returns the median of the ratios of the rounds."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return statistics.median(first.per_second / second.per_second for first, second in pairs)


def ratio_by_cpu(rounds: Rounds, one: str, other: str) -> float:
    """Returns the median of the ratios of the rounds, of transactions for the same CPU time of all processes."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return statistics.median(sum(second.cpu_us.values()) / sum(first.cpu_us.values()) for first, second in pairs)


def measure(measured: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Returns the figures of all rounds, in which the order alternates. Prints a line for each measurement."""
    found: dict[str, list[Figures]] = {name: [] for name in measured}
    for number in range(rounds):
        for name in measured if number % 2 == 0 else reversed(list(measured)):
            figures = measured[name]()
            found[name].append(figures)
            print(f"round {number + 1}  {name:<40} {figures.per_second:>8,.0f}/s", file=sys.stderr, flush=True)
    return found


def markdown(rounds: Rounds, conditions: str) -> str:
    """Returns the section for the report."""
    heads = ["what", "clients", "per second", "range", "µs of CPU: gateway", "PostgreSQL", "Valkey", "sender"]
    heads += ["bytes of log", "of rows", "to pgbench", "by CPU time", "to it without heads", "by CPU time"]
    lines = ["### Decisions over PostgreSQL, and pgbench", "", conditions, ""]
    lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += [_row(rounds, name) for name in rounds]
    reached, growth = ratio(rounds, GATEWAY, PGBENCH), ratio(rounds, TWO_WORKERS, GATEWAY)
    verdict = "reached" if reached >= AIM else "not reached"
    lines += [
        "",
        f"Aim: with one worker at least {AIM:g} of pgbench: {reached:.2f}, {verdict}. Two workers make {growth:.2f}"
        f" times as many decisions as one, on {os.cpu_count()} cores that they share with PostgreSQL and the sender.",
    ]
    return "\n".join(lines) + "\n"


def _row(rounds: Rounds, name: str) -> str:
    every = rounds[name]
    rates = [each.per_second for each in every]
    cells = [name, str(every[0].clients), f"{statistics.mean(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}"]
    for server in ("gateway", "PostgreSQL", "Valkey", "sender"):
        used = [each.cpu_us[server] for each in every if server in each.cpu_us]
        cells.append(f"{statistics.median(used):,.0f}" if used else "")
    for values in ([each.log_bytes for each in every], [each.row_bytes for each in every]):
        cells.append(f"{statistics.median(values):,.0f}")
    for other in (PGBENCH, WITHOUT_HEADS):
        is_other = name != other and name.startswith("Sesame")
        cells += [f"{each(rounds, name, other):.2f}" if is_other else "" for each in (ratio, ratio_by_cpu)]
    return "| " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.postgresql", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--clients", type=int, default=8, help="of pgbench; twice as many without the heads")
    parser.add_argument("--data", type=Path, default=STATE, help="folder for the databases, on the disk to measure")
    parser.add_argument("--check", action="store_true", help=f"exit with 1 if the ratio is below {AIM:g}")
    options = parser.parse_args(arguments)
    options.data.mkdir(exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pg-", dir=options.data) as name:
        folder = Path(name)
        folder.chmod(0o1777)  # PostgreSQL does not run as root, and removes its files itself
        described = machine.sentence(machine.describe(folder))
        with Cluster(parent=folder, configuration=CONFIGURATION) as cluster, ValkeyServer() as valkey:
            databases = Databases(cluster, folder, Dataset())
            runner = Runner(cluster, valkey, databases, options.seconds)
            rounds = measure(
                {
                    PGBENCH: partial(runner.measure_pgbench, options.clients, with_heads=True),
                    GATEWAY: partial(runner.measure_gateway, 1),
                    TWO_WORKERS: partial(runner.measure_gateway, 2),
                    WITHOUT_HEADS: partial(runner.measure_pgbench, 2 * options.clients, with_heads=False),
                },
                options.rounds,
            )
            version = databases.version()
    others = statistics.median(figures.others for every in rounds.values() for figures in every)
    conditions = (
        f"{described} PostgreSQL {version}. Rounds: {options.rounds}, of {options.seconds:g} s; in all"
        f" {(time.monotonic() - began) / 60:.0f} minutes. Other programs used {others:.2f} of a core (median)."
    )
    print(markdown(rounds, conditions))
    return 1 if options.check and ratio(rounds, GATEWAY, PGBENCH) < AIM else 0


if __name__ == "__main__":
    sys.exit(main())
